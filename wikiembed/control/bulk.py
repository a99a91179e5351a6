"""Retry and skip failures by a filter, a bounded number at a time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control import actions
from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]
BATCH = 1000
"""Failures per transaction."""
MOST_PREVIEWED = 1_000_000
"""A preview counts up to this many."""
MOST_LISTED = 10_000
"""Of more failures than this, the latest of the first in key order are listed."""

_MATCHING = """
select k from wikiembed.find_failures(
         %(source)s, p_error_class => %(error_class)s, p_server => %(server)s,
         p_message => %(text)s, p_document => %(document)s, p_since => %(since)s::timestamptz,
         p_until => %(until)s::timestamptz, p_documents => %(documents)s, p_after => %(after)s,
         p_most => %(most)s) as k
"""
_LATEST = """
select f.source, f.key, f.error_class, f.http_status, f.message, f.attempts, f.last_at,
       f.document
  from (select source, key, error_class, http_status, message, attempts, last_at, false as document
          from wikiembed.failures where source = %(source)s and key = any (%(chunks)s)
         union all
        select source, key, error_class, null, message, attempts, last_at, true
          from wikiembed.document_failures
         where source = %(source)s and key = any (%(of_documents)s)) as f
 order by f.last_at desc, f.key limit %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Failures of `source` that were recorded at `until` or before, and all else that is given.

    `until` is at most the time of the preview: what fails again afterwards is not taken a second
    time. `server`: an address that the message names; `text`: a part of the message;
    `document`: the key of a document; see wikiembed.find_failures.
    """

    source: str
    until: dt.datetime
    since: dt.datetime | None = None
    error_class: str | None = None
    server: str | None = None
    text: str | None = None
    document: str | None = None


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
        chunks=_count(connection, chosen, documents=False),
        documents=_count(connection, chosen, documents=True),
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
    for of_documents in (False, True):
        for keys in _batches(connection, chosen, documents=of_documents):
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
    for keys in _batches(connection, chosen, documents=False):
        chunks += actions.skip(connection, chosen.source, keys, why=why)
        if clock() >= until:
            break
    left = Preview(chunks=_count(connection, chosen, documents=False), documents=0)
    return Round(chunks=chunks, documents=0, held=0, left=left)


def latest(connection: Connection, chosen: Filter, *, limit: int) -> list[dict[str, Any]]:
    """The latest of the failures that `chosen` selects, the newest first."""
    given = {
        "source": chosen.source,
        "chunks": _keys(connection, chosen, documents=False, most=MOST_LISTED),
        "of_documents": _keys(connection, chosen, documents=True, most=MOST_LISTED),
        "limit": limit,
    }
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LATEST, given).fetchall()


def _batches(connection: Connection, chosen: Filter, *, documents: bool) -> Iterator[list[str]]:
    """Keys in order; each key once, also if its failure stays."""
    after = ""
    while keys := _keys(connection, chosen, documents=documents, after=after):
        yield keys
        after = keys[-1]


def _keys(
    connection: Connection,
    chosen: Filter,
    *,
    documents: bool,
    after: str = "",
    most: int | None = None,
) -> list[str]:
    given = asdict(chosen) | {"documents": documents, "after": after, "most": most or BATCH}
    with translate_errors():
        return [row[0] for row in connection.execute(_MATCHING, given).fetchall()]


def _count(connection: Connection, chosen: Filter, *, documents: bool) -> int:
    given = asdict(chosen) | {"documents": documents, "after": "", "most": MOST_PREVIEWED}
    with translate_errors():
        counted = f"select count(*) from ({_MATCHING}) as f"  # noqa: S608 - a query of ours
        row = connection.execute(counted.encode(), given).fetchone()
    return int(row[0]) if row is not None else 0
