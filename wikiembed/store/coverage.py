"""Rows of the views wikiembed.coverage and wikiembed.documents."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """Counts of one source in documents; `chunks` are those of the documents that are split."""

    source: str
    total: int
    split: int
    waiting: int
    failed: int
    chunks: int


DOCUMENT_COUNTS = "select source, total, split, waiting, failed, chunks from wikiembed.documents"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of one source in chunks; `eta` is the time left at the present rate.

    `coverage_pct` is None when there is nothing to embed. `unused`: True for the wiki's source, if
    nothing was ever embedded into it and other tables are attached. `documents`, if it was read:
    those from which its chunks are split.
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
    documents: DocumentCounts | None = None

    @property
    def documents_waiting(self) -> int:
        """Documents that wait to be split."""
        return 0 if self.documents is None else self.documents.waiting

    @property
    def growth(self) -> int | None:
        """Chunks that documents which wait will add, by the mean of those that are split.

        None: not known, before the first is split.
        """
        of = self.documents
        if of is None or not of.waiting:
            return 0
        if not of.split:
            return None
        # Chunks beyond those of split documents are of edited ones, which mostly keep them.
        expected = of.chunks + round(of.chunks / of.split * of.waiting)
        return max(0, expected - self.total)

    @property
    def left(self) -> int | None:
        """Chunks to embed before the source is ready, but for failed and held back ones."""
        if self.growth is None:
            return None
        return max(0, self.missing - self.failed - self.held_back) + self.growth

    def as_json(self) -> dict[str, object]:
        """Plain values by column, in the view's order; `eta_s` is `eta` in seconds."""
        return dict(_plain(name, getattr(self, name)) for name in _NAMES)


def _plain(name: str, value: object) -> tuple[str, object]:
    if name == "eta":
        return "eta_s", value.total_seconds() if isinstance(value, dt.timedelta) else None
    return name, float(value) if isinstance(value, Decimal) else value


_NAMES = [field.name for field in fields(Coverage) if field.name != "documents"]
COVERAGE = f"select {', '.join(_NAMES)} from wikiembed.coverage"  # noqa: S608 - names of fields
"""The fields are the view's columns, by name."""
