"""Samples of embedded chunks, and the results of checks of a source's model."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs, embed, write_cut
from tests.support.chunks import read as read_chunks
from tests.support.database import Database

SAMPLE = "select key, content, embedding::text, truncated, chars_kept"
DUE = "select d from wikiembed.due_model_checks() as d"
PIN = "select wikiembed.pin_model('docs', 'openai', 'm', 4)"


def record(database: Database, *row: object) -> None:
    """Source, model, sample, median, largest distance, outcome."""
    database.execute(
        "select wikiembed.record_model_check(%s, %s, %s::int, %s::float8, %s::float8, %s)", row
    )


def sample(database: Database, chunks: int, source: str = "docs") -> list[tuple[object, ...]]:
    """A sample of embedded chunks, by key."""
    return sorted(
        database.rows(
            f"{SAMPLE} from wikiembed.sample_embedded(%s, %s::int)", [source, chunks]
        )
    )  # fmt: skip


def test_sample_has_embedded_chunks_alone(docs_table: Database) -> None:
    """With text, vector and the mark of one that was cut; at most as many as were asked for."""
    add(docs_table, "one", "two", "three", "four")
    embed(docs_table, ["1", "2"])
    write_cut(docs_table, read_chunks(docs_table, ["3"]))
    assert sample(docs_table, 100) == [
        ("1", "one", "[1,0,0,0]", False, None),
        ("2", "two", "[1,0,0,0]", False, None),
        ("3", "three", "[1,0,0,0]", True, 2),
    ]
    assert len(sample(docs_table, 2)) == 2
    assert len(sample(docs_table, -1)) == 1


def test_sample_is_random_and_reads_some_pages(docs_table: Database) -> None:
    """Of a table of 2,000 pages about twenty for one chunk; and more where few are embedded."""
    docs_table.execute("alter table public.docs alter body set storage plain, add pad text")
    docs_table.execute("alter table public.docs alter pad set storage plain")
    docs_table.execute("alter table public.docs disable trigger user")
    docs_table.execute(
        "insert into public.docs (body, vec, pad)"
        " select i::text, '[1,0,0,0]', repeat('x', 1000) from generate_series(1, 14000) as i"
    )
    pages = docs_table.one("select pg_relation_size('public.docs') / 8192")
    assert pages >= 2000
    seen = set()
    for _ in range(8):
        with docs_table.connect() as connection, connection.transaction():
            rows = connection.execute(
                "select key from wikiembed.sample_embedded('docs', 1)"
            ).fetchall()
            read = connection.execute(
                "select seq_tup_read from pg_stat_xact_user_tables where relname = 'docs'"
            ).fetchone()
        assert len(rows) == 1
        assert read is not None
        assert read[0] < 14000 / 10
        seen.update(rows)
    assert len(seen) > 4
    docs_table.execute("update public.docs set vec = null where id > 20")
    assert len(sample(docs_table, 20)) == 20


def test_sample_prefers_chunks_of_different_pages(docs_table: Database) -> None:
    """Those of one page are often of one document."""
    docs_table.execute("alter table public.docs disable trigger user")
    docs_table.execute(
        "insert into public.docs (body, vec)"
        " select i::text, '[1,0,0,0]' from generate_series(1, 400) as i"
    )
    pages = docs_table.one("select count(distinct (ctid::text::point)[0]) from public.docs")
    rows = docs_table.one(
        "select count(distinct (d.ctid::text::point)[0]) from public.docs as d"
        " join wikiembed.sample_embedded('docs', %s) as s on s.key = d.id::text",
        [pages],
    )
    assert rows == pages > 1


def test_sample_of_partitions_and_composite_keys(database: Database) -> None:
    """Of every partition, with the keys that a worker writes by."""
    database.execute(
        "create table public.parts (tenant int, n int, body text, vec halfvec(4),"
        " primary key (tenant, n)) partition by list (tenant);"
        " create table public.p1 partition of public.parts for values in (1);"
        " create table public.p2 partition of public.parts for values in (2);"
        " insert into public.parts values (1, 1, 'a', '[1,0,0,0]'), (2, 1, 'b', '[0,1,0,0]');"
        " select wikiembed.attach('public.parts', array['tenant', 'n'],"
        " array['body'], 'vec', 'parts')"
    )
    assert [row[:3] for row in sample(database, 10, "parts")] == [
        ("[1, 1]", "a", "[1,0,0,0]"),
        ("[2, 1]", "b", "[0,1,0,0]"),
    ]


def test_sample_of_hostile_columns(database: Database) -> None:
    """Names that the function uses itself, or that need quotes."""
    database.execute(
        'create table public.odd ("t" int primary key, "key" text, "c""; drop" text,'
        ' "embedding" vector(4), tableoid_ int, content text);'
        " insert into public.odd values (1, 'k', 'x', '[1,0,0,0]', 2, 'y');"
        """ select wikiembed.attach('public.odd', 't', 'c"; drop', 'embedding', 'odd')"""
    )
    assert sample(database, 5, "odd") == [("1", "x", "[1,0,0,0]", False, None)]


def test_sample_ignores_row_security_and_refuses_unknown_sources(docs_table: Database) -> None:
    """A worker sees what it embeds; WE001 for a source or table that is not there."""
    add(docs_table, "one")
    embed(docs_table, ["1"])
    docs_table.execute("alter table public.docs enable row level security")
    worker = docs_table.connect(role=docs_table.create_role("worker", grant="worker"))
    query = "select key from wikiembed.sample_embedded('docs', 5)"
    assert worker.execute(query).fetchall() == [("1",)]
    docs_table.execute("drop table public.docs")
    for name in ("none", "docs"):
        with pytest.raises(psycopg.Error) as caught:
            sample(docs_table, 1, name)
        assert caught.value.sqlstate == "WE001"


def test_due_are_embedded_sources_that_were_not_checked_for_a_day(docs_table: Database) -> None:
    """Not while paused, nor without a model; a check of another model does not count."""
    assert docs_table.rows(DUE) == []
    docs_table.execute(PIN)
    assert docs_table.rows(DUE) == [("docs",)]
    docs_table.execute("select wikiembed.pause('docs')")
    assert docs_table.rows(DUE) == []
    docs_table.execute("select wikiembed.resume('docs')")
    record(docs_table, "docs", "other", 3, 0, 0, "same")
    assert docs_table.rows(DUE) == [("docs",)]
    record(docs_table, "docs", "m", 3, 0, 0, "same")
    assert docs_table.rows(DUE) == []
    docs_table.execute("update wikiembed.model_checks set at = at - interval '1 day'")
    assert docs_table.rows(DUE) == [("docs",)]
    clear_jobs(docs_table)
    docs_table.execute("drop table public.docs")
    assert docs_table.rows(DUE) == []


def test_results_are_kept_for_ninety_days(docs_table: Database) -> None:
    """And deleted with their source."""
    for _ in range(2):
        record(docs_table, "docs", "m", 3, 0.1, 0.2, "different")
    docs_table.execute(
        "update wikiembed.model_checks set at = now() - interval '91 days'"
        " where at = (select min(at) from wikiembed.model_checks)"
    )
    record(docs_table, "docs", "m", 3, 0, 0, "same")
    kept = "select outcome from wikiembed.model_checks order by at"
    assert docs_table.rows(kept) == [("different",), ("same",)]
    docs_table.execute("select wikiembed.detach('docs')")
    assert docs_table.rows(kept) == []


@pytest.mark.parametrize(
    "row",
    [(0, 0, 0, "same"), (3, 0.2, 0.1, "same"), (3, -1, 0, "same"), (3, 0, 3, "same"),
     (3, 0, 0, "fine")],
)  # fmt: skip
def test_impossible_results_are_refused(docs_table: Database, row: tuple[object, ...]) -> None:
    """No chunk, a median beyond the largest, distances that no cosine has, an unknown outcome."""
    with pytest.raises(psycopg.errors.CheckViolation):
        record(docs_table, "docs", "m", *row)


def test_worker_records_and_reader_reads(docs_table: Database) -> None:
    """Neither does the other's."""
    docs_table.execute(PIN)
    call = "select wikiembed.record_model_check('docs', 'm', 3, 0, 0, 'same')"
    worker = docs_table.connect(role=docs_table.create_role("worker", grant="worker"))
    assert worker.execute(DUE).fetchall() == [("docs",)]
    worker.execute(call)
    reader = docs_table.connect(role=docs_table.create_role("reader", grant="reader"))
    assert reader.execute("select outcome from wikiembed.model_checks").fetchall() == [("same",)]
    for query in (call, "select from wikiembed.sample_embedded('docs', 1)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(query)
