"""Tables of docs/explanation/scale.md: ``python -m tests.tools.bench.slopes``.

``python -m tests.tools.bench.slopes FILE.json…`` prints those of a run's JSON; with ``--page
PAGE`` they replace the text between the page's markers. Of several files with the same
quantity, the one with the largest size counts. Columns of *computed* were not measured: the cost of
a chunk at the largest size, times that many; with > where the cost was still growing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.bench.rows.growth import NEAR, QUANTITIES, Quantity

BEGIN = "<!-- growth: begin; written by `python -m tests.tools.bench.slopes` -->"
END = "<!-- growth: end -->"
COMPUTED = (100_000_000, 1_000_000_000)
BY_KEY = {one.key: one for one in [*QUANTITIES, *NEAR]}
SCALES = {
    "bytes": [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")],
    "s": [(3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")],
    "rows": [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A quantity at the sizes of one run: the cost of a chunk (or a call) by size."""

    quantity: Quantity
    dimensions: int
    costs: dict[int, float]
    totals: dict[int, float]

    @property
    def series(self) -> tuple[int, tuple[int, ...]]:
        """Dimensions and sizes: slopes with equal ones share a table."""
        return self.dimensions, tuple(self.costs)

    @property
    def ratio(self) -> float:
        """The cost at the largest size over that at the smallest."""
        least, *_, most = self.costs.values()
        return most / least

    def computed(self, n: int) -> float:
        """The computed cost of `n` chunks."""
        return self.quantity.total(list(self.costs.values())[-1], n)


def read(files: Iterable[Path]) -> list[Slope]:
    """The slopes of all files, in the order of the quantities."""
    found: dict[tuple[str, int], Slope] = {}
    for file in files:
        for row in json.loads(file.read_text())["rows"]:
            if row["detail"].get("quantity") not in BY_KEY:
                continue  # another row, or a quantity of another version
            slope = _slope(row["detail"])
            if len(set(slope.totals.values())) == 1:
                continue  # no growth
            key = (slope.quantity.key, slope.dimensions)
            if key not in found or max(found[key].costs) < max(slope.costs):
                found[key] = slope
    order = list(BY_KEY)
    return sorted(found.values(), key=lambda s: (-s.dimensions, order.index(s.quantity.key)))


def _slope(detail: dict[str, Any]) -> Slope:
    return Slope(
        quantity=BY_KEY[detail["quantity"]],
        dimensions=detail["dimensions"],
        costs={int(n): cost for n, cost in detail["costs"].items()},
        totals={int(n): total for n, total in detail["totals"].items()},
    )


def amount(value: float, unit: str) -> str:
    """Three digits and a unit: 4146 bytes are 4.15 kB, 5400 s are 1.5 h."""
    for scale, name in SCALES[unit]:
        if abs(value) >= 0.9995 * scale or name in {"B", "µs", ""}:
            return f"{value / scale:.3g} {name}".strip()
    raise AssertionError(unit)


def markdown(slopes: Sequence[Slope]) -> str:
    """A table for each series of sizes."""
    parts = []
    for series in dict.fromkeys(slope.series for slope in slopes):
        dimensions, sizes = series
        heads = [f"{_number(n)}" for n in sizes]
        lines = [
            f"{dimensions} dimensions, measured at {', '.join(heads)} chunks:",
            "",
            f"| a chunk | {' | '.join(heads)} | ratio |"
            + "".join(f" {_number(n)}, computed |" for n in COMPUTED),
            "|---" * (len(heads) + 2 + len(COMPUTED)) + "|",
        ]
        lines += [_line(slope) for slope in slopes if slope.series == series]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(slope: Slope) -> str:
    unit, law = slope.quantity.unit, slope.quantity.law
    shown = {
        n: slope.totals[n] / n if law == "n log n" else cost for n, cost in slope.costs.items()
    }
    cells = [slope.quantity.what, *(amount(each, unit) for each in shown.values())]
    cells += [f"{slope.ratio:.2f}"]
    more = "> " if slope.ratio > slope.quantity.goal else ""
    cells += ["–" if law == "1" else more + amount(slope.computed(n), unit) for n in COMPUTED]
    return f"| {' | '.join(cells)} |"


def _number(n: int) -> str:
    for scale, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= scale:
            return f"{n / scale:g} {name}"
    return str(n)


def put_into(page: str, tables: str) -> str:
    """`page` with `tables` between its markers.

    Raises: ValueError where a marker is missing.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{head}{BEGIN}\n\n{tables}\n{END}{tail}"


def main() -> int:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    tables = markdown(read(arguments.files))
    if arguments.page:
        arguments.page.write_text(put_into(arguments.page.read_text(), tables))
    else:
        sys.stdout.write(tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
