"""`index` builds what search uses, changes nothing else, and explains refusals."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from tests.acceptance.hnsw import (
    BUILD,
    INDEX,
    embedded,
    hnsw,
    scans,
)
from tests.support.chunks import make_source
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, json_lines, served
from tests.support.database import Database
from tests.support.standin import StandIn
from wikiembed.control.index import Quantise, Target, graph_bytes


def test_index_is_built_and_search_uses_it(call: Call, docs_table: Database) -> None:
    """It has the stable name and search's operators; the second call finds it."""
    embedded(docs_table)
    result = call(*BUILD, "--m", "8", "--ef-construction", "32")
    assert_done(result)
    assert result.stdout.startswith(
        f"Built {INDEX} on public.docs: 3,000 vectors, m 8, ef_construction 32, "
    )
    definition = docs_table.one(f"select pg_get_indexdef('{INDEX}'::regclass)")
    assert "USING hnsw (vec vector_cosine_ops) WITH (m='8', ef_construction='32')" in definition
    assert scans(docs_table) == 1
    again = call(*BUILD)
    assert_done(again)
    assert again.stdout == (
        f"docs: index {INDEX} exists and is valid (m=8, ef_construction=32); nothing to do.\n"
    )
    docs_table.check_invariants()


def test_index_of_every_source_skips_empty_ones(call: Call, docs_table: Database) -> None:
    """Without --source, a source without vectors is named and skipped; alone it is an error."""
    embedded(docs_table, 10)
    result = call("index")
    assert_done(result)
    assert "wiki: no vectors yet, nothing to index." in result.stdout
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": True}
    assert "has no vectors yet" in assert_refused(call("index", "--source", "wiki"), 1)


def test_index_refuses_before_all_is_embedded(call: Call, docs_table: Database) -> None:
    """Exit 1 with the number missing; skipped chunks do not count, and with --anyway none does."""
    embedded(docs_table, 10)
    docs_table.execute("insert into public.docs (body) values (''), ('late')")
    output = assert_refused(call(*BUILD), 1)
    assert output == (
        "Source 'docs' lacks vectors for 2 of 12 chunks (0 failed), see `wikiembed ready docs`:"
        " or build it now with --anyway."
    )
    assert hnsw(docs_table) == {}
    docs_table.execute("select wikiembed.skip('docs', array['11', '12'])")
    assert_done(call(*BUILD))
    assert_done(call(*BUILD, "--drop"))
    docs_table.execute("insert into public.docs (body) values ('later')")
    assert_refused(call(*BUILD), 1)
    assert_done(call(*BUILD, "--anyway"))
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": True}


def test_index_drops_a_broken_one_first(call: Call, docs_table: Database) -> None:
    """The rest of an interrupted build is reported and replaced."""
    embedded(docs_table)
    assert_done(call(*BUILD))
    before = docs_table.one(f"select '{INDEX}'::regclass::oid")
    docs_table.execute(f"update pg_index set indisvalid = false where indexrelid = {before}")
    result = call(*BUILD)
    assert_done(result)
    assert f"Dropping index {INDEX} first: a build of it was interrupted." in result.stdout
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": True}
    assert docs_table.one(f"select '{INDEX}'::regclass::oid") != before


def test_index_is_dropped_for_a_bootstrap(call: Call, docs_table: Database) -> None:
    """Ours is dropped, a user's stays and is named."""
    embedded(docs_table, 10)
    assert_done(call(*BUILD))
    result = call(*BUILD, "--drop")
    assert_done(result)
    assert result.stdout == (f"Dropped {INDEX}.\nBuild it again: wikiembed index --source docs\n")
    docs_table.execute("create index mine on public.docs using hnsw (vec vector_cosine_ops)")
    again = call(*BUILD, "--drop")
    assert_done(again)
    assert again.stdout == (
        "docs: there is no index wikiembed_hnsw_docs.\n"
        "docs: index public.mine is not wikiembed's and is kept.\n"
    )
    assert "index public.mine exists and is valid; nothing to do." in call(*BUILD).stdout


def test_index_of_another_distance_does_not_count(call: Call, docs_table: Database) -> None:
    """An index that search cannot use does not prevent a build; under our name it is reported."""
    embedded(docs_table)
    docs_table.execute("create index mine on public.docs using hnsw (vec vector_l2_ops)")
    assert scans(docs_table, "public.mine") == 0
    assert_done(call(*BUILD))
    assert (scans(docs_table), scans(docs_table, "public.mine")) == (1, 0)
    assert_done(call(*BUILD, "--drop"))
    docs_table.execute("alter index public.mine rename to wikiembed_hnsw_docs")
    assert "exists and search cannot use it: drop it with" in assert_refused(call(*BUILD), 1)


def test_index_of_halfvec(call: Call, database: Database) -> None:
    """It has the operators of the column's type."""
    make_source(database, vector="halfvec(4)")
    database.execute(
        "insert into public.docs (body, vec) select 'chunk ' || g,"
        " array[sin(g), cos(g), sin(g * g), 1]::vector::halfvec from generate_series(1, 3000) as g"
    )
    database.execute("analyze public.docs")
    assert_done(call(*BUILD))
    definition = database.one(f"select pg_get_indexdef('{INDEX}'::regclass)")
    assert "(vec halfvec_cosine_ops)" in definition
    assert scans(database) == 1


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        (
            "vector(2001)",
            "has 2,001 dimensions and pgvector's hnsw supports at most 2,000 of a vector:"
            " give --quantise halfvec, which may have 4,000, or --quantise binary.",
        ),
        ("vector(4001)", "give --quantise binary, which may have 64,000."),
        ("halfvec(4001)", "supports at most 4,000 of a halfvec: give --quantise binary"),
        ("vector", "declares no dimensions, which pgvector needs for an index: alter its type"),
    ],
)
def test_index_beyond_pgvector_is_one_sentence(
    call: Call, database: Database, kind: str, output: str
) -> None:
    """Exit 2 before any work."""
    database.execute(f"create table public.docs (id int primary key, body text, vec {kind})")
    database.execute(
        "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs', p_dimensions => %s)",
        [None if "(" in kind else 4],
    )
    assert output in assert_refused(call(*BUILD, "--anyway"), 2)
    assert hnsw(database) == {}


def test_index_of_a_table_with_another_owner(call: Call, docs_table: Database) -> None:
    """A role that does not own the table gets the owner's name."""
    embedded(docs_table, 10)
    role = docs_table.create_role("worker", grant="worker")
    env = {"WIKIEMBED_DATABASE_URL": make_conninfo(docs_table.url, options=f"-c role={role}")}
    for arguments in (BUILD, (*BUILD, "--drop")):
        output = assert_refused(call(*arguments, env=env), 2)
        assert output == (
            f"Role {role} may not create an index on public.docs: run it as the table's owner,"
            " with CREATE on its schema."
        )


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("--memory", "much"), "'much' is not a valid memory size: write 512MB or 8GB."),
        (("--memory", "10kB"), "'10kB' is not a valid memory size"),
        (("--m", "40"), "--ef-construction must be at least 2 m, here 80."),
        (("--m", "1"), "Invalid value for '--m'"),
        (("--source", "no"), 'No source is named "no"'),
    ],
)
def test_index_refuses_wrong_options(
    call: Call, database: Database, arguments: tuple[str, ...], output: str
) -> None:
    """Wrong usage is one sentence and exit 2."""
    assert output in assert_refused(call("index", *arguments), 2)


def test_index_warns_when_the_graph_does_not_fit(call: Call, docs_table: Database) -> None:
    """The warning has the figures, and the index is built nevertheless."""
    embedded(docs_table, 20_000)
    result = call(*BUILD, "--memory", "1MB")
    assert result.returncode == 0
    assert "Warning: docs: the graph needs about 15 MB and gets 1 MB:" in result.stderr
    assert "--memory" in result.stderr
    assert_done(call(*BUILD, "--drop"))
    assert_done(call(*BUILD))


def test_index_memory_estimate_matches_pgvector(docs_table: Database) -> None:
    """The estimate is within a tenth of the point where pgvector reports that memory ends."""
    embedded(docs_table, 12_000)
    output: list[str] = []
    connection = docs_table.connect()
    connection.add_notice_handler(
        lambda diagnostic: output.append(diagnostic.message_primary or "")
    )
    connection.execute("set maintenance_work_mem = '4MB'")
    connection.execute("set max_parallel_maintenance_workers = 0")
    connection.execute("create index on public.docs using hnsw (vec vector_cosine_ops)")
    (notice,) = output
    rows = int(notice.split()[-2])
    target = Target(
        source="docs", oid=0, schema="public", table="docs", kind="vector", dimensions=4,
        partitioned=False, total=rows, embedded=rows, text_config=None, quantise=None,
    )  # fmt: skip
    assert graph_bytes(target, Quantise.NONE, 16) == pytest.approx(4 << 20, rel=0.1)


def test_search_returns_as_many_rows_as_requested(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """An HNSW index returns 40 rows unless hnsw.ef_search is raised."""
    embedded(docs_table)
    assert_done(call(*BUILD))
    options = "-c enable_seqscan=off -c enable_sort=off"
    env = served(standin, database_url=make_conninfo(docs_table.url, options=options))
    hits = json_lines(call("search", "x", "--source", "docs", "--limit", "200", "--json", env=env))
    assert len(hits) == 200
