"""A row of view wikiembed.coverage."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

COVERAGE = (
    "select source, total, embedded, missing, failed, skipped, coverage_pct, chunks_per_s,"
    " eta, paused, pause_reason, ready, held_back, unused from wikiembed.coverage"
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of one source in chunks; `eta` is the time left at the present rate.

    `coverage_pct` is None when there is nothing to embed. `unused`: the wiki's source, if nothing
    was ever embedded into it and other tables are attached.
    """

    source: str
    total: int
    embedded: int
    missing: int
    failed: int
    skipped: int
    coverage_pct: Decimal | None
    chunks_per_s: Decimal
    eta: dt.timedelta | None
    paused: bool
    pause_reason: str | None
    ready: bool
    held_back: int
    unused: bool

    def as_json(self) -> dict[str, object]:
        """Plain values, `eta_s` in seconds."""
        return {
            "source": self.source,
            "total": self.total,
            "embedded": self.embedded,
            "missing": self.missing,
            "failed": self.failed,
            "skipped": self.skipped,
            "coverage_pct": None if self.coverage_pct is None else float(self.coverage_pct),
            "chunks_per_s": float(self.chunks_per_s),
            "eta_s": None if self.eta is None else self.eta.total_seconds(),
            "paused": self.paused,
            "pause_reason": self.pause_reason,
            "ready": self.ready,
            "held_back": self.held_back,
            "unused": self.unused,
        }
