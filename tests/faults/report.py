"""What a fault cost, as one row a test: printed, and written where it is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

PATH = "WIKIEMBED_FAULT_REPORT"
LONG = os.environ.get("WIKIEMBED_FAULTS") == "long"
"""Whether the long forms run; the short ones are for CI."""


class Report(Protocol):
    """Says what a fault cost; numbers are of chunks, `tried` of faults, `seconds` to recover."""

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
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report; `repeated` is the texts that were embedded more than once."""

    fault: str
    tried: int
    chunks: int
    lost: int
    stale: int
    repeated: int
    seconds: float | None = None


def reporter(say: Callable[[str], object] = print) -> Report:
    """A `Report` that prints each row, and appends it as JSON to the file that is asked for."""

    def report(
        fault: str,
        *,
        tried: int,
        chunks: int,
        lost: int,
        stale: int,
        repeated: int,
        seconds: float | None = None,
    ) -> None:
        line = json.dumps(
            asdict(
                Row(
                    fault=fault,
                    tried=tried,
                    chunks=chunks,
                    lost=lost,
                    stale=stale,
                    repeated=repeated,
                    seconds=None if seconds is None else round(seconds, 1),
                )
            )
        )
        say(line)
        if path := os.environ.get(PATH):
            # One short write each: pytest-xdist's workers share the file.
            with Path(path).open("a") as file:
                file.write(line + "\n")

    return report
