"""A provider's limit over eight workers: how much of it they use, and how often it is exceeded."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.support.eventually import eventually
from tests.support.standin_process import StandInProcess
from tests.tools.bench.place import LIMIT_S, Base, Place
from tests.tools.bench.result import Form, Measured

WORKERS = 8
REQUESTS = 300
TOKENS = 60_000
WARM_UP_S = 65.0
"""Until the first minute, in which workers start and probe, is in no window any more."""


def limits(place: Place, form: Form) -> Iterator[Measured]:
    """Requests that were set, and tokens that the server states, each against a sliding minute."""
    seconds = form.of(60, 240)
    with place.base() as base:
        yield from _measure(place, base, seconds, what="requests that were set", requests=REQUESTS)
    with place.base() as base:
        yield from _measure(
            place, base, seconds, what="tokens that the server states", tokens=TOKENS
        )


def _measure(
    place: Place, base: Base, seconds: int, *, what: str, **limit: int
) -> Iterator[Measured]:
    """Run eight workers for `seconds` against a server that enforces the limit."""
    base.execute("update wikiembed.sources set batch_size = %s", 1 if "requests" in limit else 4)
    base.fill("docs", 3 * REQUESTS * seconds // 60)
    base.settle()
    stated = "tokens" in limit
    server = StandInProcess(latency_s=0.2, limit={**limit, "states": stated, "retry_after_s": 1})
    try:
        if not stated:
            base.execute("select wikiembed.set_limit(%s, 'bench', %s)", server.url, REQUESTS)
        running = [place.start_worker(base, server) for _ in range(WORKERS)]
        alive = "select count(*) from wikiembed_queue.procrastinate_workers"
        eventually(lambda: base.one(alive) == 2 * WORKERS, within_s=LIMIT_S)
        time.sleep(WARM_UP_S)
        time.sleep(seconds)
        found = server.stats()["limit"]
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)
    finally:
        server.stop()
    yield from _rows(what, found, seconds=seconds, **limit)


def used(
    arrivals: Sequence[tuple[float, int, bool]], *, seconds: float, tokens: bool
) -> tuple[float, list[int]]:
    """Requests or tokens a minute that were answered in the last `seconds`, and in each 5 s."""
    end = max(arrivals)[0]
    parts = [0] * math.ceil(seconds / 5)
    for at, size, answered in arrivals:
        if answered and end - at < seconds:
            parts[int((end - at) // 5)] += size if tokens else 1
    return sum(parts) * 60 / seconds, parts[::-1]


def _rows(
    what: str, found: dict[str, Any], *, seconds: float, requests: int = 0, tokens: int = 0
) -> Iterator[Measured]:
    arrivals = found["arrivals"]
    a_minute, parts = used(arrivals, seconds=seconds, tokens=bool(tokens))
    kind = "tokens" if tokens else "requests"
    detail = {"sent": len(arrivals), "refused": found["refused"], f"{kind} each 5 s": parts}
    given = f"{WORKERS} workers, {requests or tokens:,} {what}, a minute"
    results: Sequence[tuple[str, str, float, str, float]] = (
        ("most", "most in any 60 s ÷ the limit", found["most"], "less", 1.02),
        ("use", "used ÷ the limit", a_minute / (requests or tokens), "more", 0.97),
        (
            "refused",
            "requests answered 429 ÷ all",
            found["refused"] / len(arrivals),
            "less",
            0.005,
        ),
    )
    for row, measure, value, better, goal in results:
        yield Measured(
            row=f"limits {kind} {row}",
            what=f"{given}: {measure}",
            value=value,
            unit="share",
            better="less" if better == "less" else "more",
            goal=goal,
            detail=detail,
        )
