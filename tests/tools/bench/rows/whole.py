"""A whole backfill: whether its last tenth is as fast as its first, at any size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from tests.tools.bench.place import Place
from tests.tools.bench.result import Form, Measured
from tests.tools.bench.whole import DIMENSIONS, Part, backfill, parts_of


def whole(place: Place, form: Form) -> Iterator[Measured]:
    """From nothing to ready at each size."""
    sizes = form.sizes or ((200_000,) if form.short else (1_000_000, 10_000_000))
    for n in sizes:
        with place.base() as base:
            samples = backfill(place, base, n)
        seconds = samples[-1].at - samples[0].at
        yield from measured(n, parts_of(samples), seconds=seconds)


def measured(n: int, parts: Sequence[Part], *, seconds: float) -> Iterator[Measured]:
    """The lines of one run of `n` chunks that took `seconds`."""
    first, last = parts[0], parts[-1]
    detail = {
        **{name: [asdict(part)[name] for part in parts] for name in asdict(first)},
        "seconds": seconds,
    }
    chunks = f"{n:,} chunks of {DIMENSIONS} dimensions, instant server"
    yield Measured(
        row=f"whole {n:,}",
        what=f"chunks/s in the last tenth of a backfill ÷ in its first: {chunks}",
        value=last.chunks_per_s / first.chunks_per_s,
        unit="ratio", better="more", goal=0.9, detail=detail,
    )  # fmt: skip
    yield Measured(
        row=f"whole {n:,} rate",
        what="chunks/s of the same run, from the first request to the last",
        value=n / seconds, unit="chunks/s", better="more", goal=None,
    )  # fmt: skip
    for name, what, late, early, goal in (
        ("CPU", "CPU of its process and backends per chunk", last.cpu_us, first.cpu_us, 1.1),
        ("worker", "resident memory of its process", last.worker_mb, first.worker_mb, 1.05),
    ):
        yield Measured(
            row=f"whole {n:,} {name}", what=f"{what}: in the last tenth ÷ in the first",
            value=late / early if early > 0 else math.nan, unit="ratio", better="less", goal=goal,
        )  # fmt: skip
    yield Measured(
        row=f"whole {n:,} backend",
        what="own memory of its largest backend: more in the last tenth than in the first",
        value=last.backend_mb - first.backend_mb, unit="MB", better="less", goal=4,
    )  # fmt: skip
    seen = [part.fetch_ms for part in parts if not math.isnan(part.fetch_ms)]
    yield Measured(
        row=f"whole {n:,} fetch",
        what="mean time of a fetch in Postgres, in the tenth where it is the longest",
        value=max(seen, default=math.nan), unit="ms", better="less", goal=1.0,
    )  # fmt: skip
