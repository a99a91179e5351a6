"""What an operator's bounded enqueue leaves is not queued by the next reconcile."""

from __future__ import annotations

import pytest

from tests.harness.database import Database
from tests.sql.chunks import add, clear_jobs, queued

HELD = "select held_back_at is not null from wikiembed.sources where name = 'docs'"


@pytest.fixture
def backlog(docs_table: Database) -> Database:
    """Ten rows that were there before anything was queued."""
    add(docs_table, *["text"] * 10)
    clear_jobs(docs_table)
    return docs_table


def reconcile(database: Database) -> int:
    """Orphans that the upkeep of workers queues."""
    return int(database.one("select orphans_enqueued from wikiembed.reconcile(null, false)"))


def enqueue(database: Database, arguments: str = "") -> int:
    """Chunks queued, or that would be."""
    return int(database.one(f"select chunks from wikiembed.enqueue('docs'{arguments})"))


def test_reconcile_leaves_what_a_bound_left(backlog: Database) -> None:
    """Again and again, until an enqueue has none."""
    assert enqueue(backlog, ", p_max_chunks => 4") == 4
    assert backlog.one(HELD) is True
    assert [reconcile(backlog), reconcile(backlog)] == [0, 0]
    assert len(queued(backlog)) == 4
    assert enqueue(backlog) == 6
    assert backlog.one(HELD) is False
    clear_jobs(backlog)
    assert reconcile(backlog) == 10


@pytest.mark.parametrize(("bound", "held"), [(0, True), (9, True), (10, False), (11, False)])
def test_only_a_bound_that_left_something_holds_back(
    backlog: Database,
    bound: int,
    held: bool,  # noqa: FBT001
) -> None:
    """One that was not reached, or just reached, leaves all to reconcile."""
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
    """It neither holds back nor lets go."""
    assert enqueue(backlog, ", 4, p_dry_run => true") == 4
    assert backlog.one(HELD) is False
    enqueue(backlog, ", 4")
    assert enqueue(backlog, ", p_dry_run => true") == 6
    assert backlog.one(HELD) is True


def test_held_back_source_still_queues_what_is_written(backlog: Database) -> None:
    """Triggers ask nobody; the other cures of reconcile go on."""
    enqueue(backlog, ", p_max_chunks => 0")
    add(backlog, "new")
    assert queued(backlog) == ["11"]
    backlog.execute("insert into wikiembed.ledger (source, total) values ('docs', 5)")
    assert backlog.rows("select * from wikiembed.reconcile('docs')") == [(0, 0, 5)]
    assert backlog.one(HELD) is True


def test_reconcile_lets_go_when_nothing_is_left(backlog: Database) -> None:
    """What was held back has gone by other ways: then an orphan is an orphan again."""
    enqueue(backlog, ", p_max_chunks => 4")
    backlog.execute("delete from public.docs where id > 4")
    assert reconcile(backlog) == 0
    assert backlog.one(HELD) is False
    clear_jobs(backlog)
    assert reconcile(backlog) == 4


def test_largest_bound_is_none(backlog: Database) -> None:
    """The number after it does not exist."""
    assert enqueue(backlog, ", p_max_chunks => 9223372036854775807") == 10
    assert backlog.one(HELD) is False
