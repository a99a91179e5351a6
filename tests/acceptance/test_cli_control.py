"""`failures`, `retry`, `skip`, `reconcile` and `enqueue` report the true state."""

from __future__ import annotations

from tests.support.chunks import add_chunks, clear_jobs, fail, jobs_by_status, read
from tests.support.cli import Call
from tests.support.commands import assert_refused, json_lines
from tests.support.database import Database


def embed_all(database: Database) -> None:
    """Give every row of ``public.docs`` a vector, and leave no job."""
    database.execute("update public.docs set vec = '[1,0,0,0]'")
    clear_jobs(database)


def fail_first(database: Database) -> None:
    """Record a failure for key 1, and leave no job."""
    fail(database, read(database, ["1"]), error_class="rejected", message="too [bold]long")
    clear_jobs(database)


def test_control_failures_are_listed_and_retried(call: Call, docs_table: Database) -> None:
    """A failure is shown as it is stored, found by its class, and queued again by retry."""
    assert call("failures").stdout == "No failures.\n"
    add_chunks(docs_table, 2)
    fail_first(docs_table)
    assert "too [bold]long" in call("failures", "docs").stdout
    assert call("failures", "--class", "timeout").stdout == "No failures.\n"
    (row,) = json_lines(call("failures", "--class", "rejected", "--json"))
    assert (row["key"], row["state"]) == ("1", "failed")
    assert call("retry", "docs", "--class", "timeout").stdout.startswith("docs: 0 chunks")
    again = call("retry", "docs", "--key", "1", "--key", "7").stdout.splitlines()
    assert again == [
        "docs: 1 chunk queued again in 1 job.",
        "docs: 1 key has no such failure; list: `wikiembed failures docs`.",
    ]
    assert (jobs_by_status(docs_table)["todo"], call("failures").stdout) == (1, "No failures.\n")
    refused = call("skip", "docs", "1", "99")
    assert assert_refused(refused, 1).startswith("The others do not exist")


def test_control_failures_say_when_there_are_more(call: Call, docs_table: Database) -> None:
    """Of the current ones and of those that ended; JSON has rows alone."""
    add_chunks(docs_table, 3)
    fail(docs_table, read(docs_table, ["1", "2", "3"]), error_class="rejected", message="no")
    more = "Only the latest 2 are listed: list more with --limit."
    assert call("failures", "docs", "--limit", "2").stdout.splitlines()[-1] == more
    assert "Only" not in call("failures", "docs", "--limit", "3").stdout
    assert len(json_lines(call("failures", "docs", "--limit", "2", "--json"))) == 2
    call("retry", "docs")
    assert call("failures", "--history", "--limit", "2").stdout.splitlines()[-1] == more


def test_control_history_shows_how_failures_ended(call: Call, docs_table: Database) -> None:
    """A retry erases nothing: newest first, by class, and since a time."""
    assert call("failures", "--history").stdout == "No failures that ended.\n"
    add_chunks(docs_table, 2)
    fail_first(docs_table)
    call("retry", "docs")
    shown = call("failures", "docs", "--history", "--since", "1h").stdout
    assert "retried" in shown
    assert "too [bold]long" in shown
    (row,) = json_lines(call("failures", "--history", "--class", "rejected", "--json"))
    assert (row["source"], row["key"], row["how"]) == ("docs", "1", "retried")
    times = [str(row[name]) for name in ("first_at", "last_at", "ended_at")]
    assert times == sorted(times)
    assert call("failures", "--history", "--class", "timeout").stdout == "No failures that ended.\n"
    docs_table.execute(
        "update wikiembed_private.ended_failures set ended_at = ended_at - interval '2 days'"
    )
    assert "retried" not in call("failures", "--history", "--since", "1d").stdout
    assert "retried" in call("failures", "--history", "--since", "3d").stdout
    assert "--history" in assert_refused(call("failures", "--since", "1d"), 2)
    assert "yesterday" in assert_refused(call("failures", "--history", "--since", "yesterday"), 2)


def test_control_enqueue_counts_before_it_writes(call: Call, docs_table: Database) -> None:
    """A dry run, a bound and a batch size work as documented; the second call adds nothing."""
    add_chunks(docs_table, 10)
    clear_jobs(docs_table)
    options = ("--max-chunks", "6", "--batch-size", "2")
    dry = call("enqueue", "docs", *options, "--dry-run")
    assert dry.stdout == "docs: 6 chunks would be queued in 3 jobs.\n"
    assert jobs_by_status(docs_table)["todo"] == 0
    assert call("enqueue", "docs", *options).stdout == "docs: 6 chunks queued in 3 jobs.\n"
    assert json_lines(call("enqueue", "docs", "--json")) == [
        {"source": "docs", "jobs": 1, "chunks": 4}
    ]
    assert call("enqueue").stdout == (
        "docs: 0 chunks queued in 0 jobs.\nwiki: 0 documents queued in 0 jobs.\n"
    )


def test_control_reconcile_heals_lost_jobs(call: Call, docs_table: Database) -> None:
    """Rows whose job was deleted are queued again and counted."""
    add_chunks(docs_table, 3)
    clear_jobs(docs_table)
    assert call("reconcile", "docs").stdout.startswith("Queued 3 orphaned chunks")
    (found,) = json_lines(call("reconcile", "--json"))
    assert set(found.values()) == {0}
    assert set(found) == {"orphans_enqueued", "dead_jobs", "ledger_drift", "documents_enqueued"}
    docs_table.check_invariants()
