"""A worker gets a signal during a fault: it ends, and another one does its jobs."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.crew import Crew, events, losses
from tests.faults.fake_postgres import answering
from tests.faults.report import Report
from tests.support.chunks import jobs_by_status
from tests.support.cli import wait_for
from tests.support.private_postgres import PrivateServer, frozen
from tests.support.workers import working
from wikiembed.config import Provider, Settings

CHUNKS, BATCH = 300, 16


def test_signals_during_an_outage_release_the_jobs(crew: Crew, report: Report) -> None:
    """SIGTERM and SIGINT, to a drain and to a lasting worker: exit 0, and no job is left doing."""
    crew.attach(batch_size=BATCH)
    crew.standin.control(down=True)
    crew.add(CHUNKS)
    team = [crew.worker(drain=drain, concurrency=2) for drain in (True, False) * 2]
    for worker in team:
        wait_for(lambda worker=worker: events(worker, "outage_began"), *team)  # type: ignore[misc]
    wait_for(lambda: jobs_by_status(crew.database)["doing"] == 8, *team)
    for worker, sent in zip(team, (signal.SIGTERM,) * 2 + (signal.SIGINT,) * 2, strict=True):
        worker.process.send_signal(sent)
    for worker in team:
        assert worker.wait().returncode == 0, worker.stderr
        assert "Traceback" not in worker.stderr
    assert list(jobs_by_status(crew.database)) == ["todo"]
    crew.database.check_invariants()
    crew.standin.control(down=False)
    crew.settle(report, "SIGTERM, SIGINT while the server is away", crew.worker(), tried=4)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_signal_before_postgres_has_answered_at_all(crew: Crew, sent: signal.Signals) -> None:
    """It has no jobs yet, and ends at once, long before its connect timeout."""
    with answering(None) as port:
        url = f"postgresql://none@127.0.0.1:{port}/none?connect_timeout=600"
        worker = crew.worker(env={"WIKIEMBED_DATABASE_URL": url})
        wait_for(lambda: connected(port), worker)
        worker.process.send_signal(sent)
        ended = worker.wait()
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr


def connected(port: int) -> bool:
    """Whether a client is connected to the port of 127.0.0.1."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(f[2] == f"0100007F:{port:04X}" and f[3] == "01" for f in lines)


async def test_signal_while_a_worker_reconnects() -> None:
    """Postgres accepts the connection and is silent; the worker does not wait for its timeout."""
    with answering(None) as port:
        url = f"postgresql://none@127.0.0.1:{port}/none?connect_timeout=600"
        settings = Settings(database_url=url, embedder=Provider.LOCAL)
        async with working(settings) as worker:
            await worker.wait_for(lambda: connected(port))
            await worker.stop()


def test_signal_while_postgres_hangs(
    private_crew: Crew, private_server: PrivateServer, report: Report
) -> None:
    """Connections stay open without answers, as if packets were dropped: exit 0 in seconds."""
    private_crew.attach(batch_size=BATCH)
    private_crew.standin.control(latency_s=0.15)
    private_crew.add(CHUNKS)
    worker = private_crew.worker()
    private_crew.wait_embedded(BATCH, worker)
    with frozen(private_server.pid, *private_crew.backends()):
        worker.process.terminate()
        ended = worker.wait()
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    assert events(ended, "batches_given_up") == ["batches_given_up"]
    private_crew.age_dead()
    private_crew.settle(report, "SIGTERM while Postgres hangs", private_crew.worker())


def test_drain_ends_without_postgres_and_the_embedding_server(
    private_crew: Crew, private_server: PrivateServer, report: Report
) -> None:
    """Its limit counts from the loss of Postgres: exit 3. A lasting worker outlives both."""
    private_crew.attach(batch_size=BATCH)
    private_crew.standin.control(down=True)
    private_crew.add(CHUNKS)
    hasty = private_crew.worker(env={"WIKIEMBED_OUTAGE_LIMIT_S": "2"}, concurrency=2)
    lasting = private_crew.worker(drain=False, concurrency=2)
    for worker in (hasty, lasting):
        wait_for(lambda worker=worker: events(worker, "outage_began"), lasting)  # type: ignore[misc]
    private_server.stop("fast")
    assert hasty.wait().returncode == 3, hasty.stderr
    private_server.start()
    private_crew.standin.control(down=False)
    private_crew.wait_embedded(BATCH, lasting)
    assert losses(lasting) == ["database_lost", "database_back"]
    assert lasting.stop().returncode == 0
    assert events(lasting, "worker_started", "worker_stopped")[1:] == [
        "worker_started",
        "worker_stopped",
    ]
    private_crew.age_dead()
    private_crew.settle(report, "Postgres and the embedding server away", private_crew.worker())
