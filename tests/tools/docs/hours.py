"""The policy's table of hours, from the measured share of a server's speed that a worker uses.

`python -m tests.tools.docs.hours` writes it between its markers.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from tests.tools.docs.markdown import table
from tests.tools.docs.pages import DOCS, REFERENCE

POLICY = DOCS / "WIKI_EMBEDDINGS_POLICY.md"
BEGIN, END = "<!-- hours: begin -->", "<!-- hours: end -->"
SPEEDS = (5, 25, 100, 500, 2_000, 10_000)
"""Chunks a second that a server gives."""
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
_SHARE = re.compile(r"^\| share \| .+? \| (?P<share>[\d.]+) share \|", re.MULTILINE)


def measured_share() -> float:
    """The share of a server's speed that one worker used when it was measured."""
    found = _SHARE.search((REFERENCE / "performance.md").read_text())
    assert found is not None, "performance.md has no row `share`"
    return float(found["share"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The table's words in one language; `speeds` as in SPEEDS, `units` from days to seconds."""

    units: tuple[str, str, str, str]
    speeds: tuple[str, ...]
    heading: tuple[str, str]
    chunks: str


ENGLISH = Words(
    units=("days", "h", "min", "s"),
    speeds=(
        "a large model on a CPU",
        "a small transformer on a CPU",
        "a small GPU, or a CPU with many cores",
        "one GPU",
        "several GPUs, or a distant API",
        "static vectors, such as the local model",
    ),
    heading=("chunks/s", "such as"),
    chunks="chunks",
)
KOREAN = Words(
    units=("일", "시간", "분", "초"),
    speeds=(
        "CPU의 큰 모델",
        "CPU의 작은 트랜스포머 모델",
        "작은 GPU, 또는 코어가 많은 CPU",
        "GPU 한 장",
        "GPU 여러 장, 또는 원격 API",
        "로컬 모델과 같은 정적 벡터",
    ),
    heading=("초당 청크", "예"),
    chunks="청크",
)
PAGES = {POLICY: ENGLISH, DOCS / "ko" / POLICY.name: KOREAN}


def duration(seconds: float, words: Words = ENGLISH) -> str:
    """Seconds as a readable duration."""
    for unit, size in zip(words.units, (86_400, 3_600, 60), strict=False):
        if seconds >= 2 * size:
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 10 else f"{number:.1f} {unit}"
    return f"{seconds:.0f} {words.units[-1]}"


def hours_table(share: float, words: Words) -> str:
    """The table, with a line for each speed."""
    rows = (
        [f"{speed:,}", what, *(duration(size / (speed * share), words) for size in SIZES)]
        for speed, what in zip(SPEEDS, words.speeds, strict=True)
    )
    heading = [*words.heading, *(f"{size:,} {words.chunks}" for size in SIZES)]
    return "\n".join(table(heading, rows)).strip()


def with_hours(page: str, words: Words) -> str:
    """`page` with the table between its markers."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{hours_table(measured_share(), words)}\n\n{END}{tail}"


if __name__ == "__main__":
    for path, own in PAGES.items():
        path.write_text(with_hours(path.read_text(), own))
    sys.stdout.write(f"Share: {measured_share():g}.\n")
