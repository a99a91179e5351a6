"""Workers as actors of a real Ray cluster: faults in mid-run, and what they cost."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.faults.report import Report
from tests.ray_cluster.conftest import FleetCrew
from tests.support.cli import Running, wait_for

NODES = 4
ACTORS = "select host, pid, node, actor from wikiembed.workers where alive and actor is not null"


def logged(running: Running, event: str) -> list[dict[str, Any]]:
    """The events of this name that the fleet logged."""
    lines = [json.loads(line) for line in running.stderr.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_faults_in_mid_run_lose_nothing(crew: FleetCrew, report: Report) -> None:
    """An actor is killed and a node removed: others take their place; SIGTERM ends all in order."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.2)
    crew.add(4_000)
    fleet = crew.fleet("--min", "4", "--max", "4", "--concurrency", "2")
    wait_for(lambda: len(crew.database.rows(ACTORS)) == 4, fleet)
    wait_for(lambda: len(logged(fleet, "actor_started")) == 4, fleet)
    started = logged(fleet, "actor_started")
    shown = {(row[1], row[2], row[3]) for row in crew.database.rows(ACTORS)}
    assert {(one["pid"], one["node"], one["actor_id"]) for one in started} >= shown
    assert len({one["node"] for one in started[:4]}) == 4, "they are spread over the nodes"

    crew.wait_embedded(300, fleet)
    os.kill(started[0]["pid"], signal.SIGKILL)
    wait_for(lambda: len(logged(fleet, "actor_started")) == 5, fleet)
    removed = crew.nodes.remove()
    wait_for(lambda: len(logged(fleet, "actor_lost")) >= 2, fleet)
    wait_for(lambda: len(crew.database.rows(f"{ACTORS} and node <> '{removed}'")) == 4, fleet)
    crew.age_dead_actors()
    crew.wait_embedded(3_000, fleet)
    fleet.process.send_signal(signal.SIGTERM)
    assert fleet.wait(60).returncode == 0, fleet.stderr
    crew.database.check_invariants()
    rows = crew.database.rows("select pid, node from wikiembed.workers where alive")
    assert [row for row in rows if row[1] != removed and Path(f"/proc/{row[0]}").exists()] == []

    done = crew.fleet("--max", "4", "--drain")
    found = crew.settle(report, "an actor killed, a node removed", done, tried=2)
    # What the two workers had in flight: each two batches, and what Ray's second lets them finish.
    assert found.repeated <= 2 * 2 * 16


def test_secrets_are_not_in_rays_logs(crew: FleetCrew) -> None:
    """The actors have the key, and neither Ray's logs nor the names of actors have it."""
    crew.attach(batch_size=16)
    crew.add(64)
    key = "sk-only-for-the-server-7a51"
    crew.standin.control(api_key=key)
    running = crew.fleet("--max", "1", "--drain", env={"WIKIEMBED_API_KEY": key})
    assert running.wait(120).returncode == 0, running.stderr
    logs = [file for file in Path(crew.nodes.folder).rglob("*") if file.is_file()]
    assert len(logs) > 10
    found = [str(file) for file in logs if key.encode() in file.read_bytes()]
    assert found == []


def test_paused_sources_need_no_actor(crew: FleetCrew) -> None:
    """All actors end with a pause, also `--min`, and come back when it ends."""
    crew.attach(batch_size=16)
    crew.standin.control(latency_s=0.2)
    crew.add(2_000)
    fleet = crew.fleet("--min", "1", "--max", "2")
    wait_for(lambda: len(crew.database.rows(ACTORS)) >= 1, fleet)
    crew.database.execute("select wikiembed.pause(null, 'a test')")
    wait_for(lambda: crew.database.rows(ACTORS) == [], fleet)
    crew.database.execute("select wikiembed.resume()")
    wait_for(lambda: len(crew.database.rows(ACTORS)) >= 1, fleet)
    assert fleet.stop(timeout=60).returncode == 0
    crew.database.check_invariants()
