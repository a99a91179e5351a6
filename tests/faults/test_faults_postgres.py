"""Postgres fails under a worker in every way: the worker recovers by itself."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest

from tests.faults.crew import Crew, events, losses
from tests.faults.report import Report
from tests.support.chunks import jobs_by_status
from tests.support.cli import Running, wait_for
from tests.support.long_form import LONG
from tests.support.private_postgres import Mode, PrivateServer

CHUNKS, BATCH = 1_000, 16
DOWN_S = 45 if LONG else 4
"""The long form is longer than a connection pool's patience."""


@pytest.fixture
def backfill(private_crew: Crew) -> Running:
    """A draining worker in the middle of some seconds of work."""
    private_crew.attach(batch_size=BATCH)
    private_crew.standin.control(latency_s=0.15)
    private_crew.add(CHUNKS)
    worker = private_crew.worker()
    private_crew.wait_embedded(100, worker)
    return worker


def settle(crew: Crew, worker: Running, report: Report, fault: str) -> None:
    """Wait for the drain's exit: a loss is logged once, and no text is embedded twice.

    The batches in flight keep their vectors until Postgres is back.
    """
    found = crew.settle(report, fault, worker)
    assert losses(worker) == ["database_lost", "database_back"]
    assert len(worker.stderr.splitlines()) < 100
    assert found.repeated == 0


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_of_postgres_is_survived(
    private_crew: Crew,
    private_server: PrivateServer,
    backfill: Running,
    report: Report,
    mode: Mode,
) -> None:
    """Restarted as soon as the loss is logged, which is before the batches in flight end."""
    private_server.stop(mode)
    wait_for(lambda: losses(backfill), backfill)
    private_server.start()
    settle(private_crew, backfill, report, f"Postgres restarted ({mode})")


def test_postgres_down_for_seconds_is_waited_for(
    private_crew: Crew, private_server: PrivateServer, backfill: Running, report: Report
) -> None:
    """The worker retries without more logging until it is back."""
    private_server.stop("fast")
    time.sleep(DOWN_S)
    private_server.start()
    settle(private_crew, backfill, report, f"Postgres down for {DOWN_S} s")


def test_stock_worker_ends_at_a_restart(
    private_crew: Crew, private_server: PrivateServer, report: Report
) -> None:
    """It exits instead of reconnecting: its service restarts it. No job is left doing."""
    private_crew.attach(batch_size=BATCH)
    private_crew.standin.control(latency_s=0.15)
    private_crew.add(CHUNKS)
    stock = private_crew.stock_worker()
    private_crew.wait_embedded(100, stock)
    private_server.restart("fast")
    stock.wait()
    private_crew.age_dead()
    private_crew.settle(report, "a stock worker at a restart", private_crew.worker())


def test_workers_end_while_postgres_is_down(
    private_crew: Crew, private_server: PrivateServer, backfill: Running, report: Report
) -> None:
    """SIGTERM and SIGINT: exit 0, a drain's limit: 3; a new worker does the rest."""
    private_crew.standin.control(latency_s=1)  # work is left when the others have started
    hasty = private_crew.worker(env={"WIKIEMBED_OUTAGE_LIMIT_S": "2"})
    lasting = private_crew.worker(drain=False)
    team = (backfill, hasty, lasting)
    for worker in team:
        wait_for(lambda worker=worker: events(worker, "worker_started"), *team)  # type: ignore[misc]
    private_crew.standin.control(latency_s=0.15)
    private_server.stop("fast")
    ended = hasty.wait()
    assert (ended.returncode, "out of reach" in ended.stderr) == (3, True), ended.stderr
    for worker, sent in ((backfill, signal.SIGTERM), (lasting, signal.SIGINT)):
        wait_for(lambda worker=worker: losses(worker), worker)  # type: ignore[misc]
        assert losses(worker) == ["database_lost"]
        worker.process.send_signal(sent)
    for worker in (backfill, lasting):
        assert worker.wait().returncode == 0, worker.stderr
    private_server.start()
    private_crew.age_dead()
    private_crew.settle(report, "SIGTERM, SIGINT and a drain's limit while Postgres is down",
                        private_crew.worker(), tried=3)  # fmt: skip


def test_too_many_clients_are_waited_for(
    private_crew: Crew, private_server: PrivateServer, backfill: Running, report: Report
) -> None:
    """Other clients take every connection slot, and the worker's own are terminated."""
    private_server.execute("alter system set max_connections = 24")
    private_server.restart("fast")
    wait_for(lambda: private_crew.embedded() >= 200, backfill)
    wait_for(lambda: losses(backfill)[-1:] == ["database_back"], backfill)
    output = len(losses(backfill))
    others: list[psycopg.Connection] = []
    try:
        wait_for(lambda: starved(private_crew, others), backfill)
        wait_for(lambda: len(losses(backfill)) > output, backfill)
        wait_for(
            lambda: starved(private_crew, others), backfill
        )  # its connection attempts are refused
        time.sleep(1)
        assert starved(private_crew, others)
    finally:
        for other in others:
            other.close()
        private_server.execute("alter system reset max_connections")
    private_crew.settle(report, "too many clients", backfill, tried=2)
    assert losses(backfill)[output:] == ["database_lost", "database_back"]
    assert jobs_by_status(private_crew.database) == {}


def starved(crew: Crew, others: list[psycopg.Connection]) -> bool:
    """Take the worker's connection slots: True when it has none and none is left."""
    ended = crew.terminate()
    while True:
        try:
            others.append(psycopg.connect(crew.database.url, autocommit=True))
        except psycopg.OperationalError as error:
            if "too many clients" not in str(error):
                raise
            return not ended
