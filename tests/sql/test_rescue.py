"""Jobs of dead workers are requeued, and a chunk that crashes workers is found."""

from __future__ import annotations

import pytest

from tests.support.chunks import add, coverage, fetch, jobs
from tests.support.database import Database

DIE = "update wikiembed_queue.procrastinate_workers set last_heartbeat = now() - interval '31 s'"


def rescue(database: Database) -> tuple[int, ...]:
    """Return how many jobs were rescued, split and lost."""
    (row,) = database.rows("select rescued, split, lost from wikiembed.rescue_jobs()")
    return row


def fetch_and_die(database: Database) -> None:
    """Fetch every waiting job as a worker, and end without cleanup."""
    while fetch(database, ["embed_docs"]) is not None:
        pass
    database.execute(DIE)


def test_job_of_a_live_worker_is_not_rescued(docs_table: Database) -> None:
    """A heartbeat within 30 s counts as alive."""
    add(docs_table, "one")
    fetch(docs_table)
    assert rescue(docs_table) == (0, 0, 0)


def test_job_of_a_dead_worker_is_requeued(docs_table: Database) -> None:
    """It is todo again, immediately, with one more attempt and one more rescue."""
    add(docs_table, "one")
    fetch_and_die(docs_table)
    assert rescue(docs_table) == (1, 0, 0)
    assert docs_table.rows(
        "select status::text, attempts, worker_id, scheduled_at, args ->> 'rescues'"
        " from wikiembed_queue.procrastinate_jobs"
    ) == [("todo", 1, None, None, "1")]


def test_job_of_a_pruned_worker_is_requeued(docs_table: Database) -> None:
    """procrastinate deletes dead workers, which leaves a job without a worker."""
    add(docs_table, "one")
    fetch(docs_table)
    docs_table.execute("delete from wikiembed_queue.procrastinate_workers")
    assert rescue(docs_table) == (1, 0, 0)


def test_job_past_the_hard_limit_is_requeued(docs_table: Database) -> None:
    """A job whose finish failed stays doing under a live worker."""
    add(docs_table, "one")
    fetch(docs_table)
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set started_at = started_at - interval '1801 s'"
    )
    assert rescue(docs_table) == (1, 0, 0)


def test_job_with_a_requested_abort_is_requeued(docs_table: Database) -> None:
    """An abort without an answer from the worker does not stop the rescue of other jobs."""
    add(docs_table, "one")
    job_id = fetch(docs_table)
    docs_table.execute(
        "select wikiembed_queue.procrastinate_cancel_job_v1(%s, true, false)", [job_id]
    )
    docs_table.execute(DIE)
    assert rescue(docs_table) == (1, 0, 0)
    docs_table.check_invariants()


def test_third_rescue_splits_the_job(docs_table: Database) -> None:
    """A chunk may be what crashes the workers: each half is split again at its next rescue."""
    add(docs_table, "a", "b", "c", "d", "e")
    for _ in range(2):
        fetch_and_die(docs_table)
        assert rescue(docs_table) == (1, 0, 0)
    fetch_and_die(docs_table)
    assert rescue(docs_table) == (0, 1, 0)
    assert [(job.keys, job.priority) for job in jobs(docs_table)] == [
        (["1", "2"], 10),
        (["3", "4", "5"], 10),
    ]
    fetch_and_die(docs_table)
    assert rescue(docs_table) == (0, 2, 0)
    docs_table.check_invariants()


def test_single_chunk_is_recorded_as_worker_lost(docs_table: Database) -> None:
    """Its failure has that class, and no job of it is left."""
    add(docs_table, "poison")
    for _ in range(3):
        fetch_and_die(docs_table)
        result = rescue(docs_table)
    assert (result, jobs(docs_table)) == ((0, 0, 1), [])
    assert docs_table.rows("select key, state, error_class from wikiembed.failures") == [
        ("1", "failed", "worker_lost")
    ]
    assert coverage(docs_table)["failed"] == 1
    docs_table.check_invariants()


@pytest.mark.parametrize(
    "state", ["update public.docs set vec = '[1,1,1,1]'", "delete from public.docs"]
)
def test_lost_chunk_that_is_no_longer_missing_is_not_blamed(
    docs_table: Database, state: str
) -> None:
    """The job just ends."""
    add(docs_table, "poison")
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set args = args || '{\"rescues\": 2}'"
    )
    docs_table.execute(state)
    fetch_and_die(docs_table)
    assert rescue(docs_table) == (0, 0, 1)
    assert (jobs(docs_table), docs_table.one("select count(*) from wikiembed.failures")) == ([], 0)


def test_lost_chunk_that_is_locked_is_requeued(docs_table: Database) -> None:
    """A chunk that cannot be read cannot be blamed."""
    add(docs_table, "poison")
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set args = args || '{\"rescues\": 2}'"
    )
    fetch_and_die(docs_table)
    with docs_table.connect(autocommit=False) as user:
        user.execute("select from public.docs for update")
        assert rescue(docs_table) == (0, 0, 1)
    assert [job.keys for job in jobs(docs_table)] == [["1"]]
    docs_table.check_invariants()


@pytest.fixture
def lost_document(database: Database) -> Database:
    """A document whose job's third worker died."""
    database.execute("create table public.articles (id int primary key, body text)")
    database.execute(
        "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
        " p_dimensions => 4)"
    )
    database.execute("insert into public.articles values (1, 'poison')")
    database.execute(
        "update wikiembed_queue.procrastinate_jobs set args = args || '{\"rescues\": 2}'"
    )
    fetch(database, ["embed_articles"])
    database.execute(DIE)
    return database


def test_lost_document_that_is_locked_is_requeued(lost_document: Database) -> None:
    """As a chunk is; else no job would have it."""
    with lost_document.connect(autocommit=False) as user:
        user.execute("select from public.articles for update")
        assert rescue(lost_document) == (0, 0, 1)
    queued = "select args -> 'documents' from wikiembed_queue.procrastinate_jobs"
    assert lost_document.rows(queued) == [(["1"],)]
    lost_document.check_invariants()


@pytest.mark.parametrize("table", ["articles_chunks", "articles"])
def test_job_of_a_dropped_table_is_lost_alone(lost_document: Database, table: str) -> None:
    """Other jobs are rescued all the same."""
    lost_document.execute("set client_min_messages = error")
    lost_document.execute(f"drop table public.{table} cascade")
    assert rescue(lost_document) == (0, 0, 1)
    assert lost_document.one("select count(*) from wikiembed.document_failures") == 0


UPKEEP = (
    "select wikiembed_queue.procrastinate_defer_jobs_v1(array[row('wikiembed_upkeep',"
    " 'wikiembed.tidy', 100, null, 'tidy', '{}', null)"
    "::wikiembed_queue.procrastinate_job_to_defer_v1])"
)


def test_upkeep_job_is_requeued(docs_table: Database) -> None:
    """However often, it is never split or lost."""
    docs_table.execute(UPKEEP)
    for _ in range(4):
        assert fetch(docs_table) is not None
        docs_table.execute(DIE)
        assert rescue(docs_table) == (1, 0, 0)


def test_upkeep_job_with_a_waiting_successor_is_dropped(docs_table: Database) -> None:
    """The queueing lock allows only one to wait."""
    docs_table.execute(UPKEEP)
    fetch(docs_table)
    docs_table.execute(DIE)
    docs_table.execute(UPKEEP)
    assert rescue(docs_table) == (1, 0, 0)
    assert docs_table.rows("select status::text from wikiembed_queue.procrastinate_jobs") == [
        ("todo",)
    ]


def test_rescue_notifies_the_workers(docs_table: Database) -> None:
    """A job that is requeued by an update fires no insert trigger."""
    add(docs_table, "one")
    fetch_and_die(docs_table)
    listener = docs_table.connect()
    listener.execute(b'listen "procrastinate_queue_v1#embed_docs"')
    rescue(docs_table)
    assert len(list(listener.notifies(timeout=0.2))) == 1


def test_release_requeues_only_the_named_jobs_of_that_worker(docs_table: Database) -> None:
    """Jobs that the worker does not run are requeued immediately; no attempt or rescue counts."""
    add(docs_table, "one")
    add(docs_table, "two")
    mine, other = fetch(docs_table), fetch(docs_table)
    assert mine is not None
    assert other is not None
    worker = docs_table.one(
        "select worker_id from wikiembed_queue.procrastinate_jobs where id = %s", [mine]
    )
    assert docs_table.one("select wikiembed.jobs_of_worker(%s)", [worker]) == [mine]
    assert docs_table.one("select wikiembed.release_jobs(%s, %s)", [worker, [mine, other]]) == 1
    assert docs_table.rows(
        "select id, status::text, attempts, args ? 'rescues'"
        " from wikiembed_queue.procrastinate_jobs order by id"
    ) == [(mine, "todo", 0, False), (other, "doing", 0, False)]
