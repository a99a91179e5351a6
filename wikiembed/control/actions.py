"""Enqueue, pause, resume, retry, skip, reconcile, ready: a call per SQL function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from wikiembed.db.connect import translate_errors
from wikiembed.error_class import ErrorClass
from wikiembed.errors import InvalidArgument, SourceNotFound
from wikiembed.names import unknown
from wikiembed.store.coverage import COVERAGE, Coverage

Connection = psycopg.Connection[Any]
RECONCILED = ("orphans_enqueued", "dead_jobs", "ledger_drift", "documents_enqueued")
"""What `reconcile` counts, by column."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The number of jobs and chunks that were queued, or would be.

    `documents` None: the source has none, or the role may not count them; `splits`: their jobs,
    which are part of `jobs`.
    """

    source: str
    jobs: int
    chunks: int
    documents: int | None = None
    splits: int = 0

    def as_json(self) -> dict[str, object]:
        """Its fields by name; those of documents for a source that has some."""
        fields: dict[str, object] = {
            "source": self.source,
            "jobs": self.jobs,
            "chunks": self.chunks,
        }
        if self.documents is not None:
            fields |= {"documents": self.documents, "split_jobs": self.splits}
        return fields


@dataclass(frozen=True, slots=True)
class Retried:
    """The numbers of jobs, chunks, failures held by another transaction, and documents."""

    source: str
    jobs: int
    chunks: int
    held: int
    documents: int = 0


def _one(connection: Connection, statement: str, parameters: Sequence[object]) -> tuple[Any, ...]:
    """Call a function whose first parameter is the source."""
    try:
        with translate_errors():
            row = connection.execute(statement, parameters).fetchone()
    except SourceNotFound:
        # A transaction that failed reads nothing: its caller looked the name up before.
        if connection.info.transaction_status is not TransactionStatus.INERROR:
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
        found = connection.execute(
            "select error_class from wikiembed.failures"
            " union select error_class from wikiembed.document_failures"
        ).fetchall()
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
    """Queue every missing chunk and document of `source` that is in no job and no failure.

    Raises: SourceNotFound, InvalidArgument.
    """
    try:
        with translate_errors(), connection.transaction():
            splits, documents = documents_to_queue(connection, source, max_chunks)
            if documents is not None:
                connection.execute(
                    "select wikiembed_private.require_document_tables(%s)", (source,)
                )
            row = connection.execute(
                "select jobs, chunks from wikiembed.enqueue(%s, %s::bigint, %s::int, %s)",
                (source, max_chunks, batch_size, dry_run),
            ).fetchone()
    except SourceNotFound:
        names(connection, source)  # raises with the nearest name
        raise
    jobs, chunks = row or (0, 0)
    return Enqueued(source, jobs, chunks, documents, splits)


def documents_to_queue(
    connection: Connection, source: str, most: int | None = None
) -> tuple[int, int | None]:
    """The number of jobs that `enqueue` would add for documents, and of documents.

    None: the source has none, or the role may not count them.
    """
    try:
        with connection.transaction():
            known = connection.execute(
                "select from wikiembed.document_sources where source = %s", (source,)
            ).fetchone()
            if known is None:
                return 0, None
            # In a statement of its own before the one that counts: no other enqueue comes between.
            connection.execute("select wikiembed_private.lock_source(%s)", (source,))
            row = connection.execute(
                "select jobs, documents from wikiembed_private.enqueue_documents(%s, %s, true)",
                (source, most),
            ).fetchone()
    except (pg.InsufficientPrivilege, pg.ReadOnlySqlTransaction):
        return 0, None
    return row or (0, None)


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


def resume(connection: Connection, source: str | None, *, why: str | None = None) -> int:
    """Resume one source or all; returns the number that were paused.

    Raises: SourceNotFound.
    """
    return int(_one(connection, "select wikiembed.resume(%s, %s)", (source, why))[0])


def retry(
    connection: Connection, source: str, *, keys: Sequence[str] | None, error_class: str | None
) -> Retried:
    """Queue failed chunks and documents again: all, some keys or one class.

    Those held by another transaction are left and counted. Raises: SourceNotFound.
    """
    with connection.transaction():
        before = _failed_documents(connection, source)
        jobs, chunks, held = _one(
            connection,
            "select jobs, chunks, held from wikiembed.retry_failures(%s, %s::text[], %s)",
            (source, list(keys) if keys else None, error_class),
        )
        documents = len(before - _failed_documents(connection, source))
    return Retried(source, jobs, chunks, held, documents)


def _failed_documents(connection: Connection, source: str) -> set[str]:
    rows = connection.execute(
        "select key from wikiembed.document_failures where source = %s", (source,)
    ).fetchall()
    return {row[0] for row in rows}


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
        f"select {', '.join(RECONCILED)} from wikiembed.reconcile(%s)",  # noqa: S608 - our columns
        (source,),
    )
    return dict(zip(RECONCILED, found, strict=True))


def is_ready(connection: Connection, source: str | None, *, allow_empty: bool = False) -> bool:
    """Whether, by the tables themselves, every row that is not skipped has a vector.

    At least one row must have one, unless `allow_empty`.

    Raises: SourceNotFound.
    """
    return bool(_one(connection, "select wikiembed.is_ready(%s, %s)", (source, allow_empty))[0])


def failures(
    connection: Connection, source: str | None, *, error_class: str | None, limit: int
) -> list[dict[str, Any]]:
    """The latest failures, newest first; `document`: whether the key is that of a document."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from (select source, key, state, error_class, http_status, message,"
            " attempts, first_at, last_at, job_id, false as document from wikiembed.failures"
            " union all select source, key, 'failed', error_class, null, message, attempts,"
            " first_at, last_at, job_id, true from wikiembed.document_failures) as f"
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
    """The latest failures that ended, after `since` if given; see view failure_history.

    `document`: whether the key is that of a document.
    """
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select source, key, error_class, http_status, message, attempts, first_at, last_at,"
            " ended_at, how, document from wikiembed.failure_history"
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
