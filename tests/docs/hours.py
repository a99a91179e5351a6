"""The policy's table of hours, from the measured share of a server's speed that a worker uses.

`python -m tests.docs.hours` writes it between its markers.
"""

from __future__ import annotations

import re
import sys

from tests.docs.markdown import table
from tests.docs.pages import DOCS, REFERENCE

POLICY = DOCS / "WIKI_EMBEDDINGS_POLICY.md"
BEGIN, END = "<!-- hours: begin -->", "<!-- hours: end -->"
SPEEDS = {
    5: "a large model on a CPU",
    25: "a small transformer on a CPU",
    100: "a small GPU, or a CPU with many cores",
    500: "one GPU",
    2_000: "several GPUs, or a distant API",
    10_000: "static vectors, such as the local model",
}
"""Chunks a second that a server gives, and what such a server may be."""
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
_SHARE = re.compile(r"^\| share \| .+? \| (?P<share>[\d.]+) share \|", re.MULTILINE)


def measured_share() -> float:
    """The share of a server's speed that one worker used when it was measured."""
    found = _SHARE.search((REFERENCE / "performance.md").read_text())
    assert found is not None, "performance.md has no row `share`"
    return float(found["share"])


def duration(seconds: float) -> str:
    """Seconds as an operator says them."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 10 else f"{number:.1f} {unit}"
    return f"{seconds:.0f} s"


def hours_table(share: float) -> str:
    """The table, with a line for each speed."""
    rows = (
        [f"{speed:,}", what, *(duration(size / (speed * share)) for size in SIZES)]
        for speed, what in SPEEDS.items()
    )
    heading = ["chunks/s", "such as", *(f"{size:,} chunks" for size in SIZES)]
    return "\n".join(table(heading, rows)).strip()


def with_hours(page: str) -> str:
    """`page` with the table between its markers."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{hours_table(measured_share())}\n\n{END}{tail}"


if __name__ == "__main__":
    for path in (POLICY, DOCS / "ko" / POLICY.name):
        if path.is_file():
            path.write_text(with_hours(path.read_text()))
    sys.stdout.write(f"Share: {measured_share():g}.\n")
