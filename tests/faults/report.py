"""The cost of a fault, one row per test: printed, and appended to a file if configured."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from tests.support.long_form import LONG

PATH = "WIKIEMBED_FAULT_REPORT"


class Report(Protocol):
    """Reports the cost of a fault; `tried` is the number of times that it occurred.

    `chunks` are in the table at the end, `texts` were sent (none: one per chunk), `repeated`
    of them were embedded more than once; `seconds` is the time to recover, if any.
    """

    def __call__(
        self,
        fault: str,
        *,
        tried: int,
        chunks: int,
        lost: int,
        stale: int,
        repeated: int,
        seconds: float | None = None,
        texts: int | None = None,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report, of the test `node`: ``tests/faults/test_NAME.py::test_name[case]``.

    `long` is its form; `wasted` is `repeated` ÷ `texts`.
    """

    fault: str
    node: str
    long: bool
    tried: int
    chunks: int
    texts: int
    lost: int
    stale: int
    repeated: int
    wasted: float
    seconds: float | None


def present_test() -> str:
    """The node of the running test; empty outside of pytest."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def reporter(say: Callable[[str], object] = print) -> Report:
    """A `Report` that prints each row, and appends it as JSON to the configured file."""

    def report(
        fault: str,
        *,
        tried: int,
        chunks: int,
        lost: int,
        stale: int,
        repeated: int,
        seconds: float | None = None,
        texts: int | None = None,
    ) -> None:
        sent = chunks if texts is None else texts
        row = Row(
            fault=fault,
            node=present_test(),
            long=LONG,
            tried=tried,
            chunks=chunks,
            texts=sent,
            lost=lost,
            stale=stale,
            repeated=repeated,
            wasted=round(repeated / sent, 4) if sent else 0.0,
            seconds=None if seconds is None else round(seconds, 2),
        )
        line = json.dumps(asdict(row))
        say(line)
        if path := os.environ.get(PATH):
            # One short write each: pytest-xdist's workers share the file.
            with Path(path).open("a") as file:
                file.write(line + "\n")

    return report


def read_rows(path: Path) -> list[Row]:
    """The rows that a run wrote."""
    return [Row(**json.loads(line)) for line in path.read_text().splitlines() if line]
