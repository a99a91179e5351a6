"""Postgres goes away under a worker in every manner: it carries on by itself."""

from __future__ import annotations

import time

import pytest
from psycopg import sql

from tests.faults.crew import Crew, losses, until
from tests.faults.private import Mode, PrivateServer
from tests.faults.report import Report
from tests.harness.cli import Running

CHUNKS, BATCH = 1_600, 16
FETCHING = "application_name = 'wikiembed queue' and query like '%procrastinate_fetch_job_v2%'"
LISTENING = "application_name = 'wikiembed queue' and query ilike '%listen %'"
TASKS = "application_name = 'wikiembed worker'"


@pytest.fixture
def backfill(private_crew: Crew) -> Running:
    """A draining worker in the midst of some seconds of work."""
    private_crew.attach(batch_size=BATCH)
    private_crew.standin.control(latency_s=0.15)
    private_crew.add(CHUNKS)
    worker = private_crew.worker()
    private_crew.wait_embedded(100, worker)
    return worker


def settle(crew: Crew, worker: Running, report: Report, fault: str, *, tried: int = 1) -> None:
    """Wait for the drain's own end, reckon, report; no loss may be said twice."""
    seconds = crew.drained(worker)
    said = losses(worker)
    assert said == ["database_lost", "database_back"] * (len(said) // 2)
    assert len(said) <= 2 * tried
    assert len(worker.stderr.splitlines()) < 100
    found = crew.reckon()
    report(
        fault,
        tried=tried,
        chunks=found.chunks,
        lost=found.lost,
        stale=found.stale,
        repeated=found.repeated,
        seconds=seconds,
    )


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_of_postgres_is_carried_through(
    private_crew: Crew,
    private_server: PrivateServer,
    backfill: Running,
    report: Report,
    mode: Mode,
) -> None:
    """Restarted in mid-run: lost once, back once, and the run ends by itself."""
    private_server.restart(mode)
    settle(private_crew, backfill, report, f"Postgres restarted ({mode})")
    assert losses(backfill) == ["database_lost", "database_back"]


def test_postgres_down_for_seconds_is_waited_for(
    private_crew: Crew, private_server: PrivateServer, backfill: Running, report: Report
) -> None:
    """Down for 4 s: the worker tries again, quietly, until it is back."""
    private_server.stop("fast")
    time.sleep(4)
    private_server.start()
    settle(private_crew, backfill, report, "Postgres down for 4 s")
    assert losses(backfill) == ["database_lost", "database_back"]


def test_backends_terminated_one_by_one_are_replaced(
    private_crew: Crew, backfill: Running, report: Report
) -> None:
    """The fetching one, the listening one, the tasks' pool, then all of the worker's at once."""
    kinds = (FETCHING, LISTENING, TASKS, "application_name like 'wikiembed%'")
    for i, kind in enumerate(kinds):
        private_crew.wait_embedded(200 * (i + 1), backfill)
        until(lambda kind=kind: terminated(private_crew, kind), backfill)  # type: ignore[misc]
    settle(private_crew, backfill, report, "backends terminated", tried=len(kinds))


def terminated(crew: Crew, kind: str) -> int:
    """End the worker's backends of a kind: how many there were."""
    ended: int = crew.database.one(
        "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity"
        f" where datname = current_database() and pid <> pg_backend_pid() and {kind}) as ended"
    )
    return ended


@pytest.mark.parametrize("setting", ["idle_in_transaction_session_timeout", "statement_timeout"])
def test_low_timeouts_of_the_database_are_survived(
    private_crew: Crew, backfill: Running, report: Report, setting: str
) -> None:
    """A timeout that no statement can keep, for a while: the worker goes on when it is lifted."""
    database = sql.Identifier(private_crew.database.name)
    lowered = sql.SQL("alter database {} set {} = '2ms'").format(database, sql.Identifier(setting))
    lifted = sql.SQL("alter database {} reset {}").format(database, sql.Identifier(setting))
    private_crew.database.execute(lowered)
    assert terminated(private_crew, "application_name like 'wikiembed%'")
    time.sleep(3)
    assert backfill.process.poll() is None, backfill.stderr
    private_crew.database.execute(lifted)
    terminated(private_crew, "application_name like 'wikiembed%'")
    settle(private_crew, backfill, report, f"{setting} of 2 ms", tried=4)


def test_too_many_connections_are_waited_out(
    private_crew: Crew, backfill: Running, report: Report
) -> None:
    """The database takes no connection more, and the worker's own are ended: it waits."""
    database = sql.Identifier(private_crew.database.name)
    role = private_crew.database.create_role("limited", grant="worker")
    private_crew.database.execute(
        sql.SQL("alter role {} login connection limit 100").format(sql.Identifier(role))
    )
    private_crew.database.execute(
        sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(role))
    )
    assert backfill.stop().returncode == 0
    limited = private_crew.cli.start(
        "worker",
        "--drain",
        "--concurrency",
        "4",
        env={"PGUSER": role, "WIKIEMBED_DATABASE_URL": as_role(private_crew.database.url, role)},
    )
    before = private_crew.embedded()
    private_crew.wait_embedded(before + 100, limited)
    none = sql.SQL("alter role {} connection limit 0").format(sql.Identifier(role))
    private_crew.database.execute(none)
    assert terminated(private_crew, "application_name like 'wikiembed%'")
    time.sleep(3)
    few = sql.SQL("alter role {} connection limit 6").format(sql.Identifier(role))
    private_crew.database.execute(few)
    settle(private_crew, limited, report, "too many connections", tried=2)


def as_role(url: str, role: str) -> str:
    """`url` with another user."""
    assert "postgres@" in url or "user=" in url, url
    return url.replace("postgres@", f"{role}@", 1)
