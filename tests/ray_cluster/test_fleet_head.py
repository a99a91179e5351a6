"""The head of a Ray cluster is lost in mid-run, and another cluster takes its place."""

from __future__ import annotations

from tests.faults.crew import events
from tests.faults.report import Report
from tests.ray_cluster.conftest import FleetCrew
from tests.support.cli import wait_for

NODES = 2


def test_lost_head_loses_nothing(crew: FleetCrew, report: Report) -> None:
    """The fleet waits for another cluster, and starts new actors on it."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=1)
    crew.add(3_000)
    fleet = crew.fleet("--max", "4", "--concurrency", "2", "--drain", address="auto")
    crew.wait_embedded(300, fleet)
    crew.nodes.lose_head()
    wait_for(lambda: events(fleet, "ray_lost"), fleet)
    crew.nodes.end()
    crew.nodes.start(2)
    wait_for(lambda: events(fleet, "ray_back"), fleet)
    crew.age_dead_actors()
    found = crew.settle(report, "the head of the cluster lost", fleet)
    assert found.repeated <= 4 * 2 * 16
