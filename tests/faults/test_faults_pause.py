"""A pause survives other faults, and ends on time."""

from __future__ import annotations

import time

from tests.faults.crew import Crew, kill
from tests.faults.report import Report
from tests.support.chunks import jobs_by_status, pause_reason
from tests.support.cli import wait_for


def test_pause_survives_kills(crew: Crew, report: Report) -> None:
    """Jobs of killed workers return to the queue, and wait there for the resume."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.2)
    crew.add(1_500)
    team = [crew.worker(drain=False) for _ in range(2)]
    crew.wait_embedded(200, *team)
    kill(team.pop(0))
    assert crew.cli.run("pause", "docs", "--why", "maintenance").returncode == 0
    kill(team.pop(0))
    crew.age_dead()
    # A new worker releases the jobs of both; a drain names who paused and exits 1.
    halted = crew.worker().wait(60)
    assert (halted.returncode, "maintenance" in halted.stderr) == (1, True)
    embedded, texts = crew.embedded(), crew.standin.stats()["texts"]
    lasting = crew.worker(drain=False)
    time.sleep(2)
    assert (
        crew.embedded(),
        crew.standin.stats()["texts"],
        jobs_by_status(crew.database)["doing"],
    ) == (embedded, texts, 0)
    assert pause_reason(crew.database) == "maintenance"
    crew.database.check_invariants()
    assert crew.cli.run("resume", "docs").returncode == 0
    crew.settle(report, "pause among kills", crew.worker(), tried=2)
    assert lasting.stop().returncode == 0


def test_resume_during_an_outage_works(crew: Crew, report: Report) -> None:
    """Paused and resumed during an outage: all is embedded after it."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.1)
    crew.add(1_000)
    worker = crew.worker(drain=False)
    crew.wait_embedded(100, worker)
    crew.standin.control(down=True)
    wait_for(lambda: "outage_began" in worker.stderr, worker)
    assert crew.cli.run("pause", "docs").returncode == 0
    assert crew.cli.run("resume", "docs").returncode == 0
    assert pause_reason(crew.database) is None
    drain = crew.worker()
    wait_for(lambda: "outage_began" in drain.stderr, drain)
    crew.standin.control(down=False)
    crew.settle(report, "resume in an outage", drain)
    assert worker.stop().returncode == 0


def test_pause_until_ends_by_itself(crew: Crew, report: Report) -> None:
    """Without a resume: at that time a running worker continues, and the drain ends."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.1)
    crew.add(2400)
    lasting = crew.worker(drain=False)
    crew.wait_embedded(100, lasting)
    assert crew.cli.run("pause", "docs", "--until", "4s").returncode == 0
    wait_for(lambda: jobs_by_status(crew.database)["doing"] == 0, lasting)
    assert crew.embedded() < 2400
    crew.wait_embedded(2400, lasting)
    crew.settle(report, "pause --until", crew.worker())
    assert lasting.stop().returncode == 0
