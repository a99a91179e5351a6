"""Compare the output that a page shows with the printed one, ignoring what varies."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIES = (
    (
        r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
        r"(?: ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?))?)?",
        "TIME",
    ),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    (r"\b[Ss]chema version \d{4}\b", "schema version N"),
    (r"\bpid \d+\b", "pid N"),
    (r"\b\d[\d,]*(?:\.\d+)? ?(?:ms|s|min|h|d)\b", "DURATION"),
    (r"\b\d[\d,]*(?:\.\d+)?(?= (?:chunks|pages|texts|MB|kB)(?:/s)?\b)(?=\s\w+/s)", "RATE"),
    (r"\b\d[\d,]*(?:\.\d+)?(?= (?:MB|kB|GB)\b)", "SIZE"),
    (r"(?<![\d.])\d[\d,]*\.\d+(?![\d.]| ?%)", "NUMBER"),
    (r"─+", "─"),
)
"""Times, schema versions, durations, rates, sizes, fractions that are no percentage, rules."""
_PATTERNS = [(re.compile(pattern), word) for pattern, word in _VARIES]
# A bar whose end depends on the duration, a spinner, and an event of a worker.
_IS_FLEETING = re.compile(r"[━╸╺⠁-⣿]|^\d{4}-\d\d-\d\d \S+ [a-z_]+ \w+=").search
ELISION = "…"
"""A line of its own that stands for any number of lines."""


def normalise(line: str) -> str:
    """`line` without the parts that vary per run, and without repeated blanks."""
    for pattern, word in _PATTERNS:
        line = pattern.sub(word, line)
    return " ".join(line.split())


def lines_of(text: str) -> list[str]:
    """The relevant lines of `text`, normalised: no blank ones, no bars, no events."""
    return [
        normalise(line) for line in text.splitlines() if line.strip() and not _IS_FLEETING(line)
    ]


def is_shown(shown: str, printed: str, *, varies: bool = False) -> bool:
    """True if `printed` matches `shown` line by line; … stands for omitted lines.

    If the output `varies`, the first words of the lines are compared.
    """
    ours, theirs = lines_of(shown), lines_of(printed)
    if varies:
        ours, theirs = ([line.split()[0] for line in lines] for lines in (ours, theirs))
    return _matches(ours, theirs)


def _matches(shown: list[str], printed: list[str]) -> bool:
    if ELISION not in shown:
        return shown == printed
    first = shown.index(ELISION)
    if shown[:first] != printed[:first]:
        return False
    rest = shown[first + 1 :]
    return any(_matches(rest, printed[at:]) for at in range(first, len(printed) + 1))


def as_shown(printed: str, names: Mapping[str, str]) -> str:
    """`printed` with this run's names replaced by those of a reader's machine."""
    for actual in sorted(names, key=len, reverse=True):
        printed = printed.replace(actual, names[actual])
    return printed
