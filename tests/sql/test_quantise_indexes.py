"""Indexes of vectors: their kinds, which one search uses, and what cannot be built."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import Database
from tests.support.quantised import INDEXES, N, build, exact, question, search

PLAIN = "select wikiembed.vector_index('docs')"


def test_without_a_valid_index_the_search_is_exact(docs: Database) -> None:
    """Dropped, or invalid as after a build that failed; built again, it serves at once."""
    name = build(docs, "binary")
    docs.execute(f"update pg_index set indisvalid = false where indexrelid = '{name}'::regclass")
    assert docs.rows(INDEXES) == [(name, False, "binary", False)]
    statement = "select array_agg(key) from wikiembed.search('docs', %s)"
    assert docs.one(statement, [question(docs)]) == exact(docs, 10)
    docs.execute(f"drop index {name}")
    assert docs.one(statement, [question(docs)]) == exact(docs, 10)
    build(docs, "binary")
    assert len(search(docs, index=name)) == 10


def test_reindexed_and_restored_index_serves(docs: Database) -> None:
    """It is known by its name."""
    name = build(docs, "binary")
    docs.execute(f"reindex index concurrently {name}")
    assert len(search(docs, index=name)) == 10


def test_kinds_are_told_apart(docs: Database) -> None:
    """By what they index: another expression, a part of the rows or another distance is none."""
    docs.execute(
        "create index plain on public.docs using hnsw (vec vector_cosine_ops);"
        f" create index part on public.docs using hnsw ((binary_quantize(vec)::bit({N}))"
        "   bit_hamming_ops) where id > 5;"
        " create index short on public.docs using hnsw"
        "   ((binary_quantize(subvector(vec, 1, 8))::bit(8)) bit_hamming_ops);"
        f" create index jaccard on public.docs using hnsw ((binary_quantize(vec)::bit({N}))"
        "   bit_jaccard_ops);"
        f" create index far on public.docs using hnsw ((vec::halfvec({N})) halfvec_l2_ops)"
    )
    kinds = {name: quantise for name, _, quantise, _ in docs.rows(INDEXES)}
    assert kinds == {"plain": "none", "part": None, "short": None, "jaccard": None, "far": None}
    assert {name for name, _, _, used in docs.rows(INDEXES) if used} == {"plain"}
    name = build(docs, "binary", name="mine")
    assert {name for name, _, _, used in docs.rows(INDEXES) if used} == {name}
    assert len(search(docs, index=name)) == 10


def test_two_columns_of_a_table_have_their_own(docs: Database) -> None:
    """As while a model is changed."""
    docs.execute(
        f'alter table public.docs add column "New vec" vector({N});'
        " select wikiembed.attach('public.docs', 'id', 'body', 'New vec', 'docs_new',"
        f"   p_dimensions => {N}, p_enqueue => false)"
    )
    build(docs, "binary")
    using = docs.one("select wikiembed.vector_index('docs_new', 'binary')")
    docs.execute(f"create index on public.docs {using}")
    assert docs.rows("select quantise, is_used from wikiembed.vector_indexes('docs_new')") == [
        ("binary", False)
    ]
    docs.execute("select wikiembed.set_quantise('docs_new', 'binary')")
    assert docs.rows("select quantise, is_used from wikiembed.vector_indexes('docs_new')") == [
        ("binary", True)
    ]
    assert [row[2:] for row in docs.rows(INDEXES)] == [("binary", True)]


def test_switch_of_the_kind_leaves_no_gap(docs: Database) -> None:
    """A search that has read the former statement runs it to its end."""
    plain = "wikiembed_hnsw_docs"
    docs.execute(f"create index {plain} on public.docs using hnsw (vec vector_cosine_ops)")
    assert len(search(docs, index=plain)) == 10
    binary = build(docs, "binary")
    assert {name for name, _, _, used in docs.rows(INDEXES) if used} == {binary}
    docs.execute("select wikiembed.set_quantise('docs', 'none')")
    assert {name for name, _, _, used in docs.rows(INDEXES) if used} == {plain}
    assert len(docs.rows("select * from wikiembed_private.rerank_docs(%s, 10, 1, false, 40)",
                         [question(docs)])) == 10  # fmt: skip
    halfvec = build(docs, "halfvec")
    assert {name for name, _, _, used in docs.rows(INDEXES) if used} == {halfvec}


def test_change_of_the_kind_forgets_the_recall(docs: Database) -> None:
    """It was that of another index; the same kind again changes nothing."""
    build(docs, "binary")
    docs.execute("select wikiembed.record_recall('docs', '{40}', '{0.8}', 200)")
    docs.execute("select wikiembed.set_quantise('docs', 'binary')")
    assert len(docs.rows("select * from wikiembed.recall_checks")) == 1
    docs.execute("select wikiembed.set_quantise('docs', 'none')")
    assert docs.rows("select * from wikiembed.recall_checks") == []


def test_quantise_refuses_what_is_not_there(docs: Database) -> None:
    """With a SQLSTATE of ours."""
    unknown = "no kind of index of vectors is named"
    for call, message in {
        "set_quantise('nope', 'binary')": 'no source is named "nope"',
        "set_quantise('docs', 'sq8')": f'{unknown} "sq8"',
        "set_quantise('docs', null)": unknown,
        "vector_index('docs', 'pq')": f'{unknown} "pq"',
        "vector_index('nope')": 'no source is named "nope"',
    }.items():
        with pytest.raises(psycopg.Error, match=message) as caught:
            docs.execute(f"select wikiembed.{call}")
        assert caught.value.sqlstate in {"WE001", "WE013"}
    assert docs.rows("select * from wikiembed.vector_indexes('nope')") == []


def test_limits_are_those_of_pgvector(database: Database) -> None:
    """What is not refused can be built."""
    cases = [
        ("vector(2001)", "none", "at most 2,000 of a vector"),
        ("vector(2001)", "halfvec", None),
        ("vector(4001)", "halfvec", "at most 4,000 of a halfvec"),
        ("vector(16000)", "binary", None),
        ("halfvec(4001)", "none", "at most 4,000 of a halfvec"),
        ("halfvec(4001)", "binary", None),
        ("halfvec(8)", "halfvec", "stored as halfvec already"),
        ("vector", "binary", "declares no dimensions"),
        ("vector", "none", "declares no dimensions"),
    ]
    for number, (vector, quantise, message) in enumerate(cases):
        name = f"docs_{number}"
        database.execute(
            f"create table public.{name} (id int primary key, body text, vec {vector});"
            f" select wikiembed.attach('public.{name}', 'id', 'body', 'vec', '{name}')"
        )
        if message is None:
            using = database.one("select wikiembed.vector_index(%s, %s)", [name, quantise])
            database.execute(f"create index on public.{name} {using}")
            database.execute("select wikiembed.set_quantise(%s, %s)", [name, quantise])
            continue
        with pytest.raises(psycopg.Error, match=message) as caught:
            database.one("select wikiembed.vector_index(%s, %s)", [name, quantise])
        assert caught.value.sqlstate == "WE013"


def test_older_pgvector_is_refused(docs: Database) -> None:
    """Before 0.7 it had no such function; searches and the plain index are as before."""
    docs.execute(
        "alter extension vector drop function binary_quantize(vector);"
        " alter extension vector drop function binary_quantize(halfvec);"
        " drop function binary_quantize(vector); drop function binary_quantize(halfvec);"
        " update pg_extension set extversion = '0.6.2' where extname = 'vector'"
    )
    for quantise in ("binary", "halfvec"):
        with pytest.raises(psycopg.Error, match=r"pgvector 0\.6\.2 has no quantised") as caught:
            build(docs, quantise)
        assert caught.value.sqlstate == "WE013"
    docs.execute("select wikiembed.set_quantise('docs', 'none')")
    docs.execute(f"create index on public.docs {docs.one(PLAIN)}")
    assert docs.one("select count(*) from wikiembed.search('docs', %s)", [question(docs)]) == 10
