"""The real wiki export, not in the repository, that some tests and rows of the benchmark read."""

from __future__ import annotations

import os
from pathlib import Path

EXPORT = Path(
    os.environ.get("WIKIEMBED_TEST_EXPORT")
    or Path(__file__).parents[3] / "shared" / "data" / "enwiki-sample.xml.bz2"
)


def missing() -> str | None:
    """What to do to have it, in one sentence; None where it is there."""
    if EXPORT.is_file():
        return None
    return f"no export at {EXPORT}: set WIKIEMBED_TEST_EXPORT to a file"
