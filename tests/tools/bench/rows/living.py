"""In daily use: the delay of an edit, a trickle of inserts, memory, pause and resume."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.support.eventually import eventually
from tests.tools.bench.memory import memory_mb
from tests.tools.bench.pgbench import insert_of
from tests.tools.bench.place import LIMIT_S, TEXT, Base, Place, Server
from tests.tools.bench.result import Form, Measured, middle, percentile


def latency(place: Place, form: Form) -> Iterator[Measured]:
    """From an insert's commit to its stored vector, on an idle system."""
    times: list[float] = []
    with place.base() as base, place.server("instant") as server, place.worker(base, server):
        _warm(base)
        for _ in range(form.of(100, 1000)):
            time.sleep(0.05)
            key = base.one("insert into public.docs (body) values ('an edit') returning id")
            began = time.perf_counter()
            query = "select vec is not null from public.docs where id = %s"
            eventually(partial(base.one, query, key), within_s=LIMIT_S, poll_s=0.001)
            times.append(1000 * (time.perf_counter() - began))
    for name, value, goal in (
        ("median", middle(times), 25.0),
        ("99th percentile", percentile(times, 0.99), 100.0),
    ):
        yield Measured(
            row=f"latency {name}", what=f"insert commit → vector stored, idle system, {name}",
            value=value, unit="ms", better="less", goal=goal, detail={"edits": len(times)},
        )  # fmt: skip


def _warm(base: Base) -> None:
    base.execute("insert into public.docs (body) values ('the first')")
    eventually(
        lambda: base.one("select count(*) from public.docs where vec is null") == 0,
        within_s=LIMIT_S,
    )


def trickle(place: Place, form: Form) -> Iterator[Measured]:
    """400 one-row inserts per second: the backlog after a second, and texts per request."""
    seconds = form.of(6, 60)
    with place.base() as base, place.server("instant") as server, place.worker(base, server):
        _warm(base)
        server.reset()
        statement = insert_of("docs", 1, length=TEXT)
        began = time.perf_counter()
        for i in range(400 * seconds):
            if (early := began + i / 400 - time.perf_counter()) > 0:
                time.sleep(early)
            base.execute(statement)
        late = time.perf_counter() - began - seconds
        time.sleep(1)
        left = base.one("select count(*) from public.docs where vec is null")
        stats = server.stats()
    yield Measured(
        row="trickle backlog", what=f"chunks left 1 s after 400 inserts/s for {seconds} s",
        value=left, unit="chunks", better="less", goal=0, detail={"late_s": late},
    )  # fmt: skip
    yield Measured(
        row="trickle texts", what="mean texts per request meanwhile",
        value=stats["texts"] / stats["requests"], unit="texts", better="more", goal=8,
        detail=stats,
    )  # fmt: skip


def memory(place: Place, form: Form) -> Iterator[Measured]:
    """Resident memory of a worker, early in a run and late."""
    chunks = form.of(40_000, 1_000_000)
    early: list[float] = []
    late: list[float] = []
    with place.base() as base, place.server("instant") as server:
        base.fill("docs", chunks, length=200)
        base.settle()
        with place.worker(base, server) as pid:
            for share, samples in ((0.2, early), (0.9, late)):
                eventually(partial(_has_sent, server, share * chunks), within_s=LIMIT_S)
                for _ in range(20):
                    samples.append(memory_mb(pid))
                    time.sleep(0.02)
    yield Measured(
        row="memory", what=f"resident memory of a worker late in a run of {chunks:,} chunks",
        value=max(late), unit="MB", better="less", goal=130, detail={"early": early, "late": late},
    )  # fmt: skip
    yield Measured(
        row="memory growth", what="late ÷ early in the same run",
        value=middle(late) / middle(early), unit="ratio", better="less", goal=1.05,
    )  # fmt: skip


def pause(place: Place, form: Form) -> Iterator[Measured]:
    """From the pause's commit to the last batch started; from the resume's to the first."""
    stops: list[float] = []
    starts: list[float] = []
    with place.base() as base, place.server("instant") as server:
        base.fill("docs", form.of(60_000, 200_000), length=200)
        base.settle()
        with place.worker(base, server):
            eventually(lambda: server.stats()["texts"] > 500, within_s=LIMIT_S)
            for _ in range(form.of(5, 20)):
                base.execute("select wikiembed.pause('docs', 'bench')")
                at = time.monotonic()
                time.sleep(0.4)
                stops.append(1000 * max(0.0, _last_request(server) - at))
                server.reset()
                base.execute("select wikiembed.resume('docs')")
                at = time.monotonic()
                eventually(lambda: server.stats()["requests"], within_s=LIMIT_S)
                # By the server's clock, which is this machine's: a query takes longer.
                starts.append(1000 * max(0.0, server.stats()["first_begun"] - at))
                time.sleep(0.2)
    for name, times in (("pause", stops), ("resume", starts)):
        edge = "last" if name == "pause" else "first"
        yield Measured(
            row=name, what=f"{name} → {edge} batch begun, the longest", value=max(times),
            unit="ms", better="less", goal=100, detail={"ms": times},
        )  # fmt: skip


def _has_sent(server: Server, texts: float) -> bool:
    return bool(server.stats()["texts"] > texts)


def _last_request(server: Server) -> float:
    stats: dict[str, Any] = server.stats()
    return float(stats["last_begun"])
