"""Workers die by signal; other workers take over their jobs."""

from __future__ import annotations

import signal

import pytest

from tests.faults.crew import Crew, events, kill
from tests.faults.report import Report
from tests.support.chunks import jobs_by_status
from tests.support.cli import wait_for
from tests.support.long_form import LONG

KILLS, CHUNKS, BATCH = (20, 50_000, 64) if LONG else (5, 6_000, 64)


def test_kill_9_of_workers_loses_nothing(crew: Crew, report: Report) -> None:
    """Three workers, one killed repeatedly in mid-run: the others do their jobs."""
    crew.attach(batch_size=BATCH)
    crew.standin.control(latency_s=0.5 if LONG else 0.2)
    crew.add(CHUNKS)
    team = [crew.worker() for _ in range(3)]
    for i in range(KILLS):
        crew.wait_embedded((i + 1) * CHUNKS // (KILLS + 3), *team)
        kill(team.pop(0))
        team.append(crew.worker())
    crew.settle(report, "kill -9 of a worker", *team, tried=KILLS)


def test_killed_workers_jobs_are_rescued_by_a_new_worker(crew: Crew, report: Report) -> None:
    """Another worker has its jobs within 90 s; the short form ages its heartbeat, to save 30 s."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=30)
    crew.add(256)
    first = crew.worker()
    wait_for(lambda: jobs_by_status(crew.database) == {"doing": 4, "todo": 12}, first)
    kill(first)
    # Long enough to observe each of the four: they run alone, in sequence.
    crew.standin.control(latency_s=1)
    if not LONG:
        crew.age_dead()
    newcomer = crew.worker()
    seen: set[int] = set()
    wait_for(lambda: len(rescued(crew, seen)) == 4, within_s=90)
    crew.standin.control(latency_s=0)
    crew.settle(report, "kill -9 of the only worker", newcomer)


def rescued(crew: Crew, seen: set[int]) -> set[int]:
    """The jobs that were rescued once and run again, now or in an earlier call."""
    rows = crew.database.rows(
        "select id from wikiembed_queue.procrastinate_jobs"
        " where status = 'doing' and args -> 'rescues' = '1'"
    )
    seen.update(row[0] for row in rows)
    return seen


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_lets_batches_in_flight_finish(
    crew: Crew, report: Report, sent: signal.Signals
) -> None:
    """It exits with 0; no text in flight is sent again."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.3)
    crew.add(1_000)
    worker = crew.worker(drain=False)
    crew.wait_embedded(100, worker)
    worker.process.send_signal(sent)
    assert worker.wait(60).returncode == 0, worker.stderr
    assert events(worker, "stop_requested", "worker_stopped") == [
        "stop_requested",
        "worker_stopped",
    ]
    left = jobs_by_status(crew.database)
    assert (left.get("doing", 0), left["todo"] > 0) == (0, True)
    crew.database.check_invariants()
    found = crew.settle(report, sent.name, crew.worker(concurrency=8))
    assert found.repeated == 0


def doing_since(crew: Crew, seconds: float) -> int:
    """The number of jobs that have run for so many seconds."""
    n: int = crew.database.one(
        "select count(*) from wikiembed_queue.procrastinate_jobs where status = 'doing'"
        " and started_at < now() - make_interval(secs => %s)",
        [seconds],
    )
    return n


def test_second_sigterm_releases_the_jobs_at_once(crew: Crew, report: Report) -> None:
    """The first waits for a server that takes a minute, the second does not; no job is doing."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.1)
    crew.add(1_000)
    worker = crew.worker()
    crew.wait_embedded(16, worker)
    crew.standin.control(latency_s=60)
    wait_for(lambda: doing_since(crew, 2) == 4, worker)
    worker.process.terminate()
    wait_for(lambda: events(worker, "stop_requested"), worker)
    assert jobs_by_status(crew.database)["doing"] == 4
    worker.process.terminate()
    assert worker.wait(30).returncode == 0, worker.stderr
    left = jobs_by_status(crew.database)
    assert (left.get("doing", 0), left["todo"] > 4) == (0, True)
    crew.database.check_invariants()
    crew.standin.control(latency_s=0)
    crew.settle(report, "a second SIGTERM", crew.worker())
