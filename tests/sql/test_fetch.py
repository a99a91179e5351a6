"""fetch_jobs and finish_jobs: several jobs per call, in order, skipping locked ones."""

from __future__ import annotations

import pytest

from tests.support.chunks import add, in_background, jobs, start, wait_until_blocked
from tests.support.database import Database

FETCH = "select id from wikiembed_private.fetch_jobs(%s, %s, %s, %s, %s)"


def worker(database: Database) -> int:
    """Register a worker; return its number."""
    return int(
        database.one("select worker_id from wikiembed_queue.procrastinate_register_worker_v1()")
    )


def fetch(
    database: Database,
    most_jobs: int | None = 1,
    most_chunks: int | None = None,
    *,
    queues: list[str] | None = None,
    upkeep: bool = False,
) -> list[int]:
    """Return the numbers of the jobs that one call fetches, in its order."""
    values = [queues, upkeep, worker(database), most_jobs, most_chunks]
    return [row[0] for row in database.rows(FETCH, values)]


def defer(
    database: Database,
    *,
    queue: str = "embed_docs",
    task: str = "wikiembed.embed",
    priority: int = 0,
    lock: str | None = None,
    args: str = '{"source": "docs", "keys": ["1"]}',
    delay_s: float | None = None,
) -> int:
    """Queue one job; returns its number."""
    return int(
        database.one(
            "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, lock,"
            " args, scheduled_at) values (%s, %s, %s, %s, %s::jsonb,"
            " now() + make_interval(secs => %s)) returning id",
            [queue, task, priority, lock, args, delay_s],
        )
    )


def more(database: Database) -> None:
    """Attach a second source, `more`."""
    database.execute("create table public.more (id int primary key, body text, vec vector(4))")
    database.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")


def test_jobs_come_by_priority_then_age_across_queues(docs_table: Database) -> None:
    """Up to the limit, marked as this worker's, in the order of procrastinate's own fetch."""
    more(docs_table)
    last = defer(docs_table)
    third = defer(docs_table, queue="embed_more", priority=5)
    first = defer(docs_table, priority=10)
    second = defer(docs_table, queue="embed_more", priority=10)
    fourth = defer(docs_table, priority=5, delay_s=-1)
    number = worker(docs_table)
    rows = docs_table.rows(
        "select id, status::text, worker_id, started_at is not null, queued_at <= started_at"
        " from wikiembed_private.fetch_jobs(null, false, %s, 4)",
        [number],
    )
    assert rows == [(n, "doing", number, True, True) for n in (first, second, third, fourth)]
    assert fetch(docs_table, 4) == [last]
    assert fetch(docs_table, 4) == []


@pytest.mark.parametrize(
    ("most_jobs", "most_chunks", "taken"),
    [
        (4, None, 4),
        (4, 130, 3),
        (4, 128, 2),
        (4, 127, 1),
        (4, 1, 1),
        (4, 0, 1),
        (None, None, 1),
        (0, None, 1),
    ],
)
def test_fetch_is_bounded_by_chunks(
    docs_table: Database, most_jobs: int | None, most_chunks: int | None, taken: int
) -> None:
    """But at least one, and none is skipped for a smaller one after it."""
    add(docs_table, *["text"] * 129)
    add(docs_table, *["text"] * 2)
    assert [len(job.keys) for job in jobs(docs_table)] == [64, 64, 1, 2]
    assert len(fetch(docs_table, most_jobs, most_chunks)) == taken


@pytest.mark.parametrize("args", ["{}", '{"keys": 7}', "[]", "null", '"keys"'])
def test_job_of_any_arguments_counts_one_chunk(docs_table: Database, args: str) -> None:
    """A job that was deferred manually may have any arguments."""
    wanted = [defer(docs_table, args=args), defer(docs_table, args=args)]
    assert fetch(docs_table, 3, 2) == wanted


def test_job_before_its_time_is_left(docs_table: Database) -> None:
    """Among those that are due, the priority decides again."""
    defer(docs_table, priority=10, delay_s=60)
    low, high = defer(docs_table, delay_s=-9), defer(docs_table, priority=5, delay_s=-1)
    assert fetch(docs_table, 4) == [high, low]


@pytest.mark.parametrize("upkeep", [True, False])
def test_fetch_reads_the_given_queues_without_the_paused(
    docs_table: Database, *, upkeep: bool
) -> None:
    """Null means all; upkeep and other queues only where upkeep is requested."""
    more(docs_table)
    docs, other = defer(docs_table), defer(docs_table, queue="embed_more")
    tidy = defer(docs_table, queue="wikiembed_upkeep", task="wikiembed.tidy", priority=100)
    foreign = defer(docs_table, queue="mail", task="send")
    docs_table.execute("select wikiembed.pause('more')")
    assert fetch(docs_table, 9, queues=["embed_more"], upkeep=upkeep) == []
    assert fetch(docs_table, 9, queues=[], upkeep=upkeep) == []
    assert fetch(docs_table, 9, upkeep=upkeep) == ([tidy, docs, foreign] if upkeep else [docs])
    docs_table.execute("select wikiembed.resume('more')")
    assert fetch(docs_table, 9, queues=["embed_more"] * 2) == [other]


def test_expired_pause_blocks_no_job(docs_table: Database) -> None:
    """As in the pause gate."""
    job = defer(docs_table)
    docs_table.execute(
        "update wikiembed.sources set paused_at = now(), paused_by = 'x',"
        " resume_at = now() - interval '1 s' where name = 'docs'"
    )
    assert fetch(docs_table) == [job]


def test_only_fetched_jobs_are_locked(docs_table: Database) -> None:
    """Another worker fetches the next jobs, while the first one's fetch is not yet committed."""
    wanted = [defer(docs_table) for _ in range(300)]
    number = worker(docs_table)
    with docs_table.connect(autocommit=False) as first:
        taken = first.execute(FETCH.encode(), [None, False, number, 3, 2]).fetchall()
        assert [row[0] for row in taken] == wanted[:2]
        assert fetch(docs_table) == [wanted[2]]
        free = docs_table.rows(
            "select id from wikiembed_queue.procrastinate_jobs where status = 'todo'"
            " order by id for update skip locked"
        )
        assert [row[0] for row in free] == wanted[3:]


@pytest.mark.parametrize("locked", [1, 3, 200])
def test_jobs_behind_locked_ones_are_found(docs_table: Database, locked: int) -> None:
    """Up to the limit; an empty result means that no job waits."""
    wanted = [defer(docs_table) for _ in range(locked + 3)]
    with docs_table.connect(autocommit=False) as other:
        other.execute(
            b"select from wikiembed_queue.procrastinate_jobs where id <= %s for update",
            [wanted[locked - 1]],
        )
        assert fetch(docs_table) == [wanted[locked]]
        assert fetch(docs_table, 2, 1) == [wanted[locked + 1]]


def test_job_whose_lock_is_taken_waits(docs_table: Database) -> None:
    """procrastinate's rule: one at a time, by priority and age."""
    later = defer(docs_table, task="send", lock="x")
    first = defer(docs_table, task="send", lock="x", priority=1)
    free = defer(docs_table, task="send", lock="y")
    assert fetch(docs_table, 9) == [first, free]
    assert fetch(docs_table, 9) == []
    docs_table.execute("select wikiembed_private.finish_jobs(array[%s]::bigint[])", [first])
    assert fetch(docs_table, 9) == [later]


def test_finish_deletes_waiting_and_doing_jobs(docs_table: Database) -> None:
    """Returns the deleted numbers; invalid, duplicate and already finished ones are skipped."""
    ids = [defer(docs_table) for _ in range(4)]
    fetch(docs_table)
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set status = 'failed' where id = %s", [ids[2]]
    )
    finish = "select wikiembed_private.finish_jobs(%s::bigint[])"
    assert docs_table.one(finish, [[ids[2], ids[1], ids[0], ids[1], 999]]) == ids[:2]
    assert docs_table.one(finish, [[ids[0]]]) == []
    assert docs_table.one(finish, [[]]) == []
    assert [job.id for job in jobs(docs_table)] == ids[2:]


def test_two_finishes_of_the_same_jobs_do_not_deadlock(docs_table: Database) -> None:
    """Rows are locked by number, whatever the order in the call."""
    ids = [defer(docs_table) for _ in range(4)]
    finish = "select wikiembed_private.finish_jobs(%s::bigint[])"
    one, two = docs_table.connect(autocommit=False), docs_table.connect()
    with in_background() as pool:
        one.execute(
            b"select from wikiembed_queue.procrastinate_jobs where id = %s for update", [ids[1]]
        )
        second = start(pool, two, finish, [ids[::-1]])
        wait_until_blocked(docs_table, two)
        # The second holds the first row by now and none behind the one that it waits for.
        held = one.execute(finish.encode(), [ids[1:]]).fetchone()
        assert held == (ids[1:],)
        one.commit()
        assert second.result() == [(ids[:1],)]
