"""One job call per statement, without an array of jobs or locks, with two priorities."""

from __future__ import annotations

import pytest

from tests.support.chunks import add, clear_jobs, jobs, queued
from tests.support.database import Database

COUNT_CALLS = """
create table public.calls (jobs bigint);
create function public.count_call() returns trigger language plpgsql security definer
as $$ begin insert into public.calls select count(*) from new_jobs; return null; end $$;
create trigger count_call after insert on wikiembed_queue.procrastinate_jobs
  referencing new table as new_jobs for each statement execute function public.count_call();
"""


def test_insert_calls_the_queue_once_a_statement(docs_table: Database) -> None:
    """A statement of many rows makes one job call, with one job per batch."""
    docs_table.execute(COUNT_CALLS)
    add(docs_table, *["text"] * 200)
    assert docs_table.rows("select jobs from public.calls") == [(4,)]
    assert [len(job.keys) for job in jobs(docs_table)] == [64, 64, 64, 8]


def test_update_calls_the_queue_once_a_statement(docs_table: Database) -> None:
    """An update of many rows makes one job call."""
    add(docs_table, *["text"] * 130)
    clear_jobs(docs_table)
    docs_table.execute(COUNT_CALLS)
    docs_table.execute("update public.docs set body = 'new'")
    assert docs_table.rows("select jobs from public.calls") == [(3,)]


def test_many_jobs_are_one_call_without_an_array(docs_table: Database) -> None:
    """For triggers and for enqueue: an array of 1 GB aborted an insert, rows do not."""
    docs_table.execute("update wikiembed.sources set batch_size = 1 where name = 'docs'")
    docs_table.execute(COUNT_CALLS)
    add(docs_table, *["text"] * 600)
    assert docs_table.rows("select jobs from public.calls") == [(600,)]
    docs_table.execute("truncate public.calls")
    docs_table.execute("update public.docs set body = 'new'")
    assert docs_table.rows("select jobs from public.calls") == [(600,)]
    docs_table.execute("truncate public.calls")
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs')")
    assert docs_table.rows("select jobs from public.calls") == [(600,)]
    arrays = docs_table.one(
        "select count(*) from pg_proc where proname in ('on_insert_docs', 'on_update_docs',"
        " 'enqueue') and prosrc like '%procrastinate_defer_jobs_v1%'"
    )
    assert arrays == 0


@pytest.mark.parametrize("size", [1, 7, 63, 64, 65, 4096])
@pytest.mark.parametrize("rows", [1, 2, 7, 64, 65, 130])
def test_insert_counts_and_queues_any_number_of_rows(
    docs_table: Database, size: int, rows: int
) -> None:
    """With and without a vector, in jobs of the current batch size."""
    docs_table.execute("update wikiembed.sources set batch_size = %s where name = 'docs'", [size])
    docs_table.execute(
        "insert into public.docs (body, vec) select 'text', case when i %% 3 = 0 then"
        " '[1,1,1,1]'::vector end from generate_series(1, %s) as i",
        [rows],
    )
    missing = rows - rows // 3
    found = sorted((len(job.keys) for job in jobs(docs_table)), reverse=True)
    full, rest = divmod(missing, size)
    assert found == [size] * full + [rest] * (rest > 0)
    assert sorted(map(int, queued(docs_table))) == [i for i in range(1, rows + 1) if i % 3]
    docs_table.check_invariants()


def test_embed_jobs_hold_no_locks(docs_table: Database) -> None:
    """An occupied lock or queueing lock would abort the user's insert."""
    add(docs_table, "one")
    docs_table.execute("update public.docs set body = 'two'")
    clear = docs_table.rows(
        "select distinct lock, queueing_lock, scheduled_at from wikiembed_queue.procrastinate_jobs"
    )
    assert clear == [(None, None, None)]


def test_trigger_jobs_precede_bulk_jobs(docs_table: Database) -> None:
    """Fresh edits have priority 10, a backfill 0."""
    add(docs_table, "one")
    docs_table.execute("update public.docs set body = 'two'")
    assert [job.priority for job in jobs(docs_table)] == [10, 10]
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs')")
    assert [job.priority for job in jobs(docs_table)] == [0]


def test_insert_of_no_missing_row_queues_nothing(docs_table: Database) -> None:
    """Rows with their vectors, and statements without rows, make no job."""
    add(docs_table, "one", vector="[1,1,1,1]")
    docs_table.execute("insert into public.docs (body) select 'none' where false")
    assert queued(docs_table) == []
