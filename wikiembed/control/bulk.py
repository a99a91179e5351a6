"""Retry and skip failures by a filter, a bounded number at a time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.control import actions
from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]
BATCH = 1000
"""Failures per transaction."""
MOST_PREVIEWED = 1_000_000
"""A preview counts up to this many."""

# `last_at` ends with the preview: what fails again afterwards is not taken a second time.
_MATCHING = """
select f.key from wikiembed.failures as f
 where f.source = %(source)s and f.state = 'failed' and f.last_at <= %(until)s
   and (%(class)s::text is null or f.error_class = %(class)s) and f.key > %(after)s
 order by f.key limit %(most)s
"""
_MATCHING_DOCUMENTS = """
select f.key from wikiembed.document_failures as f
 where f.source = %(source)s and f.last_at <= %(until)s
   and (%(class)s::text is null or f.error_class = %(class)s) and f.key > %(after)s
 order by f.key limit %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Failures of `source`, of one class if given, that were recorded at `until` or before."""

    source: str
    error_class: str | None
    until: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The numbers of failed chunks and documents that a filter selects."""

    chunks: int
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did: chunks and documents; `held` by another transaction; and what is left."""

    chunks: int
    documents: int
    held: int
    left: Preview


def present(connection: Connection) -> dt.datetime:
    """The time by the clock of Postgres, which recorded the failures."""
    with translate_errors():
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a select without a table
    at: dt.datetime = row[0]
    return at


def preview(connection: Connection, chosen: Filter) -> Preview:
    """Count what `chosen` selects.

    Raises: SourceNotFound, InvalidArgument for an unknown class.
    """
    actions.names(connection, chosen.source)
    actions.error_class(connection, chosen.error_class)
    return Preview(
        chunks=_count(connection, _MATCHING, chosen),
        documents=_count(connection, _MATCHING_DOCUMENTS, chosen),
    )


def retry(
    connection: Connection,
    chosen: Filter,
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Round:
    """Queue the failures that `chosen` selects again, in batches, for about `seconds`."""
    actions.error_class(connection, chosen.error_class)
    chunks = documents = held = 0
    until = clock() + seconds
    for query in (_MATCHING, _MATCHING_DOCUMENTS):
        for keys in _batches(connection, query, chosen):
            done = actions.retry(
                connection, chosen.source, keys=keys, error_class=chosen.error_class
            )
            chunks, held = chunks + done.chunks, held + done.held
            documents += done.documents
            if clock() >= until:
                break
    left = preview(connection, chosen)
    return Round(chunks=chunks, documents=documents, held=held, left=left)


def skip(
    connection: Connection,
    chosen: Filter,
    *,
    why: str,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Round:
    """Skip the failed chunks that `chosen` selects, in batches, for about `seconds`.

    Documents are not skipped. Raises: LockNotAvailable.
    """
    actions.error_class(connection, chosen.error_class)
    chunks = 0
    until = clock() + seconds
    for keys in _batches(connection, _MATCHING, chosen):
        chunks += actions.skip(connection, chosen.source, keys, why=why)
        if clock() >= until:
            break
    left = Preview(chunks=_count(connection, _MATCHING, chosen), documents=0)
    return Round(chunks=chunks, documents=0, held=0, left=left)


def _batches(connection: Connection, query: str, chosen: Filter) -> Iterator[list[str]]:
    """Keys in order; each key once, also if its failure stays."""
    after = ""
    while keys := _keys(connection, query, chosen, after=after):
        yield keys
        after = keys[-1]


def _keys(connection: Connection, query: str, chosen: Filter, *, after: str) -> list[str]:
    given = _given(chosen) | {"after": after, "most": BATCH}
    with translate_errors():
        return [row[0] for row in connection.execute(query.encode(), given).fetchall()]


def _count(connection: Connection, query: str, chosen: Filter) -> int:
    given = _given(chosen) | {"after": "", "most": MOST_PREVIEWED}
    with translate_errors():
        counted = f"select count(*) from ({query}) as f"  # noqa: S608 - a query of ours
        row = connection.execute(counted.encode(), given).fetchone()
    return int(row[0]) if row is not None else 0


def _given(chosen: Filter) -> dict[str, object]:
    return {"source": chosen.source, "class": chosen.error_class, "until": chosen.until}
