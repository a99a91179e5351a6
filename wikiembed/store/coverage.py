"""A row of view wikiembed.coverage."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of one source in chunks; `eta` is the time left at the present rate.

    `coverage_pct` is None when there is nothing to embed. `unused`: True for the wiki's source, if
    nothing was ever embedded into it and other tables are attached.
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
        """Plain values by column, in the view's order; `eta_s` is `eta` in seconds."""
        return dict(_plain(field.name, getattr(self, field.name)) for field in fields(self))


def _plain(name: str, value: object) -> tuple[str, object]:
    if name == "eta":
        return "eta_s", value.total_seconds() if isinstance(value, dt.timedelta) else None
    return name, float(value) if isinstance(value, Decimal) else value


_COLUMNS = ", ".join(field.name for field in fields(Coverage))
COVERAGE = f"select {_COLUMNS} from wikiembed.coverage"  # noqa: S608 - names of fields
"""The fields are the view's columns, by name."""
