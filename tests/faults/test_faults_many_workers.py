"""Many workers on one queue hardly interfere."""

from __future__ import annotations

from tests.faults.crew import Crew
from tests.faults.report import Report
from tests.support.long_form import LONG

WORKERS, CHUNKS = (12, 50_000) if LONG else (6, 4_000)


def test_many_workers_repeat_few_texts(crew: Crew, report: Report) -> None:
    """All drain one queue: fewer than 0.5 % of the texts are embedded twice."""
    crew.attach(batch_size=32)
    crew.standin.control(latency_s=0.05)
    crew.add(CHUNKS)
    team = [crew.worker() for _ in range(WORKERS)]
    found = crew.settle(report, f"{WORKERS} workers at once", *team)
    assert found.repeated / crew.standin.stats()["texts"] < 0.005
