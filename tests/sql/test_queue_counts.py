"""View queue knows the number of jobs from sums, which are those of the table at every moment."""

from __future__ import annotations

import pytest

from tests.support.chunks import add_chunks, make_source
from tests.support.database import Database

JOBS = "wikiembed_queue.procrastinate_jobs"
COUNTED = (
    f"select queue_name::text, count(*)::int from {JOBS}"
    " where status = 'doing' or (status = 'todo' and scheduled_at is null) group by 1 order by 1"
)
SUMS = (
    "select queue_name, sum(jobs)::int from wikiembed_private.queue_ledger"
    " group by 1 having sum(jobs) <> 0 order by 1"
)
CHUNKS = (
    "select j.queue_name::text, count(*)::int from wikiembed_queue.procrastinate_jobs as j,"
    " jsonb_array_elements(case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys'"
    " else '[]' end) where j.status in ('todo', 'doing') and j.task_name = 'wikiembed.embed'"
    " group by 1 order by 1"
)
CHUNK_SUMS = SUMS.replace("jobs", "chunks")
QUEUE = "select todo, doing, scheduled_later from wikiembed.queue where source = 'docs'"
LEDGER_ROWS = "select count(*) from wikiembed_private.queue_ledger where queue_name = 'embed_docs'"
FETCH = "select id from wikiembed_private.fetch_jobs(null, false, {}, {}, null)"
DEFER = (
    f"insert into {JOBS} (queue_name, task_name, args)"
    " select 'embed_docs', 'wikiembed.embed', jsonb_build_object('source', 'docs', 'keys',"
    " jsonb_build_array(i::text)) from generate_series(1, {}) as i"
)


def sums(database: Database) -> dict[str, int]:
    """The sums of jobs by queue; those, and those of chunks, are of the table."""
    found = database.rows(SUMS)
    assert found == database.rows(COUNTED)
    assert database.rows(CHUNK_SUMS) == database.rows(CHUNKS)
    return dict(found)


def worker(database: Database) -> int:
    """Register a new worker and return its number."""
    number: int = database.one(
        "select worker_id from wikiembed_queue.procrastinate_register_worker_v1()"
    )
    return number


def one_job(database: Database, *, status: str = "todo") -> int:
    """The first job of a status."""
    number: int = database.one(f"select min(id) from {JOBS} where status = %s", [status])
    return number


@pytest.mark.parametrize(
    ("statement", "jobs"),
    [
        ("insert into public.docs (body) values ('a')", 1),
        ("insert into public.docs (body, vec) values ('a', '[1,0,0,0]')", 0),
        ("insert into public.docs (body) select 'a' where false", 0),
        ("insert into public.docs (body, vec) values ('a', null), ('b', '[1,0,0,0]')", 1),
        ("insert into public.docs (body) select 'a' from generate_series(1, 200)", 4),
        (
            "insert into public.docs (body, vec)"
            " select 'a', '[1,0,0,0]' from generate_series(1, 200)",
            0,
        ),
        (
            "insert into public.docs (body, vec) select 'a', case when i % 2 = 0 then"
            " '[1,0,0,0]'::vector end from generate_series(1, 200) as i",
            2,
        ),
    ],
)
def test_jobs_of_inserted_chunks_are_counted(
    docs_table: Database, statement: str, jobs: int
) -> None:
    """Of one, of a job's worth, and of more."""
    docs_table.execute(statement)
    assert sums(docs_table) == ({"embed_docs": jobs} if jobs else {})


def test_jobs_of_more_chunks_than_an_array_holds_are_counted(database: Database) -> None:
    """They are read batch by batch."""
    make_source(database, key="text")
    database.execute(
        "insert into public.docs (id, body) select i, i from generate_series(1, 10001) i"
    )
    assert sums(database) == {"embed_docs": 157}


def test_a_job_is_counted_until_it_ends(docs_table: Database) -> None:
    """Queued by hand or by a change of text, fetched, requeued, and finished several at once."""
    add_chunks(docs_table, 10)
    docs_table.execute(DEFER.format(5))
    docs_table.execute("update public.docs set body = 'other'")
    assert sums(docs_table) == {"embed_docs": 7}
    number = worker(docs_table)
    rows = docs_table.rows(FETCH.format(number, 3))
    assert sums(docs_table) == {"embed_docs": 7}
    assert docs_table.rows(QUEUE) == [(4, 3, 0)]
    docs_table.execute("select wikiembed.release_jobs(%s, %s)", [number, [rows[0][0]]])
    assert docs_table.rows(QUEUE) == [(5, 2, 0)]
    docs_table.execute(
        "select wikiembed_private.finish_jobs(%s)", [[rows[0][0], rows[1][0], rows[2][0]]]
    )
    assert sums(docs_table) == {"embed_docs": 4}


def test_jobs_that_wait_for_a_time_are_counted_apart(docs_table: Database) -> None:
    """A retry at a time leaves the sum, and comes back with its fetch."""
    docs_table.execute(DEFER.format(3))
    docs_table.execute(FETCH.format(worker(docs_table), 1))
    docs_table.execute(
        "select wikiembed_queue.procrastinate_retry_job_v2(%s, now() + interval '1 hour', null,"
        " null, null)",
        [one_job(docs_table, status="doing")],
    )
    assert sums(docs_table) == {"embed_docs": 2}
    assert docs_table.rows(QUEUE) == [(2, 0, 1)]
    docs_table.execute(f"update {JOBS} set scheduled_at = now() - interval '1 s', priority = 50"
                       " where scheduled_at is not null")  # fmt: skip
    assert sums(docs_table) == {"embed_docs": 2}
    assert docs_table.rows(QUEUE) == [(3, 0, 0)]
    docs_table.execute(FETCH.format(worker(docs_table), 1))
    assert sums(docs_table) == {"embed_docs": 3}
    assert docs_table.rows(QUEUE) == [(2, 1, 0)]


def test_jobs_that_end_otherwise_are_counted(docs_table: Database) -> None:
    """Failed, cancelled, deleted, moved to another queue, of a task of procrastinate's."""
    docs_table.execute(DEFER.format(6))
    docs_table.execute(FETCH.format(worker(docs_table), 1))
    docs_table.execute(
        "select wikiembed_queue.procrastinate_finish_job_v1(%s, 'failed', false)",
        [one_job(docs_table, status="doing")],
    )
    docs_table.execute(
        "select wikiembed_queue.procrastinate_cancel_job_v1(%s, false, false)",
        [one_job(docs_table)],
    )
    docs_table.execute(f"delete from {JOBS} where id = %s", [one_job(docs_table)])
    docs_table.execute(f"update {JOBS} set queue_name = 'q' where id = %s", [one_job(docs_table)])
    docs_table.execute(
        "select wikiembed_queue.procrastinate_defer_jobs_v1(array[row('default', 'a task', 0, null,"
        " null, '{}', null)::wikiembed_queue.procrastinate_job_to_defer_v1, row('default',"
        " 'a task', 0, null, null, '{}', now() + interval '1 hour')"
        "::wikiembed_queue.procrastinate_job_to_defer_v1])"
    )
    assert sums(docs_table) == {"default": 1, "embed_docs": 2, "q": 1}


def test_chunks_of_live_jobs_are_counted(docs_table: Database) -> None:
    """Also of a job that waits for a time; not of other tasks, nor of malformed arguments."""
    chunks = "select sum(chunks)::int from wikiembed_private.queue_ledger"
    add_chunks(docs_table, 130)
    assert sums(docs_table) == {"embed_docs": 3}
    assert docs_table.one(chunks) == 130
    docs_table.execute("select wikiembed_private.requeue('docs', array['1', '2'], 1)")
    assert docs_table.one(chunks) == 132
    docs_table.execute(
        f"insert into {JOBS} (queue_name, task_name, args) values"
        " ('embed_docs', 'wikiembed.split', '{\"keys\": [1]}'),"
        " ('embed_docs', 'wikiembed.embed', '{\"keys\": 7}'),"
        " ('embed_docs', 'wikiembed.embed', '{}')"
    )
    assert sums(docs_table) == {"embed_docs": 6}
    assert docs_table.one(chunks) == 132
    docs_table.execute(f"update {JOBS} set status = 'failed' where scheduled_at is not null")
    assert sums(docs_table) == {"embed_docs": 6}
    assert docs_table.one(chunks) == 130


def test_upkeep_detach_and_truncate_keep_the_sums(docs_table: Database) -> None:
    """Jobs of deleted rows, of a detached source, and all of them."""
    add_chunks(docs_table, 130)
    docs_table.execute("delete from public.docs")
    docs_table.execute("select wikiembed.reconcile()")
    assert "embed_docs" not in sums(docs_table)
    add_chunks(docs_table, 10)
    docs_table.execute("select wikiembed.detach('docs')")
    assert "embed_docs" not in sums(docs_table)
    docs_table.execute(DEFER.format(3))
    docs_table.execute(f"truncate {JOBS} cascade")
    assert sums(docs_table) == {}
    assert docs_table.rows(SUMS) == []


def test_sums_take_part_in_the_transaction(docs_table: Database) -> None:
    """What is rolled back is not counted, and a fold loses nothing that commits after it."""
    add_chunks(docs_table, 1)
    with docs_table.connect(autocommit=False) as writer:
        writer.execute(DEFER.format(2).encode())
        docs_table.execute("select wikiembed.fold_ledger()")
        assert sums(docs_table) == {"embed_docs": 1}
        writer.commit()
        assert sums(docs_table) == {"embed_docs": 3}
        writer.execute(DEFER.format(2).encode())
        writer.rollback()
    assert docs_table.one(LEDGER_ROWS) == 2
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.one(LEDGER_ROWS) == 1
    assert sums(docs_table) == {"embed_docs": 3}
    docs_table.execute(f"delete from {JOBS}")
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.one("select count(*) from wikiembed_private.queue_ledger") == 0


def test_long_queue_is_known_without_counting(docs_table: Database) -> None:
    """All numbers are those of the table; a short queue needs no sums."""
    docs_table.execute(DEFER.format(1500))
    docs_table.execute(DEFER.format(300).replace("args)", "args, priority)")
                       .replace("from generate", ", -(i % 3) from generate"))  # fmt: skip
    docs_table.execute(f"update {JOBS} set queued_at = now() - interval '1 hour' where id ="
                       f" (select min(id) from {JOBS})")  # fmt: skip
    docs_table.execute(FETCH.format(worker(docs_table), 7))
    todo, doing, oldest_s = docs_table.rows(
        "select todo, doing, oldest_todo_s from wikiembed.queue where source = 'docs'"
    )[0]
    assert (todo, doing) == (1793, 7)
    assert oldest_s < 3600
    docs_table.execute(f"update {JOBS} set status = 'todo'")
    assert docs_table.one("select oldest_todo_s from wikiembed.queue where source = 'docs'") > 3500
    docs_table.execute("truncate wikiembed_private.queue_ledger")
    assert docs_table.rows(QUEUE) == [(1001, 0, 0)]
    docs_table.execute(f"delete from {JOBS} where id % 2 = 0")
    docs_table.execute("truncate wikiembed_private.queue_ledger")
    assert docs_table.rows(QUEUE) == [(900, 0, 0)]


def test_reconcile_corrects_sums_that_were_bypassed(docs_table: Database) -> None:
    """Jobs that a role without triggers inserted or deleted, in either direction."""
    add_chunks(docs_table, 200)
    for change in (DEFER.format(3), f"delete from {JOBS} where id = (select min(id) from {JOBS})"):
        docs_table.execute("set session_replication_role = replica")
        docs_table.execute(change)
        docs_table.execute("set session_replication_role = origin")
        assert docs_table.rows(SUMS) != docs_table.rows(COUNTED)
        assert docs_table.rows(CHUNK_SUMS) != docs_table.rows(CHUNKS)
        docs_table.execute("select wikiembed.reconcile('docs', false)")
        assert sums(docs_table)["embed_docs"] > 0


def test_fetch_and_finish_do_not_wait_for_the_disk(docs_table: Database) -> None:
    """Only their own transactions: that of a write is waited for."""
    docs_table.execute(DEFER.format(2))
    number = worker(docs_table)
    with docs_table.connect(autocommit=False) as connection:
        connection.execute("set session synchronous_commit = on")
        connection.commit()
        for call in (FETCH.format(number, 1), "select wikiembed_private.finish_jobs(array[1])"):
            connection.execute(call.encode())
            assert connection.execute("show synchronous_commit").fetchall() == [("off",)]
            connection.commit()
            assert connection.execute("show synchronous_commit").fetchall() == [("on",)]


def test_fetch_of_procrastinate_passes_a_paused_source(docs_table: Database) -> None:
    """A worker that is not ours is not stopped by the paused job at the head."""
    docs_table.execute(DEFER.format(1))
    docs_table.execute(
        f"insert into {JOBS} (queue_name, task_name, priority) values ('default', 'a task', -1)"
    )
    docs_table.execute("select wikiembed.pause('docs')")
    theirs = "select (wikiembed_queue.procrastinate_fetch_job_v2({}, %s)).task_name"
    number = worker(docs_table)
    assert docs_table.one(theirs.format("'{embed_docs}'"), [number]) is None
    assert docs_table.one(theirs.format("null"), [number]) == "a task"
    assert docs_table.one(theirs.format("null"), [number]) is None
    docs_table.execute("select wikiembed.resume('docs')")
    assert docs_table.one(theirs.format("'{embed_docs}'"), [number]) == "wikiembed.embed"
