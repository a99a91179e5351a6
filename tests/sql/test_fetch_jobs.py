"""Several jobs are fetched and finished in one call, under procrastinate's own rules."""

from __future__ import annotations

from tests.support.database import Database


def worker(database: Database) -> int:
    """Register a new worker and return its number."""
    number: int = database.one(
        "select worker_id from wikiembed_queue.procrastinate_register_worker_v1()"
    )
    return number


def defer(database: Database, *, chunks: int = 1, queue: str = "embed_docs", **more: object) -> int:
    """Queue a job of so many keys; `more` are other columns. Returns its number."""
    names = "".join(f", {name}" for name in more)
    number: int = database.one(
        f"insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args{names})"
        " values (%s, 'wikiembed.embed', jsonb_build_object('source', 'docs', 'keys',"
        f" to_jsonb(array(select i::text from generate_series(1, %s) as i)))"
        f"{', %s' * len(more)}) returning id",
        [queue, chunks, *more.values()],
    )
    return number


def fetch(
    database: Database, *, jobs: int = 100, chunks: int = 100, queues: list[str] | None = None
) -> list[int]:
    """Return the numbers of the jobs that a new worker fetches."""
    rows = database.rows(
        "select id from wikiembed_private.fetch_jobs(%s::varchar[], false, %s, %s, %s)",
        [queues, worker(database), jobs, chunks],
    )
    return [row[0] for row in rows]


def test_jobs_come_in_order_of_priority_and_number(docs_table: Database) -> None:
    """Fresh edits before a backfill; each is doing, in the worker's name, and is fetched once."""
    low = [defer(docs_table) for _ in range(2)]
    high = [defer(docs_table, priority=10) for _ in range(2)]
    assert fetch(docs_table, jobs=3) == [*high, low[0]]
    assert fetch(docs_table) == [low[1]]
    assert fetch(docs_table) == []
    state = (
        "select distinct status::text, worker_id is not null"
        " from wikiembed_queue.procrastinate_jobs"
    )
    assert docs_table.rows(state) == [("doing", True)]


def test_jobs_are_bounded_by_chunks(docs_table: Database) -> None:
    """At least one, however large; the rest waits."""
    numbers = [defer(docs_table, chunks=n) for n in (200, 30, 60, 20, 5)]
    assert fetch(docs_table) == numbers[:1]
    assert fetch(docs_table) == numbers[1:3]
    assert fetch(docs_table) == numbers[3:]


def test_paused_queues_others_queues_and_later_jobs_are_left(docs_table: Database) -> None:
    """As with single fetches; upkeep is for the slot reserved for it."""
    docs_table.execute(
        "create table public.more (id bigint primary key, body text, vec vector(4));"
        " select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')"
    )
    mine = defer(docs_table)
    other = defer(docs_table, queue="embed_more")
    defer(docs_table, queue="wikiembed_upkeep", priority=100)
    due = defer(docs_table, scheduled_at="2020-01-01")
    defer(docs_table, scheduled_at="2100-01-01")
    docs_table.execute("select wikiembed.pause('more')")
    assert fetch(docs_table) == [mine, due]
    docs_table.execute("select wikiembed.resume('more'); select wikiembed.pause('docs')")
    defer(docs_table)
    assert fetch(docs_table, queues=["embed_docs"]) == []
    assert fetch(docs_table) == [other]


def test_locked_jobs_are_skipped(docs_table: Database) -> None:
    """However many they are: an empty result means that none waits."""
    numbers = [defer(docs_table) for _ in range(20)]
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(
            b"select from wikiembed_queue.procrastinate_jobs where id = any(%s) for update",
            [numbers[:15]],
        )
        assert fetch(docs_table, jobs=2) == numbers[15:17]
        connection.rollback()


def test_lock_of_another_task_is_respected(docs_table: Database) -> None:
    """Two jobs with one lock are not doing at the same time, nor out of order."""
    first, second = (defer(docs_table, lock="one") for _ in range(2))
    assert fetch(docs_table) == [first]
    assert fetch(docs_table) == []
    docs_table.execute("select wikiembed_private.finish_jobs(%s)", [[first]])
    assert fetch(docs_table) == [second]


def test_jobs_are_finished_together(docs_table: Database) -> None:
    """It returns the deleted numbers; deleted and failed jobs are left."""
    numbers = [defer(docs_table) for _ in range(3)]
    failed = defer(docs_table, status="failed")
    fetched = fetch(docs_table, jobs=2)
    found = docs_table.one(
        "select wikiembed_private.finish_jobs(%s)", [[numbers[2], *fetched, failed, 999_999]]
    )
    assert found == numbers
    left = docs_table.rows("select id from wikiembed_queue.procrastinate_jobs")
    assert left == [(failed,)]


def test_fetch_reads_no_further_than_it_must(docs_table: Database) -> None:
    """Neither through earlier jobs of a paused source, nor through scheduled ones."""
    docs_table.execute(
        "create table public.more (id bigint primary key, body text, vec vector(4));"
        " select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more');"
        " insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority)"
        " select 'embed_more', 'wikiembed.embed', 10 from generate_series(1, 20000);"
        " insert into wikiembed_queue.procrastinate_jobs"
        " (queue_name, task_name, priority, scheduled_at)"
        " select 'embed_docs', 'wikiembed.embed', 10, now() + interval '1 day'"
        " from generate_series(1, 20000);"
        " select wikiembed.pause('more')"
    )
    mine = defer(docs_table)
    number = worker(docs_table)
    counted = (
        "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::int"
        " from pg_stat_xact_all_tables"
        " where relid = 'wikiembed_queue.procrastinate_jobs'::regclass"
    )
    with docs_table.connect(autocommit=False) as connection:
        row = connection.execute(
            b"select id from wikiembed_private.fetch_jobs(null, false, %s, 8, 64)", [number]
        ).fetchone()
        read = connection.execute(counted.encode()).fetchone()
        connection.rollback()
    assert row == (mine,)
    assert read is not None
    assert read[0] < 50
