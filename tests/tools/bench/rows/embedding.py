"""A worker's speed: share of a slow server, rate against an instant one, more workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.support.eventually import eventually
from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured, ratio_of_rates


def share(place: Place, form: Form) -> Iterator[Measured]:
    """The share of time that a sequential server is busy."""
    texts = form.of(4_000, 60_000)
    with place.base() as base, place.server("serial") as server:
        base.fill("docs", texts)
        stats = place.drain(base, server)
        yield Measured(
            row="share",
            what="share used of a server of 1 ms a text and 10 ms a request, at our defaults",
            value=stats["busy_s"] / stats["seconds"],
            unit="share",
            better="more",
            goal=0.97,
            detail=stats,
        )


def throughput(place: Place, form: Form) -> Iterator[Measured]:
    """Chunks per second with an instant server, over those of a bare loop in the same run."""
    texts, rounds = form.of(24_000, 60_000), form.of(4, 7)
    with (
        place.base() as base,
        place.server("instant", "--lists") as lists,
        place.server("instant") as server,
    ):
        bare: list[float] = []
        same: list[float] = []
        best: list[float] = []
        two: list[float] = []
        for _ in range(rounds):
            bare.append(_bare(base, lists, texts))
            same.append(_ours(place, base, lists, texts))
            best.append(_ours(place, base, server, texts))
            two.append(_ours(place, base, lists, texts, workers=2))
    against = [
        ("throughput", "one worker ÷ a bare loop, lists of numbers for both", same, 0.95),
        ("throughput base64", "one worker at its defaults (base64) ÷ the same loop", best, 1.2),
        ("throughput 2 workers", "two workers ÷ the same loop, lists of numbers", two, 1.2),
    ]
    for row, what, ours, goal in against:
        yield Measured(
            row=row,
            what=f"768-dimension chunks/s, instant server: {what}",
            value=ratio_of_rates(ours, bare),
            unit="ratio",
            better="more",
            goal=goal,
            detail={"chunks_per_s": ours, "bare_chunks_per_s": bare},
        )


def _bare(base: Base, server: Server, texts: int) -> float:
    base.execute("truncate public.bare restart identity")
    base.fill("bare", texts)
    base.settle()
    server.reset()
    subprocess.run(
        [sys.executable, "-m", "tests.tools.bench.bare", base.url, server.url],
        check=True,
        timeout=LIMIT_S,
    )
    return _rate(server)


def _ours(place: Place, base: Base, server: Server, texts: int, *, workers: int = 1) -> float:
    base.refill(texts)
    server.reset()
    running = [place.start_worker(base, server, "--drain") for _ in range(workers)]
    for process in running:
        assert process.wait(LIMIT_S) == 0
    assert base.one("select count(*) from public.docs where vec is null") == 0
    return _rate(server)


def _rate(server: Server) -> float:
    stats = server.stats()
    return float(stats["texts"] / stats["seconds"])


def scaling(place: Place, form: Form) -> Iterator[Measured]:
    """Workers with one request in flight: two cores suffice for eight; a server of 100 ms."""
    seconds = form.of(3, 20)
    with place.base() as base, place.server("latency") as server:
        rates = {n: _rate_of(place, base, server, n, seconds) for n in (1, 2, 4, 8)}
    for workers in (2, 4, 8):
        yield Measured(
            row=f"scaling {workers} workers",
            what=f"chunks/s of {workers} workers ÷ {workers} times those of 1,"
            " server of 100 ms a request",
            value=rates[workers] / (workers * rates[1]),
            unit="of linear",
            better="more",
            goal=0.9,
            detail={"chunks_per_s": list(rates.values()), "cores": os.cpu_count()},
        )


def _rate_of(place: Place, base: Base, server: Server, workers: int, seconds: int) -> float:
    """Chunks per second of `workers` workers, once all of them run."""
    base.refill(workers * (2 * seconds + 4) * 10 * 64)
    server.reset()
    running = [place.start_worker(base, server, concurrency="1") for _ in range(workers)]
    alive = "select count(*) from wikiembed_queue.procrastinate_workers"
    eventually(lambda: base.one(alive) == 2 * workers, within_s=LIMIT_S)
    time.sleep(1)
    before, began = server.stats(), time.monotonic()
    time.sleep(seconds)
    after, ended = server.stats(), time.monotonic()
    for process in running:
        process.terminate()
    for process in running:
        process.wait(60)
    return float((after["texts"] - before["texts"]) / (ended - began))
