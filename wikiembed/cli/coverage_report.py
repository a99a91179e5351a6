"""Progress of the embedding, as `worker --drain`, `backfill` and `demo` show it."""

from __future__ import annotations

from collections.abc import Sequence

from wikiembed.cli.progress import Reporter
from wikiembed.control.standing import of_all, time_left
from wikiembed.pipeline.stats import Stats
from wikiembed.store.coverage import Coverage
from wikiembed.words import by_class, count, roughly

LEAST_BATCHES = 4
"""Fewer give no rate: the first ones load the model and probe the server's limits."""


def report(
    reporter: Reporter,
    rows: Sequence[Coverage],
    *,
    stats: Stats | None = None,
    outage_s: float = 0,
    most: int | None = None,
) -> None:
    """Report the sum of `rows`, and the `stats` of this process.

    While documents wait to be split, the total of chunks is not final: the bar and the time left
    take those into account that they will add. `outage_s`: how long a server has been out of reach.
    `most`: the process ends after that many chunks, and the bar with it.
    """
    embedded = sum(r.embedded for r in rows)
    missing = sum(r.missing - r.held_back for r in rows)
    failed = sum(r.failed for r in rows)
    rate = float(sum(r.chunks_per_s for r in rows))
    waits = of_all(rows, [outage_s] if outage_s > 0 else [])
    too_few = stats is not None and stats.batches < LEAST_BATCHES
    known_growth = [r.growth for r in rows if r.growth is not None]
    growth = sum(known_growth) if len(known_growth) == len(rows) else None
    waiting = sum(r.documents_waiting for r in rows)
    grows = growth
    if most is not None:
        here = max(0, most - (stats.chunks if stats is not None else 0))
        missing = min(missing, here + failed)
        room = here + failed - missing
        grows = room if growth is None else min(growth, room)
        waiting = min(waiting, grows)
    left, eta_s = missing - failed + waiting, None
    if left <= 0:
        eta_s = 0.0
    elif grows is not None and rate > 0 and waits is None and not too_few:
        eta_s = (max(0, missing - failed) + grows) / rate
    known = by_class(stats.failed) if stats is not None else ""
    notes = [
        "" if waits else f"{roughly(rate)}/s",
        time_left(left=left, eta_s=eta_s, waits=waits),
        known or (f"{failed:,} failed" if failed else ""),
        *_failed_documents(rows),
    ]
    reporter.update(
        embedded,
        embedded + missing,
        growth=grows if waiting else 0,
        parts=_documents(rows) if waiting else (),
        note=" · ".join(filter(None, notes)),
        batches=stats.batches if stats is not None else 0,
        missing=missing,
        failed=failed,
        chunks_per_s=rate,
        eta_s=None if eta_s is None else round(eta_s),
        **({"waits_for": waits} if waits else {}),
        **_fields(rows, growth),
    )


def _documents(rows: Sequence[Coverage]) -> tuple[int, int]:
    """Documents that are split, and all of them."""
    known = [r.documents for r in rows if r.documents is not None]
    return sum(d.split for d in known), sum(d.total for d in known)


def _failed_documents(rows: Sequence[Coverage]) -> list[str]:
    failed = sum(r.documents.failed for r in rows if r.documents is not None)
    return [f"{count(failed, 'document')} failed"] if failed else []


def _fields(rows: Sequence[Coverage], growth: int | None) -> dict[str, object]:
    """Counts of documents for a JSON line; none when no source has documents."""
    known = [r.documents for r in rows if r.documents is not None]
    if not known:
        return {}
    chunks = sum(r.total - r.skipped for r in rows)
    split, total = _documents(rows)
    return {
        "documents": total,
        "documents_split": split,
        "documents_waiting": sum(d.waiting for d in known),
        "documents_failed": sum(d.failed for d in known),
        "chunks_expected": None if growth is None else chunks + growth,
    }
