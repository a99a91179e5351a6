"""Workers' queries read the queue through the index made for them, at any size."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.chunks import clear_jobs
from tests.support.database import Database, create_database
from tests.support.server import TestServer

JOBS = 100_000
QUEUE = "procrastinate_jobs"
FETCH = "select id from wikiembed_private.fetch_jobs({}, {}, 1, 16, 1000)"
FINISH = "select wikiembed_private.finish_jobs(array[1, 2, 3, -1])"
# Scans of a relation so far in this transaction, and the rows or entries that they returned.
SCANS = """
select c.relname, pg_stat_get_xact_numscans(c.oid), pg_stat_get_xact_tuples_returned(c.oid)
  from pg_class as c
 where c.relnamespace::regnamespace::text
       in ('wikiembed_queue', 'wikiembed', 'wikiembed_private', 'public')
   and c.relkind in ('r', 'i')
"""
# Each statement, and the indexes that it must have used.
CALLS = {
    "fetch": (FETCH.format("null", "false"), {"jobs_by_queue", "jobs_by_time"}),
    "fetch upkeep": (FETCH.format("null", "true"), {"jobs_by_queue", "jobs_by_time"}),
    "fetch named": (FETCH.format("'{embed_docs}'", "false"), {"jobs_by_queue", "jobs_by_time"}),
    "finish": (FINISH, {"procrastinate_jobs_pkey"}),
    "rescue": ("select * from wikiembed.rescue_jobs()", {"procrastinate_jobs_lock_idx_v1"}),
    "enqueue": (
        "select * from wikiembed.enqueue('docs')",
        {"jobs_by_queue", "jobs_by_time", "procrastinate_jobs_lock_idx_v1"},
    ),
    "is_ready": ("select wikiembed.is_ready('docs')", {"wikiembed_missing_docs"}),
    "requeue": ("select wikiembed_private.requeue('docs', array['1'], 1)", set()),
    "retry": ("select * from wikiembed.retry_failures('docs')", set()),
    "reconciles left": (
        "select wikiembed.reconciles_left('docs')",
        {"jobs_by_queue", "jobs_by_time", "procrastinate_jobs_lock_idx_v1"},
    ),
    "jobs of worker": (
        "select wikiembed.jobs_of_worker(1)",
        {"idx_procrastinate_jobs_worker_not_null"},
    ),
}
FILL = f"""
insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args)
select 'embed_other', 'wikiembed.embed', jsonb_build_object('source', 'other', 'keys', array[i])
  from generate_series(1, {JOBS}) as i;
insert into wikiembed_queue.procrastinate_jobs
  (queue_name, task_name, args, scheduled_at, priority)
select 'embed_docs', 'wikiembed.embed',
       jsonb_build_object('source', 'docs', 'keys', array[i::text]), now() + interval '1 day', 50
  from generate_series(1, 20000) as i;
insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args)
select 'embed_docs', 'wikiembed.embed', jsonb_build_object('source', 'docs', 'keys', array[i::text])
  from generate_series(1, 500) as i;
insert into wikiembed_queue.procrastinate_workers default values;
"""

DUE = """
update wikiembed_queue.procrastinate_jobs set scheduled_at = now() - interval '1 s'
 where id in (select id from wikiembed_queue.procrastinate_jobs
               where scheduled_at is not null order by id limit 5)
"""
OTHER = """
create table public.other (id int primary key, body text, vec vector(4));
select wikiembed.attach('public.other', 'id', 'body', 'vec', 'other')
"""


@pytest.fixture(scope="module", params=["analysed", "not analysed", "analysed while empty"])
def large(
    request: pytest.FixtureRequest, postgres: TestServer, template: str
) -> Iterator[Database]:
    """100,000 jobs of a paused source, 20,000 scheduled ones and 500 that can begin; made once."""
    with create_database(postgres, template) as made:
        for name in ("docs", "other"):
            made.execute(
                f"create table public.{name} (id bigint primary key, body text, vec vector(4))"
            )
            made.execute(f"select wikiembed.attach('public.{name}', 'id', 'body', 'vec', '{name}')")
        made.execute("insert into public.docs select i, 'text' from generate_series(1, 20) as i")
        made.execute(
            "alter table wikiembed_queue.procrastinate_jobs set (autovacuum_enabled = false)"
        )
        if request.param == "analysed while empty":
            clear_jobs(made)
            made.execute("vacuum analyze wikiembed_queue.procrastinate_jobs")
        made.execute(FILL)
        made.execute("select wikiembed.pause('other')")
        if request.param == "analysed":
            made.execute("vacuum analyze wikiembed_queue.procrastinate_jobs")
        yield made


def used(connection: psycopg.Connection, query: str) -> dict[str, tuple[int, int]]:
    """Scans and rows read, by relation, of one statement."""
    before = {row[0]: row[1:] for row in connection.execute(SCANS.encode()).fetchall()}
    connection.execute(query.encode())
    after = {row[0]: row[1:] for row in connection.execute(SCANS.encode()).fetchall()}
    return {
        name: (scans - before[name][0], rows - before[name][1])
        for name, (scans, rows) in after.items()
        if scans > before[name][0]
    }


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan"])
@pytest.mark.parametrize("call", CALLS)
def test_call_reads_the_queue_by_its_index(large: Database, call: str, mode: str) -> None:
    """However many other or scheduled jobs wait; with statistics and without."""
    query, indexes = CALLS[call]
    with large.connect(autocommit=False) as connection:
        connection.execute(f"set local plan_cache_mode = {mode}".encode())
        found = used(connection, query)
        connection.rollback()
    assert set(found) >= indexes
    assert QUEUE not in found, "a sequential scan of the queue"
    limit = 25_000 if call == "enqueue" else 1_000
    read = {name: rows for name, (_, rows) in found.items() if rows > limit}
    assert read == {}


def test_plans_made_for_an_empty_queue_are_fast_on_a_long_one(docs_table: Database) -> None:
    """A worker's session keeps its plans while the queue grows."""
    docs_table.execute(OTHER)
    docs_table.execute(
        "alter table wikiembed_queue.procrastinate_jobs set (autovacuum_enabled = false)"
    )
    calls = [CALLS[name][0] for name in ("fetch", "fetch upkeep", "finish", "jobs of worker")]
    with docs_table.connect(autocommit=False) as connection:
        for query in calls * 7:
            connection.execute(query.encode())
        connection.commit()
        docs_table.execute(FILL)
        docs_table.execute("select wikiembed.pause('other')")
        for query in calls:
            found = used(connection, query)
            assert {name: rows for name, (_, rows) in found.items() if rows > 1_000} == {}
            assert QUEUE not in found
        connection.rollback()


@pytest.mark.parametrize("maintenance", ["", "analyze", "vacuum analyze"])
@pytest.mark.parametrize("mode", ["auto", "force_generic_plan"])
def test_view_reads_little_of_the_queue(docs_table: Database, mode: str, maintenance: str) -> None:
    """Two long queues are most of the table, and a sequential scan is allowed."""
    docs_table.execute(OTHER)
    docs_table.execute(
        "alter table wikiembed_queue.procrastinate_jobs set (autovacuum_enabled = false)"
    )
    docs_table.execute(FILL)
    docs_table.execute(FILL.replace("embed_other", "embed_docs"))
    docs_table.execute(DUE)
    if maintenance:
        docs_table.execute(f"{maintenance} wikiembed_queue.procrastinate_jobs")
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(f"set local plan_cache_mode = {mode}".encode())
        found = used(connection, "select * from wikiembed.queue")
    assert {"jobs_by_queue", "jobs_by_time", "procrastinate_jobs_lock_idx_v1"} <= set(found)
    assert QUEUE not in found
    assert found["jobs_by_queue"][1] < 2_100
    assert found["jobs_by_time"][1] <= 40_020


def test_coverage_reads_the_ledger_once(large: Database) -> None:
    """The sums and the rate come from one pass; the index returns each source's rows."""
    with large.connect(autocommit=False) as connection:
        connection.execute(
            b"insert into wikiembed.ledger (source, total, gained)"
            b" select 'docs', 1, 1 from generate_series(1, 5000)"
        )
        found = used(connection, "select * from wikiembed.coverage")
        assert "docs" not in found
        assert sum(rows for name, (_, rows) in found.items() if name == "ledger_by_source") < 6000
        connection.rollback()


def test_fold_reads_the_ledger_once(large: Database) -> None:
    """And of the failures' history only the rows to delete, by its index."""
    with large.connect(autocommit=False) as connection:
        connection.execute(
            b"insert into wikiembed_private.ended_failures"
            b" (source, key, error_class, message, attempts, first_at, last_at, ended_at, how)"
            b" select 'docs', i, 'x', '', 1, now(), now(), now() - i * interval '2 days', 'cured'"
            b" from generate_series(1, 50) as i"
        )
        found = used(connection, "select wikiembed.fold_ledger()")
        scans = {name: scans for name, (scans, _) in found.items()}
        assert scans["ledger"] == 1
        assert "ended_failures_by_time" in scans
        assert "ended_failures" not in scans
        connection.rollback()
