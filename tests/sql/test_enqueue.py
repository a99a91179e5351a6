"""Enqueue: every missing chunk that is in no job, once."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs, embed, fail, fetch, jobs, queued, read
from tests.support.database import Database


def enqueue(database: Database, arguments: str = "") -> tuple[int, int]:
    """Jobs and chunks of one call."""
    (row,) = database.rows(f"select jobs, chunks from wikiembed.enqueue('docs'{arguments})")
    return row[0], row[1]


@pytest.fixture
def backlog(docs_table: Database) -> Database:
    """Rows 1 to 100, in no job."""
    add(docs_table, *["text"] * 100)
    clear_jobs(docs_table)
    return docs_table


def test_enqueue_queues_every_missing_chunk_in_key_order(backlog: Database) -> None:
    """In batches of the source's size."""
    embed(backlog, ["1", "2"])
    assert enqueue(backlog) == (2, 98)
    assert [len(job.keys) for job in jobs(backlog)] == [64, 34]
    assert jobs(backlog)[0].keys == [str(key) for key in range(3, 67)]
    backlog.check_invariants()


def test_second_enqueue_adds_nothing(backlog: Database) -> None:
    """Neither while jobs wait nor while a worker runs them."""
    assert enqueue(backlog) == (2, 100)
    assert enqueue(backlog) == (0, 0)
    assert fetch(backlog) is not None
    assert enqueue(backlog) == (0, 0)


def test_jobs_that_ended_do_not_count_as_live(backlog: Database) -> None:
    """The chunks that a failed job left missing are queued again."""
    enqueue(backlog)
    backlog.execute("update wikiembed_queue.procrastinate_jobs set status = 'failed'")
    assert enqueue(backlog) == (2, 100)


def test_enqueue_leaves_failures_out(backlog: Database) -> None:
    """Failed and skipped chunks wait for an operator's decision."""
    versions = read(backlog, ["1", "2"])
    fail(backlog, {"1": versions["1"]})
    fail(backlog, {"2": versions["2"]}, state="skipped")
    assert enqueue(backlog) == (2, 98)
    assert not {"1", "2"} & set(queued(backlog))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (", p_max_chunks => 10", (1, 10)),
        (", p_max_chunks => 0", (0, 0)),
        (", p_max_chunks => 1000", (2, 100)),
        (", p_batch_size => 7", (15, 100)),
        (", p_max_chunks => 10, p_batch_size => 3", (4, 10)),
        (", p_batch_size => 4096", (1, 100)),
    ],
)
def test_enqueue_is_bounded_as_asked(
    backlog: Database, arguments: str, expected: tuple[int, int]
) -> None:
    """By total chunks and by chunks per job."""
    assert enqueue(backlog, arguments) == expected
    assert len(queued(backlog)) == expected[1]


def test_bounded_enqueues_continue_where_the_last_ended(backlog: Database) -> None:
    """A backfill in portions."""
    assert enqueue(backlog, ", p_max_chunks => 60") == (1, 60)
    assert enqueue(backlog, ", p_max_chunks => 60") == (1, 40)
    assert len(set(queued(backlog))) == 100


def test_dry_run_counts_and_writes_nothing(backlog: Database) -> None:
    """The same result as the call itself."""
    assert enqueue(backlog, ", p_dry_run => true") == (2, 100)
    assert jobs(backlog) == []
    assert enqueue(backlog) == (2, 100)


@pytest.mark.parametrize(
    "arguments", [", p_batch_size => 0", ", p_batch_size => 4097", ", p_max_chunks => -1"]
)
def test_invalid_bounds_are_refused(backlog: Database, arguments: str) -> None:
    """WE010 with the given value."""
    with pytest.raises(psycopg.Error, match="a batch has") as caught:
        enqueue(backlog, arguments)
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE010", True)


@pytest.mark.parametrize("source", ["none", None])
def test_unknown_source_is_named(database: Database, source: str | None) -> None:
    """WE001."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        database.execute("select wikiembed.enqueue(%s::text)", [source])
    assert caught.value.sqlstate == "WE001"


def test_enqueue_sees_an_open_insert_after_its_commit_only(backlog: Database) -> None:
    """Row and job are committed together: no enqueue sees one without the other."""
    user = backlog.connect(autocommit=False)
    user.execute("insert into public.docs (body) values ('late')")
    assert enqueue(backlog) == (2, 100)
    user.commit()
    assert enqueue(backlog) == (0, 0)
    assert queued(backlog).count("101") == 1
