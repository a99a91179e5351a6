"""`failures`, `retry`, `skip`, `ready`, `reconcile`, `enqueue` and `doctor` tell what is so."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.wiki import (
    Call,
    add,
    assert_done,
    assert_refused,
    complaints,
    json_lines,
    served,
    todo,
)
from tests.harness.database import Database
from tests.standin import StandIn


def embed_all(database: Database) -> None:
    """Give every row of ``public.docs`` a vector, and leave no job."""
    database.execute("update public.docs set vec = '[1,0,0,0]'")
    database.execute("delete from wikiembed_queue.procrastinate_jobs")


def fail(database: Database) -> None:
    """Record a failure for key 1."""
    database.execute(
        "select wikiembed.record_failures('docs', array[k.key], array[k.version], 'rejected',"
        " 'too [bold]long') from wikiembed.read_chunks('docs', array['1']) as k"
    )
    database.execute("delete from wikiembed_queue.procrastinate_jobs")


def test_control_ready_says_what_is_in_the_way(call: Call, docs_table: Database) -> None:
    """Exit 1 with counts while a row misses its vector, 0 when none does or all are skipped."""
    add(docs_table, 2)
    fail(docs_table)
    result = call("ready", "docs")
    assert assert_refused(result, 1) == "Source 'docs' misses 2 of 2 chunks (1 failed)."
    assert result.stdout == "WIKI_EMBEDDINGS_READY=false\n"
    assert call("skip", "docs", "1", "--why", "scan").stdout == "docs: 1 of 1 chunk skipped.\n"
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id = 2")
    result = call("ready", "docs")
    assert (result.returncode, result.stdout) == (0, "WIKI_EMBEDDINGS_READY=true\n")
    asked = call("ready", "docs", "--json")
    assert json_lines(asked) == [{"ready": True, "sources": {"docs": True}}]


def test_control_failures_are_listed_and_retried(call: Call, docs_table: Database) -> None:
    """A failure is shown as it is stored, found by its class, and queued again by retry."""
    assert call("failures").stdout == "No failures.\n"
    add(docs_table, 2)
    fail(docs_table)
    assert "too [bold]long" in call("failures", "docs").stdout
    assert call("failures", "--class", "timeout").stdout == "No failures.\n"
    (row,) = json_lines(call("failures", "--class", "rejected", "--json"))
    assert (row["key"], row["state"]) == ("1", "failed")
    assert call("retry", "docs", "--class", "timeout").stdout.startswith("docs: 0 chunks")
    assert call("retry", "docs", "--key", "1").stdout.startswith("docs: 1 chunk queued again")
    assert (todo(docs_table), call("failures").stdout) == (1, "No failures.\n")
    refused = call("skip", "docs", "1", "99")
    assert assert_refused(refused, 1).startswith("The others do not exist")


def test_control_enqueue_counts_before_it_writes(call: Call, docs_table: Database) -> None:
    """A dry run, a bound and a batch size do what they say; the second call adds nothing."""
    add(docs_table, 10)
    docs_table.execute("delete from wikiembed_queue.procrastinate_jobs")
    options = ("--max-chunks", "6", "--batch-size", "2")
    dry = call("enqueue", "docs", *options, "--dry-run")
    assert dry.stdout == "docs: 6 chunks would be queued in 3 jobs.\n"
    assert todo(docs_table) == 0
    assert call("enqueue", "docs", *options).stdout == "docs: 6 chunks queued in 3 jobs.\n"
    assert json_lines(call("enqueue", "docs", "--json")) == [
        {"source": "docs", "jobs": 1, "chunks": 4}
    ]
    assert call("enqueue").stdout == (
        "docs: 0 chunks queued in 0 jobs.\nwiki: 0 chunks queued in 0 jobs.\n"
    )


def test_control_reconcile_heals_lost_jobs(call: Call, docs_table: Database) -> None:
    """Rows whose job was deleted are queued again and counted."""
    add(docs_table, 3)
    docs_table.execute("delete from wikiembed_queue.procrastinate_jobs")
    assert call("reconcile", "docs").stdout.startswith("Queued 3 orphaned chunks")
    (found,) = json_lines(call("reconcile", "--json"))
    assert found == {"orphans_enqueued": 0, "dead_jobs": 0, "ledger_drift": 0}
    docs_table.check_invariants()


def test_control_doctor_is_content_with_a_healthy_installation(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """No fault, exit 0; no worker with an empty queue is a warning."""
    result = call("doctor", env=served(standin))
    assert_done(result)
    assert "ok       Source docs on public.docs: triggers and index." in result.stdout
    assert "warning  No worker is alive: run `wikiembed worker`." in result.stdout
    assert "ok       All five invariants hold." in result.stdout
    assert "ok       Embedder openai m: 4 dimensions." in result.stdout


BROKEN = {
    "drop trigger zzz_wikiembed_docs on public.docs": (
        "triggers",
        "fault",
        "wikiembed reconcile docs",
    ),
    "drop index public.wikiembed_missing_docs": ("index", "warning", "no valid index"),
    "drop table public.docs": ("relation", "fault", "The table of source docs is gone"),
    "insert into public.docs (body) values ('x')": ("workers", "fault", "No worker is alive"),
    "delete from wikiembed.ledger; insert into wikiembed.ledger (source, total, embedded)"
    " values ('docs', 7, 7)": ("invariant", "fault", "run `wikiembed reconcile`"),
}


@pytest.mark.parametrize("statement", BROKEN)
def test_control_doctor_finds(
    call: Call, docs_table: Database, standin: StandIn, statement: str
) -> None:
    """What is broken is named with its repair; a fault exits 1, a warning 0."""
    docs_table.execute(statement)
    name, level, words = BROKEN[statement]
    result = call("doctor", "--json", env=served(standin))
    (line,) = result.stdout.splitlines()
    found = [f for f in json_findings(line) if f["name"] == name and f["level"] == level]
    assert [f for f in found if words in f["sentence"]] != [], line
    assert result.returncode == (1 if level == "fault" else 0)


def json_findings(line: str) -> list[dict[str, str]]:
    """The findings of `doctor --json`."""
    found: list[dict[str, str]] = json.loads(line)
    return found


def test_control_doctor_asks_the_server(call: Call, docs_table: Database, standin: StandIn) -> None:
    """Wrong dimensions and a server out of reach are faults that name the embedder."""
    standin.controls.dimensions = 5
    result = call("doctor", env=served(standin))
    assert (result.returncode, complaints(result)) == (
        1,
        ["Something is at fault; each line above says what to do."],
    )
    assert "Embedder openai m gives 5 dimensions, a source holds 4" in result.stdout
    standin.controls.down = True
    result = call("doctor", env=served(standin))
    assert result.returncode == 1
    assert "fault    Embedder openai m:" in result.stdout
