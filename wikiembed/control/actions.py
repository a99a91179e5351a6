"""Enqueue, pause, resume, retry, skip, reconcile, ready: a call per SQL function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.db.connect import translate_errors
from wikiembed.error_class import ErrorClass
from wikiembed.errors import InvalidArgument, SourceNotFound
from wikiembed.names import unknown
from wikiembed.store import COVERAGE, Coverage

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The number of jobs and chunks that were queued, or would be."""

    source: str
    jobs: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Retried:
    """The number of jobs and chunks queued again, and of failures held by another transaction."""

    source: str
    jobs: int
    chunks: int
    held: int


def _one(connection: Connection, statement: str, parameters: Sequence[object]) -> tuple[Any, ...]:
    """Call a function whose first parameter is the source."""
    try:
        with translate_errors():
            row = connection.execute(statement, parameters).fetchone()
    except SourceNotFound:
        names(connection, str(parameters[0]))  # raises with the nearest name
        raise
    return row if row is not None else ()


def names(connection: Connection, source: str | None) -> list[str]:
    """The names of the sources: `source` alone, or all if None.

    Raises: SourceNotFound.
    """
    with translate_errors():
        rows = connection.execute(
            "select name from wikiembed.sources where %s::text is null or name = %s order by name",
            (source, source),
        ).fetchall()
    if source is not None and not rows:
        raise SourceNotFound(
            unknown("source", source, names(connection, None), see="`wikiembed sources`")
        )
    return [row[0] for row in rows]


def error_class(connection: Connection, name: str | None) -> str | None:
    """Validate `name` as an error class: one of `ErrorClass`, or one found in failures.

    Raises: InvalidArgument when there is no such class.
    """
    if name is None or name in set(ErrorClass):
        return name
    # Another version of wikiembed, or an operator's own SQL, may have written others.
    with translate_errors():
        found = connection.execute("select distinct error_class from wikiembed.failures").fetchall()
    known = {*ErrorClass, *(row[0] for row in found)}
    if name not in known:
        raise InvalidArgument(unknown("error class", name, known))
    return name


def enqueue(
    connection: Connection,
    source: str,
    *,
    max_chunks: int | None = None,
    batch_size: int | None = None,
    dry_run: bool = False,
) -> Enqueued:
    """Queue every missing chunk of `source` that is in no job and no failure.

    Raises: SourceNotFound, InvalidArgument.
    """
    jobs, chunks = _one(
        connection,
        "select jobs, chunks from wikiembed.enqueue(%s, %s::bigint, %s::int, %s)",
        (source, max_chunks, batch_size, dry_run),
    )
    return Enqueued(source, jobs, chunks)


def enqueue_all(
    connection: Connection,
    source: str | None,
    *,
    max_chunks: int | None,
    batch_size: int | None,
    dry_run: bool,
) -> list[Enqueued]:
    """Queue the missing chunks of one source or all; `max_chunks` limits their sum.

    Raises: SourceNotFound.
    """
    done: list[Enqueued] = []
    for name in names(connection, source):
        left = None if max_chunks is None else max_chunks - sum(d.chunks for d in done)
        done.append(
            enqueue(connection, name, max_chunks=left, batch_size=batch_size, dry_run=dry_run)
        )
    return done


def pause(
    connection: Connection, source: str | None, *, why: str | None, until: dt.datetime | None
) -> int:
    """Pause one source or all; returns the number of sources.

    Raises: SourceNotFound, InvalidArgument.
    """
    return int(_one(connection, "select wikiembed.pause(%s, %s, %s)", (source, why, until))[0])


def resume(connection: Connection, source: str | None) -> int:
    """Resume one source or all; returns the number that were paused.

    Raises: SourceNotFound.
    """
    return int(_one(connection, "select wikiembed.resume(%s)", (source,))[0])


def retry(
    connection: Connection, source: str, *, keys: Sequence[str] | None, error_class: str | None
) -> Retried:
    """Queue failed chunks again: all, some keys or one class; held ones are left and counted.

    Raises: SourceNotFound.
    """
    jobs, chunks, held = _one(
        connection,
        "select jobs, chunks, held from wikiembed.retry_failures(%s, %s::text[], %s)",
        (source, list(keys) if keys else None, error_class),
    )
    return Retried(source, jobs, chunks, held)


def skip(connection: Connection, source: str, keys: Sequence[str], *, why: str | None) -> int:
    """Mark missing chunks as skipped, all of `keys` or none; returns their number.

    Those that do not exist or have a vector are not counted, and one named twice counts once.
    Raises: SourceNotFound, InvalidArgument, LockNotAvailable.
    """
    return int(_one(connection, "select wikiembed.skip(%s, %s, %s)", (source, list(keys), why))[0])


def reconcile(connection: Connection, source: str | None) -> dict[str, int]:
    """Repair what bypassed the triggers; returns the numbers of repairs.

    Raises: SourceNotFound.
    """
    found = _one(
        connection,
        "select orphans_enqueued, dead_jobs, ledger_drift from wikiembed.reconcile(%s)",
        (source,),
    )
    return dict(zip(("orphans_enqueued", "dead_jobs", "ledger_drift"), found, strict=True))


def is_ready(connection: Connection, source: str | None, *, allow_empty: bool = False) -> bool:
    """Whether, by the tables themselves, every row that is not skipped has a vector.

    At least one row must have one, unless `allow_empty`.

    Raises: SourceNotFound.
    """
    return bool(_one(connection, "select wikiembed.is_ready(%s, %s)", (source, allow_empty))[0])


def failures(
    connection: Connection, source: str | None, *, error_class: str | None, limit: int
) -> list[dict[str, Any]]:
    """The latest failures, newest first."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select source, key, state, error_class, http_status, message, attempts, first_at,"
            " last_at, job_id from wikiembed.failures"
            " where (%(source)s::text is null or source = %(source)s)"
            " and (%(class)s::text is null or error_class = %(class)s)"
            " order by last_at desc, source, key limit %(limit)s",
            {"source": source, "class": error_class, "limit": limit},
        ).fetchall()


def failure_history(
    connection: Connection,
    source: str | None,
    *,
    error_class: str | None,
    since: dt.datetime | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The latest failures that ended, after `since` if given; see view failure_history."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select source, key, error_class, http_status, message, attempts, first_at, last_at,"
            " ended_at, how from wikiembed.failure_history"
            " where (%(source)s::text is null or source = %(source)s)"
            " and (%(class)s::text is null or error_class = %(class)s)"
            " and (%(since)s::timestamptz is null or ended_at >= %(since)s)"
            " order by ended_at desc, source, key limit %(limit)s",
            {"source": source, "class": error_class, "since": since, "limit": limit},
        ).fetchall()


def failed_by_class(connection: Connection, source: str) -> dict[str, int]:
    """The number of failed chunks of `source` by error class, without skipped ones."""
    with translate_errors():
        rows = connection.execute(
            "select error_class, count(*) from wikiembed.failures"
            " where source = %s and state = 'failed' group by error_class",
            (source,),
        ).fetchall()
    return {str(row[0]): int(row[1]) for row in rows}


def coverage(connection: Connection, source: str | None = None) -> list[Coverage]:
    """View wikiembed.coverage, of one source or all."""
    with translate_errors():
        rows = connection.execute(
            COVERAGE + " where %s::text is null or source = %s order by source",
            (source, source),
        ).fetchall()
    return [Coverage(*row) for row in rows]
