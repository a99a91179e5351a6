"""What metrics and traces cost a worker, in CPU time per chunk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from tests.support.eventually import eventually
from tests.tools.bench.memory import cpu_s
from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured, middle

BEGIN = 2_000
"""Chunks before the first reading: imports and first calls are paid once per process."""


def observing(place: Place, form: Form) -> Iterator[Measured]:
    """CPU per chunk without metrics and traces, over that with both at their defaults, in turns."""
    texts, rounds = form.of(20_000, 60_000), form.of(5, 9)
    off: list[float] = []
    on: list[float] = []
    with place.base() as base, place.server("instant") as server:
        both = {"WIKIEMBED_METRICS_PORT": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        for _ in range(rounds):
            off.append(_cpu_us(place, base, server, texts, {}))
            on.append(_cpu_us(place, base, server, texts, both))
    yield Measured(
        row="metrics",
        what="CPU of a worker per chunk, instant server: without metrics and traces ÷ with both",
        value=middle(off) / middle(on),
        unit="ratio",
        better="more",
        goal=0.98,
        detail={"off_us": off, "on_us": on},
    )


def _cpu_us(
    place: Place, base: Base, server: Server, texts: int, environment: Mapping[str, str]
) -> float:
    """Microseconds of CPU per chunk, of all threads of the worker."""
    base.execute("truncate public.docs restart identity")
    base.execute("delete from wikiembed_queue.procrastinate_jobs")
    base.fill("docs", texts)
    base.settle()
    server.reset()
    os.environ.update(environment)
    try:
        process = place.start_worker(base, server, concurrency="4")
    finally:
        for name in environment:
            del os.environ[name]
    try:
        eventually(lambda: server.stats()["texts"] >= BEGIN, within_s=LIMIT_S)
        began, first = cpu_s(process.pid), int(server.stats()["texts"])
        eventually(lambda: server.stats()["texts"] >= texts, within_s=LIMIT_S)
        time.sleep(0.5)  # the last batches are written, the last spans exported
        return 1e6 * (cpu_s(process.pid) - began) / (texts - first)
    finally:
        process.terminate()
        process.wait(60)
