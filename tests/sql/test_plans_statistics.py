"""No frequent statement depends on statistics: it reads few entries whatever Postgres assumes.

The states are those of a table's first day: analyzed while it was empty or fully embedded, then
loaded in bulk; never analyzed; just analyzed; and a session that kept its plans meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.sql.test_plans_queue import used
from tests.support.chunks import VECTOR
from tests.support.database import Database, create_database
from tests.support.server import TestServer

ROWS = 10_000
FAILED = 5_000
BATCH = 64
FIRST = f"(select array_agg(i::text) from generate_series(1, {BATCH}) as i)"
BROKEN = f"(select array_agg(i::text) from generate_series({ROWS - BATCH + 1}, {ROWS}) as i)"
VERSIONS = (
    "(select array_agg(hashtextextended('text' collate \"C\", 1))"
    f" from generate_series(1, {BATCH}))"
)
VECTORS = f"(select array_agg('{VECTOR}'::vector) from generate_series(1, {BATCH}))"
# Each statement, and how many entries it may read of one relation or index.
FEW = 16 * BATCH
CALLS = {
    "read": (f"select * from wikiembed.read_chunks('docs', {FIRST})", FEW),
    "read failed": (f"select * from wikiembed.read_chunks('docs', {BROKEN})", FEW),
    "store": (f"select * from wikiembed.write_embeddings('docs', {FIRST}, {VERSIONS}, {VECTORS})",
              FEW),
    "store failed": (
        f"select * from wikiembed.write_embeddings('docs', {BROKEN}, {VERSIONS}, {VECTORS})", FEW),
    "store of nothing": (
        f"select * from wikiembed.write_embeddings('docs', array['-1', '-2'], array[1, 2],"
        f" array['{VECTOR}', '{VECTOR}']::vector[])", FEW),
    "fail": (
        f"select * from wikiembed.record_failures('docs', {FIRST}, {VERSIONS}, 'timeout')", FEW),
    "fail again": (
        f"select * from wikiembed.record_failures('docs', {BROKEN}, {VERSIONS}, 'timeout')", FEW),
    "skip": (f"select wikiembed.skip('docs', {FIRST})", FEW),
    "skip failed": (f"select wikiembed.skip('docs', {BROKEN})", FEW),
    "update": ("update public.docs set body = 'new' where id = 7", FEW),
    "update failed": (f"update public.docs set body = 'new' where id = {ROWS}", FEW),
    "delete": ("delete from public.docs where id = 8", FEW),
    "delete failed": (f"delete from public.docs where id = {ROWS}", FEW),
    "insert": (f"insert into public.docs values ({ROWS + 1}, 'text')", FEW),
    "upsert": (f"insert into public.docs values ({ROWS}, 'new')"
               " on conflict (id) do update set body = excluded.body", FEW),
    "fetch": ("select id from wikiembed_private.fetch_jobs(null, false, 1, 16, 1000)", FEW),
    "finish": ("select wikiembed_private.finish_jobs(array[1, 2, 3, -1])", FEW),
    "is_ready": ("select wikiembed.is_ready('docs')", 4 * FAILED),
    # A relation of a table's size may be read once, but not again for each of its rows or jobs.
    "retry key": (f"select * from wikiembed.retry_failures('docs', {BROKEN})", 4 * FAILED),
    "retry": ("select * from wikiembed.retry_failures('docs')", 4 * FAILED),
    "retry class": ("select * from wikiembed.retry_failures('docs', null, 'timeout')", 4 * FAILED),
    "enqueue": ("select * from wikiembed.enqueue('docs')", 4 * ROWS),
    "reconcile": ("select * from wikiembed.reconcile('docs')", 8 * ROWS),
    "check": ("select * from wikiembed.check_invariants('docs')", 8 * ROWS),
    "update many": ("update public.docs set body = 'new' where id > 0", 8 * ROWS),
    "delete many": ("delete from public.docs where id > 0", 8 * ROWS),
    "truncate": ("truncate public.docs", 8 * ROWS),
}  # fmt: skip


def _load(database: Database) -> None:
    """Insert rows in bulk, the last half of which failed."""
    database.execute(
        "insert into public.docs select i, 'text' from generate_series(1, %s) as i", [ROWS]
    )
    database.execute(
        "insert into wikiembed.failures (source, key, state, error_class)"
        " select 'docs', i::text, 'failed', 'timeout' from generate_series(%s::int, %s) as i",
        [ROWS - FAILED + 1, ROWS],
    )


def _analyze(database: Database) -> None:
    for table in ("public.docs", "wikiembed.failures", "wikiembed_queue.procrastinate_jobs"):
        database.execute(f"analyze {table}")


def _some(database: Database, rows: int, vector: str | None) -> None:
    database.execute(
        "insert into public.docs select -i, 'text', %s from generate_series(1, %s) as i",
        [vector, rows],
    )


def _never(database: Database) -> None:
    _load(database)


def _empty(database: Database) -> None:
    database.execute("truncate public.docs")
    _analyze(database)
    _load(database)


def _embedded(database: Database) -> None:
    _some(database, 2_000, VECTOR)
    _analyze(database)
    database.execute("truncate public.docs")
    _load(database)


def _truncated(database: Database) -> None:
    _some(database, 2_000, VECTOR)
    database.execute("truncate public.docs")
    _analyze(database)
    _load(database)


def _small(database: Database) -> None:
    _some(database, 1, VECTOR)
    database.execute("vacuum analyze public.docs")
    _load(database)


def _fresh(database: Database) -> None:
    _load(database)
    _analyze(database)


STATES: dict[str, Callable[[Database], None]] = {
    "never analyzed": _never,
    "analyzed while empty": _empty,
    "analyzed while embedded, truncated": _embedded,
    "truncated, analyzed": _truncated,
    "analyzed while of one row": _small,
    "analyzed now": _fresh,
}


@pytest.fixture
def source(postgres: TestServer, template: str) -> Iterator[Database]:
    """An empty ``public.docs``, attached as source ``docs``, without autovacuum.

    Its users have an index on the missing rows, of another column, as before.
    """
    with create_database(postgres, template) as made:
        made.execute(
            "create table public.docs (id bigint primary key, body text, vec vector(4))"
            " with (autovacuum_enabled = false)"
        )
        for table in ("wikiembed.failures", "wikiembed_queue.procrastinate_jobs"):
            made.execute(f"alter table {table} set (autovacuum_enabled = false)")
        made.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
        made.execute("create index theirs on public.docs (body) where vec is null")
        made.execute("insert into wikiembed_queue.procrastinate_workers default values")
        yield made


def _read_too_much(connection: psycopg.Connection) -> dict[str, dict[str, int]]:
    """Calls that read more than they may, with the amounts; each is rolled back."""
    wrong = {}
    for name, (query, most) in CALLS.items():
        connection.execute(b"savepoint before")
        found = used(connection, query)
        connection.execute(b"rollback to before")
        wide = {relation: rows for relation, (_, rows) in found.items() if rows > most}
        if wide:
            wrong[name] = wide
    return wrong


@pytest.mark.parametrize("state", STATES)
def test_call_reads_little_with_any_statistics(source: Database, state: str) -> None:
    """With its own plans, and with the generic ones."""
    STATES[state](source)
    for mode in ("auto", "force_generic_plan"):
        with source.connect(autocommit=False) as connection:
            connection.execute(b"set local statement_timeout = '60s'")
            connection.execute(f"set local plan_cache_mode = {mode}".encode())
            assert _read_too_much(connection) == {}
            connection.rollback()


def test_plans_kept_from_an_empty_table_are_fast_on_a_large_one(source: Database) -> None:
    """In a session that made all of them and receives no new statistics, while others load."""
    with source.connect(autocommit=False) as connection:
        for _ in range(7):
            _read_too_much(connection)
        connection.commit()
        _load(source)
        connection.execute(b"set local statement_timeout = '60s'")
        assert _read_too_much(connection) == {}
        connection.rollback()


def test_functions_that_disable_plan_nodes_are_not_compiled(source: Database) -> None:
    """Before Postgres 18 the cost of a disabled node that is used anyway triggers JIT.

    A function called by one that disables a node has its settings, so generated ones count too.
    """
    assert (
        source.rows(
            "select p.oid::regprocedure::text from pg_proc as p, pg_namespace as n"
            " where n.oid = p.pronamespace and n.nspname in ('wikiembed', 'wikiembed_private')"
            " and exists (select from unnest(p.proconfig) as c where c like 'enable\\_%=off')"
            " and not 'jit=off' = any (p.proconfig)"
        )
        == []
    )
