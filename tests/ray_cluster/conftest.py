"""Fixtures of the tests that need Ray; `scripts/fleet.sh` runs them, an ordinary run does not."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crew import Crew
from tests.faults.report import Report, reporter
from tests.ray_cluster.nodes import Nodes
from tests.support.cli import Running
from tests.support.database import DIMENSIONS, Database
from tests.support.standin_process import StandInProcess

collect_ignore_glob = [] if os.environ.get("WIKIEMBED_TEST_RAY") == "1" else ["test_*.py"]
assert collect_ignore_glob or importlib.util.find_spec("ray"), "run scripts/fleet.sh"


class FleetCrew(Crew):
    """A crew whose workers are actors on a cluster."""

    nodes: Nodes

    def fleet(
        self, *options: str, address: str | None = None, env: dict[str, str] | None = None
    ) -> Running:
        """Start a fleet; `address` None: that of the head; `env` adds to its environment."""
        where = address or self.nodes.address
        command = [sys.executable, "-m", "wikiembed", "fleet", "--address", where, *options]
        return self.cli.launch(command, env={**self.nodes.env, **(env or {})})

    def age_dead_actors(self) -> None:
        """Age the heartbeats of processes that are gone, to save the wait of 30 s."""
        for worker_ids, pid in self.database.rows("select worker_ids, pid from wikiembed.workers"):
            if not Path(f"/proc/{pid}").exists():
                self.database.execute(
                    "update wikiembed_queue.procrastinate_workers"
                    " set last_heartbeat = last_heartbeat - interval '1 hour' where id = any(%s)",
                    [worker_ids],
                )


@pytest.fixture(scope="module")
def nodes(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    """A head, and as many nodes as the module says, with room for two actors each."""
    made = Nodes(request.module.NODES, cpus=2)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def report() -> Report:
    """Reports the cost of a fault."""
    return reporter()


@pytest.fixture
def crew(database: Database, nodes: Nodes, tmp_path: Path) -> Iterator[FleetCrew]:
    """A database, a stand-in server as a process, and the cluster."""
    standin = StandInProcess(dimensions=DIMENSIONS)
    made = FleetCrew(database, standin, tmp_path)
    made.nodes = nodes
    try:
        yield made
    finally:
        made.close()
        standin.stop()
