"""Chunks that a backfill leaves without a vector although the queue is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed.command_line import command_line
from wikiembed.control import actions
from wikiembed.control.documents import documents
from wikiembed.store.coverage import Coverage
from wikiembed.words import by_class, count, listed, verb

MOST_SOURCES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Missing chunks of `source` that no job will embed: failed ones by class, and unqueued ones.

    Skipped chunks are not missing, and those that wait in a job were written after the queue
    was empty: the next worker embeds them.
    """

    source: str
    failed: dict[str, int]
    unqueued: int
    documents: int = 0
    """Documents that could not be split: they have no chunks, or those of an earlier text."""

    @property
    def chunks(self) -> int:
        """All of them."""
        return sum(self.failed.values()) + self.unqueued

    @property
    def phrase(self) -> str:
        """``20 rejected, 3 timeout, 2 not queued``."""
        parts = [by_class(self.failed)] if self.failed else []
        return ", ".join([*parts, f"{self.unqueued:,} not queued"] if self.unqueued else parts)

    @property
    def failures(self) -> int:
        """Chunks and documents that failed."""
        return sum(self.failed.values()) + self.documents


def shortfall(connection: psycopg.Connection[Any], row: Coverage, *, bounded: bool) -> Shortfall:
    """The shortfall of the source of `row`.

    `bounded`: the number to queue was limited, so unqueued chunks are not missing.
    Raises: psycopg.Error.
    """
    try:
        failed = actions.failed_by_class(connection, row.source)
    except pg.InsufficientPrivilege:  # may queue but not read failures: the view has their number
        failed = {"failed": row.failed} if row.failed else {}
    unqueued = 0
    if not bounded and row.missing > sum(failed.values()):
        unqueued = actions.enqueue(connection, row.source, dry_run=True).chunks
    return Shortfall(
        source=row.source,
        failed=failed,
        unqueued=unqueued,
        documents=sum(one.failed for one in documents(connection, row.source)),
    )


def sentence(found: Sequence[Shortfall]) -> str:
    """A sentence with the numbers of missing chunks, by source and class, and of documents."""
    short = [one for one in found if one.chunks or one.documents]
    total = sum(one.chunks for one in short)
    unsplit = sum(one.documents for one in short)
    parts = []
    if total:
        where = listed(
            (f"{one.source} {one.phrase}" for one in short if one.chunks),
            most=MOST_SOURCES,
            noun="source",
        )
        parts.append(f"{count(total, 'chunk')} {verb(total)} missing ({where})")
    if unsplit:
        parts.append(f"{count(unsplit, 'document')} could not be split")
    see = command_line("failures", *([short[0].source] if len(short) == 1 else []))
    return f"{', and '.join(parts)}: see `{see}`; --allow-failures exits with 0 anyway."
