"""What a source waits for, and the time left if it waits for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from wikiembed.store.coverage import Coverage
from wikiembed.store.outages import Outage
from wikiembed.times import about

Wait = Literal["resume", "server"]
RATE_WINDOW_S = 60.0
"""View coverage's `chunks_per_s` is of the last minute: it lags behind the work by as much."""


def is_held_up(rate: float, outages_s: Sequence[float]) -> bool:
    """Whether outages of these durations block the work that was embedded at `rate` lately.

    If chunks are still embedded, an outage older than the rate's minute is of another server.
    """
    return bool(outages_s) and (rate <= 0 or min(outages_s) <= RATE_WINDOW_S)


def waits_for(row: Coverage, outages_s: Sequence[float]) -> Wait | None:
    """What blocks the rest of a source: a pause, or a server out of reach.

    None: nothing, or nothing is left to embed. `outages_s`: durations of the current outages.
    """
    if row.missing <= row.failed and not row.documents_waiting:
        return None
    if row.paused:
        return "resume"
    return "server" if is_held_up(float(row.chunks_per_s), outages_s) else None


def of_all(rows: Sequence[Coverage], outages_s: Sequence[float]) -> Wait | None:
    """What all of `rows` wait for; None if one of them is not blocked."""
    open_rows = [row for row in rows if row.missing > row.failed or row.documents_waiting]
    if not open_rows:
        return None
    if all(row.paused for row in open_rows):
        return "resume"
    rate = float(sum(row.chunks_per_s for row in open_rows))
    return "server" if is_held_up(rate, outages_s) else None


def present_s(outages: Sequence[Outage]) -> list[float]:
    """The duration of each outage that a worker still reports, and in which no server answers."""
    return [o.lasted_s for o in outages if not (o.stale or o.partial)]


def time_left(*, left: int, eta_s: float | None, waits: Wait | None) -> str:
    """``3 h 20 min left``, or why there is no estimate; empty when nothing is left."""
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
    """`time_left` of a source's row in `overview`."""
    return time_left(
        left=row["missing"] - row["failed"] + row.get("documents_waiting", 0),
        eta_s=row["eta_s"],
        waits=row.get("waits_for"),
    )
