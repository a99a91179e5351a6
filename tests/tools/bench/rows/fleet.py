"""Actors of a fleet on a Ray cluster of this machine: chunks per second, and their start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.ray_cluster.nodes import Nodes
from tests.support.eventually import eventually
from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured

ACTORS = "select count(*) from wikiembed.workers where alive and actor is not null"
REQUEST_MS = 250.0
"""Of 64 texts: so long that the processes of eight actors and Postgres leave two cores idle half
of the time, since the row is to show what a fleet adds, not where a machine ends."""
EMBEDDED = "select exists (select from public.docs where vec is not null)"


def fleet(place: Place, form: Form) -> Iterator[Measured]:
    """Actors with one request in flight, on four nodes; a server that sleeps for each request."""
    seconds = form.of(16, 40)
    nodes = Nodes(4, cpus=2)
    try:
        with (
            place.base() as base,
            place.server("latency", "--latency-ms", f"{REQUEST_MS:g}") as server,
        ):
            first_s = _first_vector_s(base, server, nodes)
            rates = {n: _rate_of(base, server, nodes, n, seconds) for n in (1, 2, 4, 8)}
    finally:
        nodes.close()
    for actors in (2, 4, 8):
        yield Measured(
            row=f"fleet {actors} actors",
            what=f"chunks/s of {actors} actors ÷ {actors} times those of 1,"
            f" server of {REQUEST_MS:g} ms a request",
            value=rates[actors] / (actors * rates[1]),
            unit="of linear",
            better="more",
            goal=0.95,
            detail={"chunks_per_s": list(rates.values()), "cores": os.cpu_count()},
        )
    yield Measured(
        row="fleet start",
        what="seconds from the request for an actor to its first vector, server of"
        f" {REQUEST_MS:g} ms",
        value=first_s,
        unit="s",
        better="less",
        goal=None,
    )


@contextmanager
def _running(base: Base, server: Server, nodes: Nodes, actors: int) -> Iterator[Path]:
    """A fleet of so many actors; yields the file of its events."""
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "events"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "wikiembed", "fleet", "--address", nodes.address,
                 "--min", str(actors), "--max", str(actors), "--concurrency", "1"],
                env=os.environ
                | dict(nodes.env)
                | {
                    "WIKIEMBED_DATABASE_URL": base.url,
                    "WIKIEMBED_EMBEDDER": "openai",
                    "WIKIEMBED_EMBEDDER_URL": server.url,
                    "WIKIEMBED_MODEL": "bench",
                    "WIKIEMBED_LOG_FORMAT": "json",
                },
                stdout=out,
                stderr=out,
            )  # fmt: skip
        try:
            yield log
        finally:
            process.terminate()
            process.wait(LIMIT_S)


def _rate_of(base: Base, server: Server, nodes: Nodes, actors: int, seconds: int) -> float:
    """Chunks per second of `actors` actors, once all of them run."""
    base.refill(actors * (2 * seconds + 20) * 4 * 64)
    server.reset()
    with _running(base, server, nodes, actors):
        eventually(lambda: base.one(ACTORS) == actors, within_s=LIMIT_S)
        time.sleep(2)
        before, began = server.stats(), time.monotonic()
        time.sleep(seconds)
        after, ended = server.stats(), time.monotonic()
    return float((after["texts"] - before["texts"]) / (ended - began))


def _first_vector_s(base: Base, server: Server, nodes: Nodes) -> float:
    """Seconds from the event by which the fleet requests an actor to the first vector."""
    base.refill(64)
    with _running(base, server, nodes, 1) as log:
        eventually(lambda: base.one(EMBEDDED), within_s=LIMIT_S, poll_s=0.02)
        seen = time.time()
        events = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
        (requested,) = [one["at"] for one in events if one["event"] == "fleet_scaled"]
    return seen - datetime.fromisoformat(requested).timestamp()
