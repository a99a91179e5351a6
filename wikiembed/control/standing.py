"""What a source waits for, and how long it takes while it waits for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from wikiembed.store import Coverage, Outage
from wikiembed.times import about

Wait = Literal["resume", "server"]
RATE_WINDOW_S = 60.0
"""View coverage's `chunks_per_s` is that of the last minute: it outlives the work by as much."""


def is_held_up(rate: float, outages_s: Sequence[float]) -> bool:
    """Whether outages that last so many seconds hold up what was embedded at `rate` lately.

    An older outage than the rate's minute is that of another server where chunks still come.
    """
    return bool(outages_s) and (rate <= 0 or min(outages_s) <= RATE_WINDOW_S)


def waits_for(row: Coverage, outages_s: Sequence[float]) -> Wait | None:
    """What keeps the rest of a source from being embedded: a pause, or a server out of reach.

    None: nothing, or nothing is left to embed. `outages_s`: how long the present outages last.
    """
    if row.missing <= row.failed:
        return None
    if row.paused:
        return "resume"
    return "server" if is_held_up(float(row.chunks_per_s), outages_s) else None


def of_all(rows: Sequence[Coverage], outages_s: Sequence[float]) -> Wait | None:
    """What `rows` wait for together: None while one of them goes on."""
    open_rows = [row for row in rows if row.missing > row.failed]
    if not open_rows:
        return None
    if all(row.paused for row in open_rows):
        return "resume"
    rate = float(sum(row.chunks_per_s for row in open_rows))
    return "server" if is_held_up(rate, outages_s) else None


def present_s(outages: Sequence[Outage]) -> list[float]:
    """How long each outage lasts that a worker still reports."""
    return [outage.lasted_s for outage in outages if not outage.stale]


def time_left(*, left: int, eta_s: float | None, waits: Wait | None) -> str:
    """``3 h 20 min left``, or why nobody can tell; empty when nothing is left."""
    if left <= 0:
        return ""
    match waits:
        case "resume":
            return "paused"
        case "server":
            return "waiting for the server"
        case None:
            return "no estimate yet" if not eta_s else f"{about(eta_s)} left"


def time_left_of(row: Mapping[str, Any]) -> str:
    """The same of a source as `overview` tells of it."""
    return time_left(
        left=row["missing"] - row["failed"], eta_s=row["eta_s"], waits=row.get("waits_for")
    )
