"""Rows that existed at attach, or that a bounded enqueue leaves, wait for an enqueue."""

from __future__ import annotations

import pytest

from tests.support.chunks import VECTOR, add, clear_jobs, fail, make_table, queued, read, write
from tests.support.database import Database

HELD = "select held_back_at is not null from wikiembed.sources where name = 'docs'"


@pytest.fixture
def backlog(docs_table: Database) -> Database:
    """Ten rows that existed before anything was queued."""
    add(docs_table, *["text"] * 10)
    clear_jobs(docs_table)
    return docs_table


def reconcile(database: Database) -> int:
    """Orphans that the workers' upkeep queues."""
    return int(database.one("select orphans_enqueued from wikiembed.reconcile(null, false)"))


def enqueue(database: Database, arguments: str = "") -> int:
    """Chunks queued, or counted by a dry run."""
    return int(database.one(f"select chunks from wikiembed.enqueue('docs'{arguments})"))


def test_reconcile_leaves_what_a_bound_left(backlog: Database) -> None:
    """Repeatedly, until an enqueue without a bound."""
    assert enqueue(backlog, ", p_max_chunks => 4") == 4
    assert backlog.one(HELD) is True
    assert [reconcile(backlog), reconcile(backlog)] == [0, 0]
    assert len(queued(backlog)) == 4
    assert enqueue(backlog) == 6
    assert backlog.one(HELD) is False
    clear_jobs(backlog)
    assert reconcile(backlog) == 10


@pytest.mark.parametrize(("bound", "held"), [(0, True), (9, True), (10, False), (11, False)])
def test_only_a_bound_that_left_rows_holds_back(
    backlog: Database,
    bound: int,
    held: bool,  # noqa: FBT001
) -> None:
    """A bound that was not reached, or just reached, leaves all to reconcile."""
    assert enqueue(backlog, f", p_max_chunks => {bound}") == bound - max(0, bound - 10)
    assert backlog.one(HELD) is held
    add(backlog, "more")
    clear_jobs(backlog)
    assert reconcile(backlog) == (0 if held else 11)


def test_bounds_in_steps_hold_back_until_the_last(backlog: Database) -> None:
    """A step that leaves none ends it."""
    steps = [(enqueue(backlog, ", p_max_chunks => 4"), backlog.one(HELD)) for _ in range(3)]
    assert steps == [(4, True), (4, True), (2, False)]


def test_dry_run_changes_nothing(backlog: Database) -> None:
    """It neither holds back nor releases."""
    assert enqueue(backlog, ", 4, p_dry_run => true") == 4
    assert backlog.one(HELD) is False
    enqueue(backlog, ", 4")
    assert enqueue(backlog, ", p_dry_run => true") == 6
    assert backlog.one(HELD) is True


def test_held_back_source_still_queues_what_is_written(backlog: Database) -> None:
    """Triggers queue as usual; the other repairs of reconcile go on."""
    enqueue(backlog, ", p_max_chunks => 0")
    add(backlog, "new")
    assert queued(backlog) == ["11"]
    backlog.execute("insert into wikiembed.ledger (source, total) values ('docs', 5)")
    assert backlog.rows("select * from wikiembed.reconcile('docs')") == [(0, 0, 5, 0)]
    assert backlog.one(HELD) is True


def test_reconcile_releases_when_nothing_is_left(backlog: Database) -> None:
    """Once the rows held back are done by other means, an orphan is an orphan again."""
    enqueue(backlog, ", p_max_chunks => 4")
    backlog.execute("delete from public.docs where id > 4")
    assert reconcile(backlog) == 0
    assert backlog.one(HELD) is False
    clear_jobs(backlog)
    assert reconcile(backlog) == 4


def test_largest_bound_means_no_bound(backlog: Database) -> None:
    """The number after it does not exist."""
    assert enqueue(backlog, ", p_max_chunks => 9223372036854775807") == 10
    assert backlog.one(HELD) is False


ATTACH = "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs'{})"


def waiting(database: Database) -> int:
    """Chunks that the view reports as waiting for an enqueue."""
    return int(database.one("select held_back from wikiembed.coverage where source = 'docs'"))


@pytest.fixture
def full(database: Database) -> Database:
    """``public.docs`` with five rows, of which one has its vector; not attached yet."""
    make_table(database)
    add(database, *["text"] * 4)
    add(database, "done", vector=VECTOR)
    return database


def test_existing_rows_wait_for_enqueue(full: Database) -> None:
    """A worker's reconcile leaves them, however often, and no invariant is violated."""
    full.execute(ATTACH.format(""))
    assert [reconcile(full), reconcile(full)] == [0, 0]
    assert (queued(full), waiting(full)) == ([], 4)
    full.check_invariants()
    assert enqueue(full) == 4
    assert (waiting(full), full.one(HELD)) == (0, False)
    clear_jobs(full)
    assert reconcile(full) == 4


def test_chunks_in_jobs_do_not_wait_for_an_enqueue(backlog: Database) -> None:
    """Whatever the job waits for, until it fails; as a count of the table has it."""
    enqueue(backlog, ", p_max_chunks => 4")
    assert waiting(backlog) == 6
    backlog.execute("select wikiembed_private.requeue('docs', array['9'], 1)")
    assert waiting(backlog) == 5
    add(backlog, "new")
    assert waiting(backlog) == 5
    fail(backlog, read(backlog, ["5"]), error_class="timeout")
    assert waiting(backlog) == 4
    clear_jobs(backlog)
    assert waiting(backlog) == 10


def test_attach_queues_rows_on_request(full: Database) -> None:
    """In the same transaction."""
    full.execute(ATTACH.format(", p_enqueue => true"))
    assert (len(queued(full)), waiting(full), full.one(HELD)) == (4, 0, False)


def test_table_without_missing_rows_is_not_held_back(full: Database) -> None:
    """No row waits for an enqueue: rows lost later are queued by reconcile."""
    full.execute("update public.docs set vec = %s", [VECTOR])
    full.execute(ATTACH.format(""))
    assert full.one(HELD) is False
    add(full, "new")
    clear_jobs(full)
    assert reconcile(full) == 1


def test_rows_written_while_held_back_are_embedded_as_usual(full: Database) -> None:
    """New, changed and emptied rows are queued; the others keep waiting."""
    full.execute(ATTACH.format(""))
    add(full, "new")
    full.execute("update public.docs set body = 'changed' where id = 1")
    full.execute("update public.docs set vec = null where id = 5")
    assert sorted(queued(full)) == ["1", "5", "6"]
    assert waiting(full) == 3
    write(full, read(full, ["1", "5", "6"]))
    clear_jobs(full)
    assert (waiting(full), reconcile(full)) == (3, 0)
    full.execute("delete from public.docs where id in (2, 3)")
    assert waiting(full) == 1
    assert full.one("select eta from wikiembed.coverage where source = 'docs'").total_seconds() == 0
    full.check_invariants()


def test_failures_of_a_source_held_back_do_not_wait_for_enqueue(full: Database) -> None:
    """They are counted as failed, and a retry queues only them."""
    full.execute(ATTACH.format(""))
    full.execute("update public.docs set body = 'changed' where id = 1")
    assert fail(full, read(full, ["1"])) == {"1": "recorded"}
    clear_jobs(full)
    assert (waiting(full), reconcile(full)) == (3, 0)
    full.execute("select wikiembed.retry_failures('docs')")
    assert (queued(full), waiting(full)) == (["1"], 3)


def test_truncate_ends_the_wait(full: Database) -> None:
    """Rows written afterwards are new, and an orphan among them is queued."""
    full.execute(ATTACH.format(""))
    full.execute("truncate public.docs")
    assert (waiting(full), reconcile(full), full.one(HELD)) == (0, 0, False)
    add(full, "new")
    clear_jobs(full)
    assert reconcile(full) == 1


@pytest.mark.parametrize("status", ["failed", "cancelled", "aborted"])
def test_dead_job_of_a_source_held_back_is_queued_again(full: Database, status: str) -> None:
    """The keys already queued continue, and only these."""
    full.execute(ATTACH.format(""))
    add(full, "new", "done meanwhile", "failed meanwhile")
    full.execute("update public.docs set vec = %s where id = 7", [VECTOR])
    assert fail(full, read(full, ["8"])) == {"8": "recorded"}
    full.execute("update wikiembed_queue.procrastinate_jobs set status = %s", [status])
    found = full.rows("select orphans_enqueued, dead_jobs from wikiembed.reconcile('docs')")
    assert found == [(1, 1)]
    assert (queued(full), waiting(full)) == (["6"], 4)


def test_new_parameter_of_attach_is_the_last(full: Database) -> None:
    """The names and positions of the other parameters do not change."""
    full.execute(ATTACH.format(", null, null, null, null, null, 8, true, false, true"))
    assert (len(queued(full)), full.one(HELD)) == (4, False)
