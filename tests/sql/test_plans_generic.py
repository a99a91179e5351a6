"""A worker's session keeps the plans of its frequent calls: they must look up the key.

Scans and rows read, by relation, cover the real functions with their nested statements;
auto_explain, which would show the plans, is not in the Postgres that the tests run on.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.sql.test_plans_queue import used
from tests.support.chunks import VECTOR
from tests.support.database import Database, create_database
from tests.support.server import TestServer

ROWS = 200_000
BATCH = 64
# Both begin with the key: of all rows, and of the missing ones.
BY_KEY = {"docs_pkey", "wikiembed_missing_docs"}
# Each call has its own missing rows: a write that is rolled back leaves entries in the indexes,
# which would count as read by another call, if a runner happened to run it afterwards.
READ, STORED, FAILED = (
    f"(select array_agg(i::text) from generate_series({end - BATCH + 1}, {end}) as i)"
    for end in (ROWS, ROWS - BATCH, ROWS - 2 * BATCH)
)
VERSIONS = (
    "(select array_agg(hashtextextended('text' collate \"C\", 1))"
    f" from generate_series(1, {BATCH}))"
)
VECTORS = f"(select array_agg('{VECTOR}'::vector) from generate_series(1, {BATCH}))"
OLD = f"(select array_agg(i::text) from generate_series(1, {BATCH}) as i)"
# Each statement, and how often it may look up each key of its batch. Rows that a transaction
# locked, such as those of the calls that write and are rolled back here, are read once more.
CALLS = {
    "read": (f"select * from wikiembed.read_chunks('docs', {READ})", 3),
    "read of nothing": (f"select * from wikiembed.read_chunks('docs', {OLD})", 3),
    "store": (
        f"select * from wikiembed.write_embeddings('docs', {STORED}, {VERSIONS}, {VECTORS})",
        3,
    ),
    "store of nothing": (
        f"select * from wikiembed.write_embeddings('docs', {OLD}, {VERSIONS}, {VECTORS})",
        3,
    ),
    "fail": (f"select * from wikiembed.record_failures('docs', {FAILED}, {VERSIONS}, 'x')", 3),
    "fail of nothing": (
        f"select * from wikiembed.record_failures('docs', {OLD}, {VERSIONS}, 'x')",
        3,
    ),
}


@pytest.fixture(scope="module", params=["analysed", "not analysed"])
def large(
    request: pytest.FixtureRequest, postgres: TestServer, template: str
) -> Iterator[Database]:
    """200,000 rows of which the first half is embedded, and as many failures of another source."""
    with create_database(postgres, template) as made:
        for name in ("docs", "other"):
            made.execute(
                f"create table public.{name} (id bigint primary key, body text, vec vector(4))"
                " with (autovacuum_enabled = false)"
            )
        made.execute(
            "insert into public.docs select n, 'text', case when n <= %s then %s::vector end"
            " from generate_series(1, %s) as n",
            [ROWS // 2, VECTOR, ROWS],
        )
        made.execute("alter table wikiembed.failures set (autovacuum_enabled = false)")
        for name in ("docs", "other"):
            made.execute(f"select wikiembed.attach('public.{name}', 'id', 'body', 'vec', '{name}')")
        made.execute(
            "insert into wikiembed.failures (source, key, state, error_class)"
            f" select 'other', i::text, 'failed', 'x' from generate_series(1, {ROWS}) as i"
        )
        if request.param == "analysed":
            made.execute("vacuum analyze public.docs")
            made.execute("vacuum analyze wikiembed.failures")
        yield made


def looked_up(connection: psycopg.Connection, call: str) -> str | None:
    """Violations in the way in which a call reads the table of chunks and the failures."""
    query, times = CALLS[call]
    found = used(connection, query)
    if {"docs", "failures"} & set(found):
        return f"a sequential scan: {found}"
    if not BY_KEY & set(found):
        return f"no index on the key is read: {found}"
    wide = {name: rows for name, (_, rows) in found.items() if rows > times * BATCH}
    return f"more is read than the batch: {wide}" if wide else None


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("call", CALLS)
def test_call_looks_up_its_chunks_by_key(large: Database, call: str, mode: str) -> None:
    """The first time, and after Postgres may have chosen a generic plan."""
    with large.connect(autocommit=False) as connection:
        connection.execute(f"set local plan_cache_mode = {mode}".encode())
        for _ in range(7):
            connection.execute(b"savepoint before")
            assert looked_up(connection, call) is None
            connection.execute(b"rollback to before")
        connection.rollback()


@pytest.mark.parametrize("call", CALLS)
def test_missing_index_is_detected(large: Database, call: str) -> None:
    """Proof that the test above can fail: without the indexes it does."""
    with large.connect(autocommit=False) as connection:
        connection.execute(b"set local wikiembed.writing_triggers = 'on'")
        connection.execute(b"alter table public.docs drop constraint docs_pkey")
        connection.execute(b"drop index public.wikiembed_missing_docs")
        assert looked_up(connection, call) is not None
        connection.rollback()
