"""What a budget costs: throughput, a worker's CPU, and transactions per batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.eventually import eventually
from tests.tools.bench.memory import cpu_s
from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured, middle, ratio_of_rates

BEGIN = 2_000
"""Chunks before the first reading: imports and first calls are paid once per process."""
BATCH = 64
COMMITS = "select xact_commit from pg_stat_database where datname = current_database()"
STATISTICS_S = 1.5
"""Until Postgres's sessions have reported their transactions."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Of one worker: chunks per second, microseconds of CPU per chunk, transactions per batch."""

    chunks_per_s: float
    cpu_us: float
    transactions: float


def budgets(place: Place, form: Form) -> Iterator[Measured]:
    """The same source with a budget of tokens that is never reached, and without, in turns."""
    texts, rounds = form.of(20_000, 60_000), form.of(3, 9)
    without: list[_Run] = []
    with_budget: list[_Run] = []
    with place.base() as base, place.server("instant") as server:
        for _ in range(rounds):
            base.execute("select wikiembed.set_budget('docs')")
            without.append(_run(place, base, server, texts))
            base.execute("select wikiembed.set_budget('docs', %s)", 10**12)
            with_budget.append(_run(place, base, server, texts))
    detail = {
        f"{name} {side}": [getattr(run, name) for run in runs]
        for name in ("chunks_per_s", "cpu_us", "transactions")
        for side, runs in (("without", without), ("with", with_budget))
    }
    yield Measured(
        row="budget",
        what="768-dimension chunks/s of a worker, instant server: with a budget ÷ without",
        value=ratio_of_rates(detail["chunks_per_s with"], detail["chunks_per_s without"]),
        unit="ratio",
        better="more",
        goal=None,
        detail=detail,
    )
    yield Measured(
        row="budget CPU",
        what="CPU of a worker per chunk, instant server: without a budget ÷ with one",
        value=middle(detail["cpu_us without"]) / middle(detail["cpu_us with"]),
        unit="ratio",
        better="more",
        goal=None,
        detail=detail,
    )
    yield Measured(
        row="budget transactions",
        what="transactions that a batch of 64 texts takes more with a budget",
        value=middle(detail["transactions with"]) - middle(detail["transactions without"]),
        unit="per batch",
        better="less",
        goal=None,
        detail=detail,
    )


def _run(place: Place, base: Base, server: Server, texts: int) -> _Run:
    """Let one worker embed `texts` chunks; what the first ones cost does not count."""
    base.refill(texts)
    server.reset()
    time.sleep(STATISTICS_S)
    commits = int(base.one(COMMITS))
    process = place.start_worker(base, server, concurrency="4")
    try:
        eventually(lambda: server.stats()["answered"] >= BEGIN, within_s=LIMIT_S)
        began_cpu, began, first = cpu_s(process.pid), time.monotonic(), _answered(server)
        eventually(lambda: server.stats()["answered"] >= texts, within_s=LIMIT_S)
        seconds, chunks = time.monotonic() - began, _answered(server) - first
        time.sleep(0.5)  # the last batches are written
        cpu_us = 1e6 * (cpu_s(process.pid) - began_cpu) / chunks
    finally:
        process.terminate()
        process.wait(60)
    time.sleep(STATISTICS_S)
    transactions = (int(base.one(COMMITS)) - commits) * BATCH / texts
    return _Run(chunks / seconds, cpu_us, transactions)


def _answered(server: Server) -> int:
    return int(server.stats()["answered"])
