"""The result of a row of the benchmark."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measured line: `value` in `unit` against `goal`, on its good side as `better` says.

    A line without a goal is for comparison.
    `detail` holds the raw numbers behind the value.
    """

    row: str
    what: str
    value: float
    unit: str
    better: Literal["more", "less"]
    goal: float | None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        if math.isnan(self.value):
            return False
        return self.value >= self.goal if self.better == "more" else self.value <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Its parts by name."""
        return asdict(self) | {"reached": self.reached}


@dataclass(frozen=True, slots=True)
class Form:
    """The amount of work: `short` in CI and for a first look, else the long form.

    `sizes` replace the form's in growth and whole, `dimensions` in growth. `pgai`: its command.
    """

    short: bool
    sizes: tuple[int, ...] = ()
    dimensions: int = 0
    pgai: str | None = None

    def of(self, short: int, long: int) -> int:
        """The number of this form."""
        return short if self.short else long


def middle(values: Sequence[float]) -> float:
    """The median of repeated measurements."""
    return statistics.median(values)


def ratio_of_rates(ours: Sequence[float], bare: Sequence[float]) -> float:
    """Our best rate over the best one of what it is compared with, of rounds that took turns.

    What else a machine does makes a round slower, never faster, so that the best of several is the
    one that was disturbed least (as the documentation of timeit says).
    """
    return max(ours) / max(bare)


def ratio_of_seconds(ours: Sequence[float], bare: Sequence[float]) -> float:
    """As `ratio_of_rates`, of times: the shortest over the shortest."""
    return min(ours) / min(bare)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a `share` (0 to 1) of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
