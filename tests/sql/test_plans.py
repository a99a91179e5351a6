"""Queries of workers and checks read the chunk table through an index."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.chunks import VECTOR, make_table
from tests.support.database import Database
from tests.support.server import TestServer

ROWS = 200_000
SCANS = (
    "select coalesce(sum(seq_scan), 0)::int, coalesce(sum(idx_scan), 0)::int"
    " from pg_stat_xact_all_tables where relid = 'public.docs'::regclass"
)
CALLS = {
    "read": "select * from wikiembed.read_chunks('docs', array['199990', '199991'])",
    "write": (
        "select * from wikiembed.write_embeddings('docs', array['199992'],"
        " array[hashtextextended('text' collate \"C\", 1)], array[%s::vector])"
    ),
    "write of nothing": (
        "select * from wikiembed.write_embeddings('docs', array['5', '6'], array[1, 2],"
        " array[%s, %s]::vector[])"
    ),
    "fail": (
        "select * from wikiembed.record_failures('docs', array['199993'],"
        " array[hashtextextended('text' collate \"C\", 1)], 'x')"
    ),
    "skip": "select wikiembed.skip('docs', array['199994'])",
    "is_ready": "select wikiembed.is_ready('docs')",
    "enqueue": "select * from wikiembed.enqueue('docs', p_max_chunks => 5)",
    "retry": "select * from wikiembed.retry_failures('docs')",
    "update": "update public.docs set body = 'new' where id = 7",
    "delete": "delete from public.docs where id = 8",
}


@pytest.fixture(scope="module")
def large(postgres: TestServer, template: str) -> Iterator[Database]:
    """200,000 rows of which the last 100 are missing; made once for this file."""
    from tests.support.database import create_database

    with create_database(postgres, template) as made:
        make_table(made, key="bigint")
        made.execute(
            "insert into public.docs select n, 'text', case when n <= %s then %s::vector end"
            " from generate_series(1, %s) as n",
            [ROWS - 100, VECTOR, ROWS],
        )
        made.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
        made.execute("select from wikiembed.enqueue('docs')")
        yield made


def scans(database: Database, query: str) -> tuple[int, int]:
    """Sequential and index scans of the chunk table in one call, which is rolled back."""
    with database.connect(autocommit=False) as connection:
        before = counted(connection)
        connection.execute(query.encode(), [VECTOR] * query.count("%s") or None)
        after = counted(connection)
        connection.rollback()
    return after[0] - before[0], after[1] - before[1]


def counted(connection: psycopg.Connection) -> tuple[int, int]:
    """Scans so far in this transaction."""
    row = connection.execute(SCANS.encode()).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("analysed", [False, True])
def test_call_uses_an_index(large: Database, call: str, analysed: bool) -> None:  # noqa: FBT001
    """With statistics and without."""
    if analysed:
        large.execute("analyze public.docs")
    sequential, indexed = scans(large, CALLS[call])
    assert sequential == 0
    assert indexed > 0 or call == "retry"


def test_coverage_never_reads_the_table(large: Database) -> None:
    """It is the ledger's sum."""
    assert scans(large, "select * from wikiembed.coverage") == (0, 0)


def test_is_ready_uses_the_index_with_stale_statistics(large: Database) -> None:
    """Statistics from before the backfill predict that a missing row is found immediately."""
    with large.connect(autocommit=False) as connection:
        connection.execute("create table public.old (like public.docs including all)")
        connection.execute("insert into public.old select id, body from public.docs limit 20000")
        connection.execute("analyze public.old")
        connection.execute("update public.old set vec = %s", [VECTOR])
        connection.execute("select wikiembed.attach('public.old', 'id', 'body', 'vec', 'old')")
        query = SCANS.replace("public.docs", "public.old").encode()
        before = connection.execute(query).fetchone()
        ready = connection.execute("select wikiembed.is_ready('old')").fetchone()
        after = connection.execute(query).fetchone()
        connection.rollback()
    assert before is not None
    assert after is not None
    assert (ready, after[0] - before[0]) == ((True,), 0)


def test_large_updates_join_by_hash(large: Database) -> None:
    """A plan made for one row and kept for the session would take hours for many."""
    with large.connect(autocommit=False) as connection:
        connection.execute("set local statement_timeout = '20s'")
        for _ in range(7):
            connection.execute("update public.docs set body = body || '!' where id = 1")
        connection.execute("update public.docs set body = body || '?' where id <= 50000")
        connection.rollback()


@pytest.mark.parametrize("call", ["read", "write of nothing", "fail"])
def test_plan_made_for_a_small_table_is_fast_on_a_large_one(
    docs_table: Database, call: str
) -> None:
    """A worker's session keeps its plans while the table grows."""
    query = CALLS[call].encode()
    vectors = [VECTOR] * CALLS[call].count("%s") or None
    docs_table.execute("insert into public.docs (body) values ('text')")
    with docs_table.connect(autocommit=False) as connection:
        for _ in range(7):
            connection.execute(query, vectors)
        connection.execute(
            "insert into public.docs (body) select 'text' from generate_series(1, 9999)"
        )
        before = counted(connection)
        connection.execute(query, vectors)
        after = counted(connection)
        connection.rollback()
    assert after[0] - before[0] == 0
