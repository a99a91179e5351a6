"""Partitioned tables, with statements on the root and on partitions."""

from __future__ import annotations

import pytest

from tests.support.chunks import clear_jobs, coverage, embed, jobs, queued
from tests.support.database import Database

SOURCE = "parts"


@pytest.fixture
def parts(database: Database) -> Database:
    """Table public.parts, partitioned by its key, attached as source parts."""
    database.execute(
        "create table public.parts (id int primary key, body text, vec vector(4))"
        " partition by range (id);"
        "create table public.parts_1 partition of public.parts for values from (0) to (100);"
        "create table public.parts_2 partition of public.parts for values from (100) to (200)"
        " partition by range (id);"
        "create table public.parts_2a partition of public.parts_2 for values from (100) to (200);"
    )
    database.execute("select wikiembed.attach('public.parts', 'id', 'body', 'vec', 'parts')")
    return database


def counts(database: Database) -> tuple[int, int]:
    """Return total and embedded of the ledger."""
    row = coverage(database, SOURCE)
    return row["total"], row["embedded"]


@pytest.mark.parametrize("table", ["parts", "parts_1"])
def test_statement_counts_once(parts: Database, table: str) -> None:
    """A statement on the root or on a partition is counted and queued once."""
    parts.execute(f"insert into public.{table} (id, body) values (1, 'a'), (2, 'b')")
    assert (queued(parts, SOURCE), counts(parts)) == (["1", "2"], (2, 0))
    assert embed(parts, ["1", "2"], source=SOURCE) == {"1": "written", "2": "written"}
    clear_jobs(parts)
    parts.execute(f"update public.{table} set body = 'new' where id = 1")
    assert (queued(parts, SOURCE), counts(parts)) == (["1"], (2, 1))
    parts.execute(f"delete from public.{table} where id = 2")
    assert counts(parts) == (1, 0)
    parts.check_invariants()


def test_statement_on_a_middle_partition_counts_once(parts: Database) -> None:
    """A partition that is itself partitioned has the triggers too."""
    parts.execute("insert into public.parts_2 (id, body) values (100, 'a')")
    assert (queued(parts, SOURCE), counts(parts)) == (["100"], (1, 0))


def test_row_that_moves_between_partitions_is_counted_once(parts: Database) -> None:
    """A changed key moves the row; missing rows are queued under the new key."""
    parts.execute("insert into public.parts (id, body) values (1, 'a'), (2, 'b')")
    embed(parts, ["1"], source=SOURCE)
    clear_jobs(parts)
    parts.execute("update public.parts set id = id + 100")
    assert (queued(parts, SOURCE), counts(parts)) == (["102"], (2, 1))
    parts.check_invariants()


def test_row_that_moves_with_a_new_text_loses_its_vector(parts: Database) -> None:
    """The row trigger fires on the move from one partition to another."""
    parts.execute("insert into public.parts (id, body) values (1, 'a')")
    embed(parts, ["1"], source=SOURCE)
    clear_jobs(parts)
    parts.execute("update public.parts set id = 101, body = 'new'")
    assert (queued(parts, SOURCE), counts(parts)) == (["101"], (1, 0))
    parts.check_invariants()


@pytest.mark.parametrize(
    ("table", "left"), [("parts", (0, 0)), ("parts_1", (1, 1)), ("parts_2", (2, 0))]
)
def test_truncate_counts_the_rows_of_its_partitions(
    parts: Database, table: str, left: tuple[int, int]
) -> None:
    """Truncates of the root, of a leaf and of a middle partition are counted alike."""
    parts.execute("insert into public.parts (id, body) values (1, 'a'), (2, 'b'), (101, 'c')")
    embed(parts, ["101"], source=SOURCE)
    parts.execute(f"truncate public.{table}")
    assert counts(parts) == left
    parts.check_invariants()


NEW = "create table public.parts_3 partition of public.parts for values from (200) to (300)"


def test_new_partition_has_triggers_immediately(parts: Database) -> None:
    """The event trigger adds them."""
    parts.execute(NEW)
    parts.execute("insert into public.parts_3 (id, body) values (200, 'a')")
    assert (queued(parts, SOURCE), counts(parts)) == (["200"], (1, 0))


def test_new_partition_is_found_by_reconcile(parts: Database) -> None:
    """Where no event trigger is available, reconcile adds the triggers."""
    parts.execute("drop event trigger wikiembed_on_ddl")
    parts.execute(NEW)
    parts.execute("insert into public.parts_3 (id, body) values (200, 'a')")
    assert queued(parts, SOURCE) == []
    assert parts.rows("select orphans_enqueued, ledger_drift from wikiembed.reconcile()") == [
        (1, 1)
    ]
    parts.execute("insert into public.parts_3 (id, body) values (201, 'b')")
    assert queued(parts, SOURCE) == ["200", "201"]
    parts.check_invariants()


def test_partition_attached_with_rows_queues_a_reconcile(parts: Database) -> None:
    """Its rows came without an insert: the queued reconcile finds and counts them."""
    parts.execute(
        "create table public.parts_3 (like public.parts including all);"
        "insert into public.parts_3 (id, body) values (200, 'a')"
    )
    parts.execute(
        "alter table public.parts attach partition public.parts_3 for values from (200) to (300)"
    )
    assert upkeep(parts) == [{"source": SOURCE}]
    assert parts.rows(
        "select orphans_enqueued, ledger_drift from wikiembed.reconcile('parts')"
    ) == [(1, 1)]
    parts.check_invariants()


def test_partition_that_is_detached_loses_its_triggers(parts: Database) -> None:
    """Statements on a table that is no longer part of the source count and queue nothing."""
    parts.execute("insert into public.parts (id, body) values (1, 'a')")
    parts.execute("alter table public.parts detach partition public.parts_1")
    assert upkeep(parts) == [{"source": SOURCE}]
    parts.execute("insert into public.parts_1 (id, body) values (2, 'b')")
    assert queued(parts, SOURCE) == ["1"]
    parts.execute("select wikiembed.reconcile('parts')")
    assert (jobs(parts, SOURCE), counts(parts)) == ([], (0, 0))
    parts.check_invariants()


def test_detach_leaves_no_trigger_on_a_partition(parts: Database) -> None:
    """Not even on one that left the table without the event trigger."""
    parts.execute("drop event trigger wikiembed_on_ddl")
    parts.execute("alter table public.parts detach partition public.parts_1")
    parts.execute("select wikiembed.detach('parts')")
    left = parts.one("select count(*) from pg_trigger where tgname like '%wikiembed_parts%'")
    assert left == 0


def upkeep(database: Database) -> list[dict[str, str]]:
    """Arguments of the waiting reconcile jobs."""
    rows = database.rows(
        "select args from wikiembed_queue.procrastinate_jobs where task_name ="
        " 'wikiembed.reconcile'"
    )
    return [row[0] for row in rows]
