"""Progress of the embedding, as `worker --drain`, `backfill` and `demo` show it."""

from __future__ import annotations

from collections.abc import Sequence

from wikiembed.cli.progress import Reporter
from wikiembed.control.standing import of_all, time_left
from wikiembed.pipeline import Stats
from wikiembed.store import Coverage
from wikiembed.words import by_class, roughly

LEAST_BATCHES = 4
"""Fewer give no rate: the first ones load the model and probe the server's limits."""


def report(
    reporter: Reporter, rows: Sequence[Coverage], *, stats: Stats | None = None, outage_s: float = 0
) -> None:
    """Report the sum of `rows`, and the `stats` of this process.

    `outage_s`: how long a server has been out of reach.
    """
    embedded = sum(r.embedded for r in rows)
    missing = sum(r.missing - r.held_back for r in rows)
    failed = sum(r.failed for r in rows)
    rate = float(sum(r.chunks_per_s for r in rows))
    waits = of_all(rows, [outage_s] if outage_s > 0 else [])
    too_few = stats is not None and stats.batches < LEAST_BATCHES
    left, eta_s = missing - failed, None
    if left <= 0:
        eta_s = 0.0
    elif rate > 0 and waits is None and not too_few:
        eta_s = left / rate
    known = by_class(stats.failed) if stats is not None else ""
    notes = [
        "" if waits else f"{roughly(rate)}/s",
        time_left(left=left, eta_s=eta_s, waits=waits),
        known or (f"{failed:,} failed" if failed else ""),
    ]
    reporter.update(
        embedded,
        embedded + missing,
        note=" · ".join(filter(None, notes)),
        batches=stats.batches if stats is not None else 0,
        missing=missing,
        failed=failed,
        chunks_per_s=rate,
        eta_s=None if eta_s is None else round(eta_s),
        **({"waits_for": waits} if waits else {}),
    )
