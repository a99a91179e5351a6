"""Reconcile repairs what bypassed the triggers, in both directions."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs, coverage, embed, fail, fetch, queued, read
from tests.support.database import Database


def reconcile(database: Database, arguments: str = "'docs'") -> tuple[int, ...]:
    """Orphans enqueued, dead jobs, ledger drift; then every invariant holds."""
    (row,) = database.rows(
        f"select orphans_enqueued, dead_jobs, ledger_drift from wikiembed.reconcile({arguments})"
    )
    return row


@pytest.fixture
def settled(docs_table: Database) -> Database:
    """Rows 1 and 2 embedded, row 3 in a job, row 4 failed."""
    keys = add(docs_table, "one", "two", "three", "four")
    versions = read(docs_table, keys)
    embed(docs_table, ["1", "2"])
    fail(docs_table, {"4": versions["4"]})
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs')")
    assert queued(docs_table) == ["3"]
    return docs_table


def test_reconcile_of_a_sound_source_does_nothing(settled: Database) -> None:
    """No orphan, no dead job, no drift, no line in the log."""
    assert reconcile(settled) == (0, 0, 0)
    assert queued(settled) == ["3"]
    logged = settled.one("select count(*) from wikiembed.action_log where action = 'reconcile'")
    assert logged == 0


def test_manually_deleted_jobs_are_queued_again(settled: Database) -> None:
    """An orphan is a missing row in no job."""
    clear_jobs(settled)
    assert reconcile(settled) == (1, 0, 0)
    assert queued(settled) == ["3"]
    assert (
        settled.one(
            "select detail -> 'orphans_enqueued' from wikiembed.action_log where action ="
            " 'reconcile'"
        )
        == 1
    )
    settled.check_invariants()


def test_rows_inserted_without_triggers_are_found(settled: Database) -> None:
    """They are queued and counted."""
    settled.execute_without_triggers("insert into public.docs (body) values ('a'), ('b')")
    assert reconcile(settled) == (2, 0, 2)
    assert coverage(settled)["total"] == 6
    settled.check_invariants()


def test_rows_deleted_without_triggers_are_removed(settled: Database) -> None:
    """Their job is deleted, their failure ends, the counts are updated."""
    settled.execute_without_triggers("delete from public.docs where id >= 2")
    assert reconcile(settled)[:2] == (0, 1)
    row = coverage(settled)
    assert (row["total"], row["embedded"], row["failed"]) == (1, 1, 0)
    assert queued(settled) == []
    settled.check_invariants()


def test_vectors_written_without_triggers_are_counted(settled: Database) -> None:
    """A restore with vectors ends jobs and failures."""
    settled.execute_without_triggers("update public.docs set vec = '[1,1,1,1]'")
    assert reconcile(settled)[:2] == (0, 1)
    assert (coverage(settled)["embedded"], coverage(settled)["ready"]) == (4, True)
    settled.check_invariants()


@pytest.mark.parametrize(
    "damage",
    [
        "delete from wikiembed.ledger",
        "update wikiembed.ledger set total = total + 5, failed = failed + 1",
        "insert into wikiembed.ledger (source, skipped) values ('docs', 3)",
    ],
)
def test_damaged_ledger_is_corrected(settled: Database, damage: str) -> None:
    """The table is counted; the drift is the difference."""
    before = coverage(settled)
    settled.execute(damage)
    assert reconcile(settled)[2] > 0
    after = coverage(settled)
    for name in ("total", "embedded", "failed", "skipped", "missing"):
        assert after[name] == before[name]
    settled.check_invariants()


def test_recount_can_be_left_out(settled: Database) -> None:
    """The frequent reconcile does not read the whole table."""
    settled.execute("insert into wikiembed.ledger (source, total) values ('docs', 5)")
    assert reconcile(settled, "'docs', false") == (0, 0, 0)
    assert reconcile(settled) == (0, 0, 5)


@pytest.mark.parametrize("status", ["failed", "cancelled", "aborted"])
def test_failed_jobs_are_replaced(settled: Database, status: str) -> None:
    """The dead job is deleted and its missing rows are queued again."""
    settled.execute(f"update wikiembed_queue.procrastinate_jobs set status = '{status}'")
    assert reconcile(settled) == (1, 1, 0)
    assert queued(settled) == ["3"]


def test_running_jobs_are_not_changed(settled: Database) -> None:
    """Chunks of a running job are not orphans."""
    assert fetch(settled) is not None
    assert reconcile(settled) == (0, 0, 0)


@pytest.mark.parametrize(
    "damage",
    [
        "drop trigger wikiembed_docs_insert on public.docs",
        "alter table public.docs disable trigger wikiembed_docs_insert",
        "alter table public.docs disable trigger user",
    ],
)
def test_dropped_or_disabled_triggers_are_restored(settled: Database, damage: str) -> None:
    """And the rows missed meanwhile are found."""
    settled.execute("drop event trigger wikiembed_on_ddl")
    settled.execute(damage)
    add(settled, "five")
    assert reconcile(settled) == (1, 0, 1)
    add(settled, "six")
    assert queued(settled) == ["3", "5", "6"]
    settled.check_invariants()


def test_row_trigger_disabled_on_a_partition_is_restored(database: Database) -> None:
    """The copies on partitions are checked as well."""
    database.execute(
        "create table public.docs (id int primary key, body text, vec vector(4))"
        " partition by range (id);"
        "create table public.docs_1 partition of public.docs for values from (0) to (100)"
    )
    database.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    database.execute("alter table public.docs_1 disable trigger zzz_wikiembed_docs")
    database.execute("select wikiembed.reconcile('docs')")
    database.execute("insert into public.docs values (1, 'one', '[1,1,1,1]')")
    database.execute_without_triggers("update public.docs set body = 'two'")
    assert database.one("select vec is null from public.docs")


def test_reconcile_of_all_repairs_every_source(settled: Database) -> None:
    """Sums over the sources; jobs and ledger rows without a source are deleted."""
    settled.execute("create table public.more (id int primary key, body text, vec vector(4))")
    settled.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    settled.execute_without_triggers("insert into public.more values (1, 'x')")
    clear_jobs(settled)
    settled.execute(
        "select wikiembed_private.requeue('none', array['1'], 0);"
        "insert into wikiembed.ledger (source, total) values ('none', 1)"
    )
    assert reconcile(settled, "") == (2, 1, 1)
    assert settled.one("select count(*) from wikiembed.ledger where source = 'none'") == 0
    settled.check_invariants()


def test_unknown_source_is_named(database: Database) -> None:
    """WE001."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        reconcile(database, "'none'")
    assert caught.value.sqlstate == "WE001"
