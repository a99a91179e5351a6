"""The cost of a chunk as its table grows: bytes, log and time, at one size over another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.tools.bench.grow import AGAIN, KINDS, Numbers, build_indexes, grow
from tests.tools.bench.place import DIMENSIONS, Base, Place
from tests.tools.bench.result import Form, Measured

SMALL = 64
"""Dimensions at ten million chunks: with 768 they would take 50 GB."""
MEMORY = "2GB"
Law = Literal["n", "n log n", "1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Something measured at each size.

    `key` names it in the numbers of tests.tools.bench.grow; `law` is its expected growth:
    with the chunks, with their number times its logarithm (HNSW), or not at all (one call).
    It was measured on one in `share` of the chunks.
    """

    key: str
    what: str
    unit: Literal["bytes", "s", "rows"]
    law: Law = "n"
    share: int = 1
    goal: float = 1.2

    def cost(self, total: float, n: int) -> float:
        """The total at `n` chunks, over its expected growth."""
        return total / self._meant(n // self.share)

    def total(self, cost: float, n: int) -> float:
        """The cost of `n` chunks, extrapolated from the measured ones."""
        return cost * self._meant(n)

    def _meant(self, n: int) -> float:
        return {"n": n, "n log n": n * math.log2(n), "1": 1}[self.law]


def _a_call(key: str, what: str) -> Quantity:
    """Seconds of one call, which should not grow; the call is short, so the goal is wide."""
    return Quantity(key=key, what=f"{what}, a call", unit="s", law="1", goal=1.5)


QUANTITIES = [
    Quantity(key="heap before bytes", what="heap, before any vector", unit="bytes"),
    Quantity(key="heap bytes", what="heap, all embedded without a vacuum", unit="bytes"),
    Quantity(key="TOAST bytes", what="TOAST with its index: the vectors", unit="bytes"),
    Quantity(key="key index bytes", what="index of the key", unit="bytes"),
    Quantity(key="missing before bytes", what="index of missing rows, all missing", unit="bytes"),
    Quantity(key="missing after bytes", what="index of missing rows, all embedded", unit="bytes"),
    Quantity(key="jobs bytes", what="jobs, all queued", unit="bytes"),
    Quantity(key="job indexes bytes", what="indexes of the jobs", unit="bytes"),
    Quantity(key="queue after bytes", what="jobs and events, all embedded", unit="bytes"),
    Quantity(key="ledger rows", what="ledger, before it is folded", unit="rows"),
    Quantity(key="ledger bytes", what="ledger with indexes, before it is folded", unit="bytes"),
    Quantity(key="insert WAL", what="log of inserting, which queues", unit="bytes"),
    Quantity(key="enqueue WAL", what="log of `enqueue`", unit="bytes"),
    Quantity(key="fetch WAL", what="log of fetching", unit="bytes"),
    Quantity(key="embed WAL", what="log of reading and writing vectors", unit="bytes"),
    Quantity(key="finish WAL", what="log of finishing", unit="bytes"),
    Quantity(key="vacuum WAL", what="log of the vacuum", unit="bytes"),
    Quantity(key="insert s", what="inserting, which queues", unit="s"),
    Quantity(key="enqueue s", what="`enqueue`", unit="s"),
    Quantity(key="fetch s", what="fetching", unit="s"),
    Quantity(key="embed s", what="reading and writing vectors", unit="s"),
    Quantity(key="finish s", what="finishing", unit="s"),
    Quantity(key="vacuum s", what="vacuum, all embedded", unit="s"),
    Quantity(key="queue vacuum s", what="vacuum of jobs and events", unit="s"),
    Quantity(key="fold s", what="folding the ledger", unit="s"),
    Quantity(key="dead rows", what="dead rows, all embedded", unit="rows"),
    Quantity(
        key="again TOAST bytes", what="TOAST more, every tenth embedded again", unit="bytes",
        share=AGAIN,
    ),
    Quantity(
        key="again dead rows in TOAST", what="dead rows of TOAST, every tenth embedded again",
        unit="rows", share=AGAIN,
    ),
    Quantity(key="again WAL", what="log, every tenth embedded again", unit="bytes", share=AGAIN),
    Quantity(key="again s", what="every tenth embedded again", unit="s", share=AGAIN),
    Quantity(key="ready before vacuum s", what="`is_ready` before the vacuum", unit="s"),
    Quantity(key="view queue s", what="view `queue`, all queued", unit="s"),
    _a_call("ready after vacuum s", "`is_ready` after it"),
    _a_call("view coverage s", "view `coverage`, the ledger folded"),
    _a_call("first fetches s", "fetch of eight jobs, of the first tenth"),
    _a_call("last fetches s", "fetch of eight jobs, of the last tenth"),
]  # fmt: skip
NEAR = [
    one
    for kind in KINDS
    for one in (
        Quantity(key=f"{kind} bytes", what=f"{kind}, stored alone", unit="bytes"),
        Quantity(key=f"{kind} HNSW bytes", what=f"HNSW index of {kind}", unit="bytes"),
        Quantity(key=f"{kind} HNSW WAL", what="log of its build", unit="bytes"),
        Quantity(key=f"{kind} HNSW s", what="its build, by one process", unit="s", law="n log n"),
    )
]


def growth(place: Place, form: Form) -> Iterator[Measured]:
    """Each quantity at the largest size over the smallest, per series of equal dimensions."""
    for dimensions, sizes in _series(form):
        measured: dict[int, Numbers] = {}
        near: dict[int, Numbers] = {}
        for n in sizes:
            with place.base() as base:
                measured[n] = grow(base, n, dimensions=dimensions)
                if n == sizes[-1] and dimensions == DIMENSIONS:
                    near = _near(base, form, n)
        yield from ratios(QUANTITIES, measured, dimensions=dimensions)
        yield from ratios(NEAR, near, dimensions=dimensions)


def _series(form: Form) -> list[tuple[int, tuple[int, ...]]]:
    if form.sizes:
        return [(form.dimensions or DIMENSIONS, form.sizes)]
    if form.short:
        return [(DIMENSIONS, (6_000, 20_000, 60_000))]
    return [(DIMENSIONS, (100_000, 1_000_000)), (SMALL, (1_000_000, 10_000_000))]


def _near(base: Base, form: Form, n: int) -> dict[int, Numbers]:
    sizes = (1_000, 3_000) if form.short else (10_000, 30_000, 100_000)
    return {size: build_indexes(base, size, memory=MEMORY) for size in sizes if size <= n}


def ratios(
    quantities: list[Quantity], measured: Mapping[int, Numbers], *, dimensions: int
) -> Iterator[Measured]:
    """One line per quantity: a chunk's cost at the largest size over the smallest; 1: linear."""
    if len(measured) < 2:
        return
    for one in quantities:
        costs = {n: one.cost(numbers[one.key], n) for n, numbers in sorted(measured.items())}
        if len({numbers[one.key] for numbers in measured.values()}) == 1:
            continue  # no growth: small vectors are not in TOAST
        (small, least), *_, (large, most) = costs.items()
        yield Measured(
            row=f"growth {one.key}" + (f" {dimensions}" if dimensions != DIMENSIONS else ""),
            what=f"{one.what}: at {large:,} over {small:,} chunks of {dimensions} dimensions"
            + (", each" if one.law == "n" else ""),
            value=most / least,
            unit="ratio",
            better="less",
            goal=one.goal,
            detail={
                "quantity": one.key,
                "dimensions": dimensions,
                "totals": {str(n): measured[n][one.key] for n in costs},
                "costs": {str(n): cost for n, cost in costs.items()},
            },
        )
