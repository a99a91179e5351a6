"""`index --quantise`: a smaller index, the change between kinds, and what is refused."""

from __future__ import annotations

from typing import Any

from psycopg.conninfo import make_conninfo

from tests.acceptance.hnsw import BUILD, INDEX, embedded, hnsw, scans
from tests.support.chunks import make_source
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, json_lines
from tests.support.database import Database

BINARY = (*BUILD, "--quantise", "binary")
HALFVEC = (*BUILD, "--quantise", "halfvec")
STORED = "select quantise from wikiembed.sources where name = 'docs'"
SIGNS = "using hnsw ((binary_quantize(vec)::bit(4)) bit_hamming_ops)"


def named(kind: str) -> str:
    """The index of a kind."""
    return f"public.wikiembed_{kind}_docs"


def test_index_is_quantised_and_search_uses_it(call: Call, docs_table: Database) -> None:
    """In place of the plain one, which is dropped when the new one serves; again: nothing to do."""
    embedded(docs_table)
    assert_done(call(*BUILD))
    result = call(*BINARY, "--m", "8", "--ef-construction", "32")
    assert_done(result)
    built, used, dropped = result.stdout.splitlines()
    assert built.startswith(
        f"Built {named('binary')} on public.docs: 3,000 vectors, binary, m 8, ef_construction 32, "
    )
    assert used == f"docs: searches use {named('binary')}."
    assert dropped == f"Dropped {INDEX}, which search no longer uses."
    assert hnsw(docs_table) == {"wikiembed_binary_docs": True}
    assert scans(docs_table, named("binary")) == 1
    for again in (BINARY, BUILD):
        result = call(*again)
        assert_done(result)
        assert result.stdout == (
            f"docs: index {named('binary')} exists and is valid (m=8, ef_construction=32);"
            " nothing to do.\n"
        )
    docs_table.check_invariants()


def test_index_changes_between_kinds(call: Call, docs_table: Database) -> None:
    """From each to another, and back to none."""
    embedded(docs_table)
    for arguments, kind in ((BINARY, "binary"), (HALFVEC, "halfvec"), (BINARY, "binary")):
        assert_done(call(*arguments))
        assert hnsw(docs_table) == {f"wikiembed_{kind}_docs": True}
        assert docs_table.one(STORED) == kind
        assert scans(docs_table, named(kind)) == 1
    assert_done(call(*BUILD, "--quantise", "none"))
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": True}
    assert docs_table.one(STORED) is None
    assert scans(docs_table) == 1


def test_dropped_index_is_built_again_of_its_kind(call: Call, docs_table: Database) -> None:
    """For a bootstrap: meanwhile searches compare every row."""
    embedded(docs_table)
    assert_done(call(*BINARY))
    result = call(*BUILD, "--drop")
    assert_done(result)
    assert result.stdout == (
        f"Dropped {named('binary')}.\nBuild it again: wikiembed index --source docs\n"
    )
    assert docs_table.one("select count(*) from wikiembed.search('docs', '[1,2,3,4]')") == 10
    assert call(*BUILD, "--drop").stdout == "docs: there is no index wikiembed_binary_docs.\n"
    assert_done(call(*BUILD))
    assert hnsw(docs_table) == {"wikiembed_binary_docs": True}
    assert scans(docs_table, named("binary")) == 1


def test_index_by_hand_is_taken(call: Call, docs_table: Database) -> None:
    """It is found by what it indexes; ours of another kind goes, another by hand stays."""
    embedded(docs_table)
    assert_done(call(*BUILD))
    docs_table.execute(
        f"create index signs on public.docs {SIGNS};"
        " create index mine on public.docs using hnsw (vec vector_cosine_ops)"
    )
    result = call(*BINARY)
    assert_done(result)
    assert result.stdout == (
        "docs: index public.signs exists and is valid.\n"
        "docs: searches use public.signs.\n"
        f"Dropped {INDEX}, which search no longer uses.\n"
    )
    assert hnsw(docs_table) == {"mine": True, "signs": True}
    assert scans(docs_table, "public.signs") == 1
    assert_done(call(*BUILD, "--quantise", "none"))
    assert (scans(docs_table, "public.mine"), scans(docs_table, "public.signs")) == (1, 0)


def test_index_drops_the_rest_of_a_failed_build(call: Call, docs_table: Database) -> None:
    """Of this kind before the build, of another one after it; meanwhile searches are exact."""
    embedded(docs_table)
    assert_done(call(*BINARY))
    docs_table.execute(
        f"create index wikiembed_halfvec_docs on public.docs using hnsw"
        " ((vec::halfvec(4)) halfvec_cosine_ops);"
        " update pg_index set indisvalid = false where indexrelid in"
        f" ('{named('binary')}'::regclass, '{named('halfvec')}'::regclass)"
    )
    assert scans(docs_table, named("binary")) == 0
    result = call(*BINARY)
    assert_done(result)
    assert f"Dropping index {named('binary')} first" in result.stdout
    assert f"Dropped {named('halfvec')}, which search no longer uses." in result.stdout
    assert hnsw(docs_table) == {"wikiembed_binary_docs": True}
    assert scans(docs_table, named("binary")) == 1


def test_index_of_another_kind_under_our_name(call: Call, docs_table: Database) -> None:
    """It is reported, not taken."""
    embedded(docs_table)
    docs_table.execute(f"create index wikiembed_halfvec_docs on public.docs {SIGNS}")
    assert "exists and search cannot use it: drop it with" in assert_refused(call(*HALFVEC), 1)


def test_index_of_partitions_is_quantised(call: Call, database: Database) -> None:
    """One index, built per partition."""
    database.execute(
        "create table public.docs (id bigint primary key, body text, vec vector(4))"
        " partition by range (id);"
        " create table public.d1 partition of public.docs for values from (0) to (2000);"
        " create table public.d2 partition of public.docs for values from (2000) to (9000);"
        " select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs');"
        " insert into public.docs select g, 'chunk ' || g,"
        "   array[sin(g), cos(g), sin(g * g), 1]::vector from generate_series(1, 3000) as g;"
        " analyze public.docs"
    )
    assert_done(call(*BUILD))
    assert_done(call(*BINARY))
    assert len(hnsw(database)) == 3
    assert set(hnsw(database).values()) == {True}
    oid = database.one("select 'public.d1'::regclass::oid")
    leaf = f"public.wikiembed_binary_docs_{oid}"
    assert scans(database, leaf) == 1


def test_doctor_and_recall_know_the_kind(call: Call, docs_table: Database) -> None:
    """The index that serves is named; where it is missing, what searches do instead."""
    embedded(docs_table)
    assert_done(call(*BINARY))
    env = {"WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, options="-c enable_seqscan=off")}
    found: Any
    (found,) = json_lines(call("recall", "docs", "--sample", "20", "--json", env=env))
    assert found["index"] == named("binary")
    assert [one["ef_search"] for one in found["settings"]] == [44, 80, 160, 320, 640, 1000]
    assert (found["used"], {one["by_index"] for one in found["settings"]}) == (44, {1.0})
    assert f"Source docs is searched by {named('binary')}." in call("doctor").stdout
    docs_table.execute(
        f"drop index {named('binary')};"
        " create index mine on public.docs using hnsw (vec vector_cosine_ops)"
    )
    assert (
        "Source docs is to be searched by an index of kind binary, and searches use public.mine:"
        " run `wikiembed index --source docs`."
    ) in " ".join(call("doctor").stdout.split())


def test_quantise_is_refused_where_it_cannot_be(call: Call, database: Database) -> None:
    """Exit 2 and one sentence, before any work."""
    make_source(database, vector="halfvec(4)")
    database.execute("insert into public.docs (body, vec) values ('x', '[1,2,3,4]')")
    assert assert_refused(call(*HALFVEC), 2) == (
        'The vectors of source "docs" are stored as halfvec already: build the index without'
        " --quantise, or give --quantise binary."
    )
    both = "--quantise goes with neither --text nor --drop."
    for more in ("--drop", "--text"):
        assert assert_refused(call(*BINARY, more), 2) == both
    assert "Invalid value for '--quantise'" in assert_refused(call(*BUILD, "--quantise", "pq"), 2)
    assert hnsw(database) == {}


def test_quantise_by_a_role_that_may_not_choose(call: Call, docs_table: Database) -> None:
    """The owner of the table alone may build what the source is searched by, and change nothing."""
    embedded(docs_table, 10)
    role = docs_table.create_role("owner", grant="reader")
    docs_table.execute(
        f"grant create, usage on schema public to {role}; alter table public.docs owner to {role}"
    )
    env = {"WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, options=f"-c role={role}")}
    refused = assert_refused(call(*HALFVEC, env=env), 2)
    assert "run it as wikiembed's owner" in refused
    assert hnsw(docs_table) == {}
