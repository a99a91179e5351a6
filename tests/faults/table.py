"""``python -m tests.faults.table rows.jsonl``: the table of docs/reference/reliability.md."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.faults.report import Row, read_rows
from tests.tools.docs.markdown import table

HEADINGS = [
    "fault", "times", "chunks", "lost", "stale", "repeated", "÷ texts", "seconds", "command",
]  # fmt: skip


def function_of(row: Row) -> str:
    """The row's test without its case: ``tests/faults/test_NAME.py::test_name``."""
    return row.node.partition("[")[0]


def command_of(rows: Iterable[Row]) -> str:
    """The command that repeats these rows' tests: one case, or the test with all its cases."""
    rows = list(rows)
    nodes = {row.node for row in rows}
    form = "WIKIEMBED_FAULTS=long " if rows[0].long else ""
    target = nodes.pop() if len(nodes) == 1 else function_of(rows[0])
    return f"{form}pytest '{target}'" if "[" in target else f"{form}pytest {target}"


def cells_of(fault: str, rows: list[Row]) -> list[str]:
    """One line of the table: counts are summed, seconds are minimum and maximum."""
    texts, repeated = sum(row.texts for row in rows), sum(row.repeated for row in rows)
    seconds = sorted(row.seconds for row in rows if row.seconds is not None)
    ends = dict.fromkeys(f"{s:.1f}" for s in (seconds[:1] + seconds[-1:]))
    return [
        fault,
        *(f"{sum(numbers):,}" for numbers in zip(*map(_counts, rows), strict=True)),
        f"{repeated:,}",
        f"{repeated / texts:.3f}" if texts else "–",
        " to ".join(ends) or "–",
        f"`{command_of(rows)}`",
    ]


def _counts(row: Row) -> tuple[int, int, int, int]:
    return (row.tried, row.chunks, row.lost, row.stale)


def markdown(rows: Iterable[Row]) -> str:
    """The table, one line per fault of a test function, sorted by test name."""
    groups: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[function_of(row), row.fault].append(row)
    return "\n".join(
        table(HEADINGS, [cells_of(fault, groups[test, fault]) for test, fault in sorted(groups)])
    )


if __name__ == "__main__":
    sys.stdout.write(markdown(read_rows(Path(sys.argv[1]))))
