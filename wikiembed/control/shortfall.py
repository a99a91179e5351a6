"""What a backfill leaves without a vector although the queue is dry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed.control import actions
from wikiembed.store import Coverage
from wikiembed.words import by_class, count, listed, verb

MOST_SOURCES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Missing chunks of `source` that nobody will embed: failed ones by class, and unqueued ones.

    Skipped chunks are not missing, and those that wait in a job were written after the queue
    was dry: whoever runs next embeds them.
    """

    source: str
    failed: dict[str, int]
    unqueued: int

    @property
    def chunks(self) -> int:
        """All of them."""
        return sum(self.failed.values()) + self.unqueued

    @property
    def phrase(self) -> str:
        """``20 rejected, 3 timeout, 2 in no job``."""
        parts = [by_class(self.failed)] if self.failed else []
        return ", ".join([*parts, f"{self.unqueued:,} in no job"] if self.unqueued else parts)


def shortfall(connection: psycopg.Connection[Any], row: Coverage, *, bounded: bool) -> Shortfall:
    """What the source of `row` is short of.

    `bounded`: only so many were to be queued, so that the others are not missing.
    Raises: psycopg.Error.
    """
    try:
        failed = actions.failed_by_class(connection, row.source)
    except pg.InsufficientPrivilege:  # may queue and not read failures: the view has their number
        failed = {"failed": row.failed} if row.failed else {}
    unqueued = 0
    if not bounded and row.missing > sum(failed.values()):
        unqueued = actions.enqueue(connection, row.source, dry_run=True).chunks
    return Shortfall(source=row.source, failed=failed, unqueued=unqueued)


def sentence(found: Sequence[Shortfall]) -> str:
    """One sentence that says how many chunks are missing, by source and class."""
    short = [one for one in found if one.chunks]
    total = sum(one.chunks for one in short)
    where = listed(
        (f"{one.source} {one.phrase}" for one in short), most=MOST_SOURCES, noun="source"
    )
    see = f"wikiembed failures {short[0].source}" if len(short) == 1 else "wikiembed failures"
    return (
        f"{count(total, 'chunk')} {verb(total)} missing ({where}): see `{see}`;"
        " --allow-failures exits with 0 all the same."
    )
