"""`worker`: signals, losses of Postgres, and pauses."""

from __future__ import annotations

import signal

import pytest

from tests.support.chunks import add_chunks, jobs_by_status, without_vector
from tests.support.cli import Call, Cli, RunCli, StartCli
from tests.support.commands import assert_done, assert_refused, events, served
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.terminal import run_on_terminal


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_worker_finishes_its_batches_on_a_signal(
    start_cli: StartCli, docs_table: Database, standin: StandIn, sent: signal.Signals
) -> None:
    """One signal: batches in flight are written, nothing stays `doing`, exit 0."""
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 640)
    running = start_cli("worker", "--concurrency", "2", env=served(standin))
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 2)
    result = running.stop(sent)
    assert_done(result)
    assert [e["event"] for e in events(result)][-2:] == ["stop_requested", "worker_stopped"]
    assert (
        jobs_by_status(docs_table)["doing"],
        without_vector(docs_table) + 64 * (10 - jobs_by_status(docs_table)["todo"]),
    ) == (0, 640)
    docs_table.check_invariants()


def test_worker_without_an_end_draws_no_bar(
    cli: Cli, docs_table: Database, standin: StandIn
) -> None:
    """On a terminal it says where its progress is shown; a drain has a bar."""
    add_chunks(docs_table, 64)
    code, seen = run_on_terminal(
        cli, "worker", env=served(standin), stop_when=lambda seen: "worker_started" in seen
    )
    assert code == 0
    assert "Progress: `wikiembed status --watch`." in seen
    assert "━" not in seen
    add_chunks(docs_table, 64)
    code, seen = run_on_terminal(cli, "worker", "--drain", env=served(standin))
    assert code == 0
    assert "128/128" in seen
    assert "━" in seen


def test_worker_releases_its_jobs_on_the_second_signal(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """A second signal ends a worker whose server never answers."""
    standin.controls.latency_s = 50
    add_chunks(docs_table, 64)
    running = start_cli("worker", env=served(standin))
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 1)
    running.process.send_signal(signal.SIGTERM)
    running.wait_for(lambda: "stop_requested" in running.stderr)
    result = running.stop()
    assert_done(result)
    assert (jobs_by_status(docs_table), without_vector(docs_table)) == ({"todo": 1}, 64)
    docs_table.check_invariants()


def test_worker_continues_after_its_connections_are_terminated(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """It reports loss and return of Postgres at most once, and embeds everything."""
    standin.controls.latency_s = 0.2
    add_chunks(docs_table, 640)
    running = start_cli("worker", "--drain", "--concurrency", "2", env=served(standin))
    running.wait_for(lambda: without_vector(docs_table) < 640)
    docs_table.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and application_name like 'wikiembed%'"
    )
    result = running.wait()
    assert_done(result)
    output = [str(e["event"]) for e in events(result) if str(e["event"]).startswith("database_")]
    assert output in ([], ["database_lost", "database_back"])
    assert (
        without_vector(docs_table),
        jobs_by_status(docs_table)["todo"],
        jobs_by_status(docs_table)["doing"],
    ) == (0, 0, 0)
    docs_table.check_invariants()


def test_worker_drain_names_who_paused_and_why(
    run_cli: RunCli, call: Call, docs_table: Database, standin: StandIn
) -> None:
    """A pause stops a drain: exit 1; after `resume` it exits 0."""
    add_chunks(docs_table, 3)
    assert call("pause", "docs", "--why", "moving the server").stdout == "Paused source 'docs'.\n"
    output = assert_refused(run_cli("worker", "--drain", env=served(standin)), 1)
    who = docs_table.one("select paused_by from wikiembed.sources where name = 'docs'")
    assert str(who) in output
    assert "moving the server" in output
    assert "`wikiembed resume docs`" in output
    assert call("resume", "docs").stdout == "Resumed source 'docs'.\n"
    assert call("resume").stdout == "Nothing was paused.\n"
    assert_done(run_cli("worker", "--drain", "--concurrency", "1", env=served(standin)))
    assert without_vector(docs_table) == 0
