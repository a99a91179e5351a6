"""What became of one key of a write."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Outcome for one key of a write or of recording a failure."""

    WRITTEN = "written"
    RECORDED = "recorded"
    STALE = "stale"
    LOCKED = "locked"
    GONE = "gone"
