"""The share of what Postgres itself can write: two workers over a client that only updates."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.tools.bench.memory import family_cpu_s
from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import Form, Measured, ratio_of_rates
from wikiembed.db.pool import APPLICATION

WORKERS = 2
WRITERS = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and application_name = %s"
)


def written(place: Place, form: Form) -> Iterator[Measured]:
    """Chunks per second of two workers over rows per second of the bare client, in turns."""
    texts, rounds = form.of(32_000, 60_000), form.of(3, 5)
    ours: list[float] = []
    bare: list[float] = []
    cpu_us: dict[str, list[float]] = {"ours": [], "bare": []}
    connections: list[int] = []
    with place.base() as base, place.server("instant") as server:
        base.execute("create table public.written (like public.bare including all)")
        base.execute("create index on public.written (id) where vec is null")
        for _ in range(rounds):
            rate, opened = _ours(place, base, server, texts, cpu_us["ours"])
            ours.append(rate)
            connections.append(opened)
            bare.append(_bare(place, base, texts, opened, cpu_us["bare"]))
    yield Measured(
        row="share of Postgres",
        what="768-dimension chunks/s of two workers, instant server ÷ a bare client that only"
        " updates the same rows, on as many connections",
        value=ratio_of_rates(ours, bare),
        unit="share",
        better="more",
        goal=0.85,
        detail={"chunks_per_s": ours, "bare_rows_per_s": bare, "connections": connections},
    )
    yield Measured(
        row="share of Postgres, its CPU",
        what="CPU of Postgres per row of the bare client ÷ per chunk of the two workers",
        value=min(cpu_us["bare"]) / min(cpu_us["ours"]),
        unit="share",
        better="more",
        goal=None,
        detail={f"{side}_us": measured for side, measured in cpu_us.items()},
    )


@contextlib.contextmanager
def _cpu_of_postgres(place: Place, texts: int, measured: list[float]) -> Iterator[None]:
    """Append what the block costs Postgres, in microseconds per text."""
    before = family_cpu_s(place.postmaster)
    yield
    measured.append(1e6 * (family_cpu_s(place.postmaster) - before) / texts)


def _ours(
    place: Place, base: Base, server: Server, texts: int, cpu_us: list[float]
) -> tuple[float, int]:
    """Chunks per second, and the most connections of their tasks; adds what Postgres spends."""
    base.refill(texts)
    server.reset()
    with _cpu_of_postgres(place, texts, cpu_us):
        running = [place.start_worker(base, server, "--drain") for _ in range(WORKERS)]
        most, until = 0, time.monotonic() + LIMIT_S
        while any(process.poll() is None for process in running):
            if time.monotonic() > until:
                raise TimeoutError(f"the workers did not end within {LIMIT_S:g} s")
            most = max(most, int(base.one(WRITERS, APPLICATION)))
            time.sleep(0.05)
    assert [process.returncode for process in running] == [0] * WORKERS
    assert base.one("select count(*) from public.docs where vec is null") == 0
    stats = server.stats()
    return float(stats["texts"] / stats["seconds"]), most


def _bare(place: Place, base: Base, texts: int, connections: int, cpu_us: list[float]) -> float:
    """Rows per second; adds what Postgres spends."""
    base.execute("truncate public.written restart identity")
    base.fill("written", texts)
    base.settle()
    command = [sys.executable, "-m", "tests.tools.bench.bare_update", base.url, str(connections)]
    with _cpu_of_postgres(place, texts, cpu_us):
        done = subprocess.run(
            command, check=True, timeout=LIMIT_S, stdout=subprocess.PIPE, text=True
        )
    assert base.one("select count(*) from public.written where vec is null") == 0
    return texts / float(done.stdout)
