"""One job: read documents, split them in a thread with no transaction open, write their chunks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Protocol

import psycopg

from wikiembed.config import Settings
from wikiembed.db.sqlstate import is_refusal
from wikiembed.documents.diff import Changes, OldChunk, diff
from wikiembed.documents.diff import NewChunk as NewText
from wikiembed.documents.split import SplitOptions, split
from wikiembed.embedders.tokens import token_counter
from wikiembed.error_class import ErrorClass
from wikiembed.errors import ConfigurationError, SourceNotFound, WriteRefused
from wikiembed.store.calls import read_valid
from wikiembed.store.chunks import ChunkStore
from wikiembed.store.documents import (
    Context,
    Document,
    DocumentOptions,
    DocumentStore,
    NewChunk,
    Split,
)
from wikiembed.store.outcome import Outcome
from wikiembed.store.resolution import own_model
from wikiembed.telemetry import emit

ROUNDS = 4
"""How often a job rereads the documents that changed while they were split."""
CHECK_PAUSE_EVERY_S = 0.25
MAX_TITLE = 1_000
"""Characters of a title; a column that holds the text itself would be stored with each chunk."""
READ_BYTES = 1_000_000
"""Of UTF-8: a read returns no further document once those that it returns have as many."""
WRITE_CHARS = 100_000
"""Characters of the documents that are split and written together: a pause waits for the splitting,
about 0.1 s, and a writer of one of them for the write, about 0.03 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitJob:
    """A job's arguments; `attempt` counts the runs in which documents were locked by others."""

    source: str
    documents: Sequence[str]
    attempt: int = 0
    job_id: int | None = None


class Stats(Protocol):
    """What a job counts."""

    def split(self, documents: int = 1) -> None:
        """Count documents that were split."""

    def fail_document(
        self, *, source: str, key: str, error_class: ErrorClass, message: str, job_id: int | None
    ) -> None:
        """Count and report a document that could not be split."""


class Runtime(Protocol):
    """What a job uses of its process."""

    settings: Settings
    store: ChunkStore
    documents: DocumentStore
    split_slots: asyncio.Semaphore

    @property
    def stats(self) -> Stats:
        """Counts of the process."""

    @property
    def is_stopping(self) -> bool:
        """Whether the worker is asked to stop."""


_MISSING = {"42703": "a column", "42P01": "a table", "42883": "a function"}
"""SQLSTATEs of objects that do not exist."""


class Unreadable(Exception):
    """The splitter failed on a document; the message is one sentence without its text."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The new chunks of a document, and how they differ from the stored ones."""

    chunks: list[NewChunk]
    changes: Changes


@dataclass(slots=True)
class _Counts:
    documents: int = 0
    kept: int = 0
    changed: int = 0
    inserted: int = 0
    deleted: int = 0

    def add(self, changes: Changes) -> None:
        self.documents += 1
        self.kept += len(changes.kept)
        self.changed += len(changes.changed)
        self.inserted += len(changes.inserted)
        self.deleted += len(changes.deleted)


async def process(job: SplitJob, runtime: Runtime) -> None:
    """Split the documents of a job that wait for it; idempotent.

    Documents that are locked, that change in each of `ROUNDS` rounds, or that are left when the
    source is paused or the worker stops, are requeued.

    Raises: ConfigurationError, MemoryError, DatabaseError, psycopg.Error: wikiembed.worker.retry
    requeues the job.
    """
    try:
        await _Run(job, runtime).run()
    except SourceNotFound as error:
        emit("source_gone", source=job.source, job_id=job.job_id, reason=str(error))


async def give_up(job: SplitJob, runtime: Runtime, message: str) -> None:
    """Record the job's documents as failed (internal_error), so that the work ends."""
    keys = list(dict.fromkeys(job.documents))
    found = await _read(job, keys, runtime)
    for document in found:
        await _record(job, document, runtime, ErrorClass.INTERNAL_ERROR, message)
    await _requeue_unread(job, keys, found, runtime)


@dataclass(slots=True)
class _Run:
    """The state of one job; `held` are keys to requeue with backoff."""

    job: SplitJob
    runtime: Runtime
    held: list[str] = field(default_factory=list)
    counts: _Counts = field(default_factory=_Counts)
    started: float = field(default_factory=time.monotonic)
    checked: float = field(default_factory=time.monotonic)

    @property
    def _store(self) -> DocumentStore:
        return self.runtime.documents

    async def run(self) -> None:
        """Split all documents, in rounds."""
        keys = list(dict.fromkeys(self.job.documents))
        left: list[str] = []
        for _ in range(ROUNDS):
            keys, left = await self._round(keys)
            if left or not keys:
                break
        await self._requeue(left, attempt=0)
        await self._requeue([*self.held, *keys], attempt=self.job.attempt)
        emit(
            "documents_split",
            level=10,
            source=self.job.source,
            job_id=self.job.job_id,
            documents=self.counts.documents,
            kept=self.counts.kept,
            changed=self.counts.changed,
            inserted=self.counts.inserted,
            deleted=self.counts.deleted,
            seconds=round(time.monotonic() - self.started, 3),
        )

    async def _round(self, keys: Sequence[str]) -> tuple[list[str], list[str]]:
        """Split each document once; return the stale keys, and those left when the work stops."""
        stale: list[str] = []
        unread: Sequence[str] = keys
        while unread:
            documents = await _read(self.job, unread, self.runtime)
            # After the documents: with options that changed since, the write is stale, not wrong.
            options = await _options(self.job.source, self.runtime)
            found = {document.key for document in documents}
            unread = [key for key in unread if key not in found]
            if _size(documents) < READ_BYTES:
                # Locked, or no longer waiting: requeueing leaves the latter out.
                self.held += unread
                unread = []
            while documents:
                batch = _batch(documents)
                async with self.runtime.split_slots:
                    if await self._must_stop():
                        return stale, [*(one.key for one in documents), *unread]
                    plans = await self._plan(batch, options)
                outcomes = await self._write(list(zip(batch, plans, strict=True)))
                stale += [key for key, one in outcomes.items() if one is Outcome.STALE]
                self.held += [key for key, one in outcomes.items() if one is Outcome.LOCKED]
                documents = documents[len(batch) :]
        return stale, []

    async def _must_stop(self) -> bool:
        """Whether the worker stops, or the source has been paused since the job was fetched."""
        if self.runtime.is_stopping:
            return True
        if time.monotonic() - self.checked <= CHECK_PAUSE_EVERY_S:
            return False
        paused = await self.runtime.store.is_paused(self.job.source)
        self.checked = time.monotonic()
        return paused

    async def _plan(
        self, documents: Sequence[Document], options: DocumentOptions
    ) -> list[Plan | Unreadable]:
        return await asyncio.to_thread(_plans, documents, options)

    async def _write(
        self, planned: Sequence[tuple[Document, Plan | Unreadable]]
    ) -> dict[str, Outcome]:
        """Write the chunks, or record why not; what Postgres refuses is found by halving."""
        outcomes = {
            document.key: await self._record(document, ErrorClass.DOCUMENT_UNREADABLE, str(plan))
            for document, plan in planned
            if isinstance(plan, Unreadable)
        }
        plans = [(document, plan) for document, plan in planned if isinstance(plan, Plan)]
        if not plans:
            return outcomes
        try:
            written = await self._store.write(
                self.job.source, [Split(document, plan.chunks) for document, plan in plans]
            )
        except (psycopg.Error, WriteRefused) as error:
            if not is_refusal(error):
                raise
            if len(plans) == 1:
                document = plans[0][0]
                refused = await self._record(document, ErrorClass.WRITE_REFUSED, _refusal(error))
                return outcomes | {document.key: refused}
            half = len(plans) // 2
            return outcomes | await self._write(plans[:half]) | await self._write(plans[half:])
        for document, plan in plans:
            if written[document.key] is Outcome.WRITTEN:
                self.counts.add(plan.changes)
                self.runtime.stats.split()
        return outcomes | written

    async def _record(self, document: Document, error_class: ErrorClass, message: str) -> Outcome:
        return await _record(self.job, document, self.runtime, error_class, message)

    async def _requeue(self, keys: Sequence[str], *, attempt: int) -> None:
        if keys:
            await self._store.requeue(self.job.source, keys, attempt=attempt)


def _size(documents: Sequence[Document]) -> int:
    """Bytes of the texts as Postgres counts them."""
    return sum(len((one.content or "").encode()) for one in documents)


def _batch(documents: Sequence[Document]) -> Sequence[Document]:
    """The first of `documents`, as many as one write takes."""
    ends = accumulate(len(document.content or "") for document in documents)
    return documents[: max(1, sum(end <= WRITE_CHARS for end in ends))]


def _plans(documents: Sequence[Document], options: DocumentOptions) -> list[Plan | Unreadable]:
    return [_plan_or_error(document, options) for document in documents]


def _plan_or_error(document: Document, options: DocumentOptions) -> Plan | Unreadable:
    try:
        return plan_of(document, options)
    except Unreadable as error:
        return error


def plan_of(document: Document, options: DocumentOptions) -> Plan:
    """Split a document, and give each new chunk the row of the stored one it continues.

    Raises: Unreadable, ConfigurationError, MemoryError.
    """
    text = document.content or ""
    limits = SplitOptions(
        splitter=options.splitter,
        max_chars=options.max_chars,
        overlap_chars=options.overlap_chars,
        max_tokens=options.max_tokens,
        tokens=options.tokens,
    )
    try:
        pieces = split(text, options=limits)
    except (ConfigurationError, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library in Rust is no Exception
        raise Unreadable(
            f"The splitter {options.splitter!r} failed with {type(error).__name__}"
            f" on this document of {len(text)} characters."
        ) from error
    contexts = [context_of(document.title, piece.heading, options.context) for piece in pieces]
    contents = [text[piece.start : piece.end] for piece in pieces]
    changes = diff(
        [OldChunk(old.id, old.content or "", old.context or "") for old in document.chunks],
        [NewText(content, above or "") for content, above in zip(contents, contexts, strict=True)],
    )
    rows = {index: row for row, index in (*changes.kept, *changes.changed)}
    chunks = [
        NewChunk(
            id=rows.get(index),
            context=contexts[index],
            content=contents[index],
            heading=piece.heading,
            start=piece.start,
            end=piece.end,
        )
        for index, piece in enumerate(pieces)
    ]
    return Plan(chunks, changes)


def context_of(title: str | None, heading: str, context: Context) -> str | None:
    """What a chunk is embedded with: ``Title: Heading``, one of them alone, or None.

    Of a title the first `MAX_TITLE` characters: every chunk of the document is stored with it.
    """
    parts = [
        (title or "")[:MAX_TITLE].strip() if context in ("title", "title_heading") else "",
        heading.strip() if context in ("heading", "title_heading") else "",
    ]
    return ": ".join(filter(None, parts)) or None


async def _read(job: SplitJob, keys: Sequence[str], runtime: Runtime) -> list[Document]:
    return await read_valid(
        lambda some: runtime.documents.read(job.source, some, most_bytes=READ_BYTES),
        keys,
        on_invalid=lambda: emit("job_malformed", level=30, job_id=job.job_id),
    )


async def _options(source: str, runtime: Runtime) -> DocumentOptions:
    """The options of `source`, with a counter of its model's tokens if they are bounded."""
    options = await runtime.documents.options(source)
    if options.max_tokens is None:
        return options
    model = own_model(await runtime.store.get_source(source), runtime.settings)
    return replace(options, tokens=token_counter(*model).count)


async def _requeue_unread(
    job: SplitJob, keys: Sequence[str], found: Sequence[Document], runtime: Runtime
) -> None:
    read = {document.key for document in found}
    if unread := [key for key in keys if key not in read]:
        await runtime.documents.requeue(job.source, unread, attempt=job.attempt)


async def _record(
    job: SplitJob, document: Document, runtime: Runtime, error_class: ErrorClass, message: str
) -> Outcome:
    """Record a failure: recorded, or stale when the document has changed meanwhile."""
    recorded = await runtime.documents.record_failure(
        job.source, document, error_class=error_class, message=message, job_id=job.job_id
    )
    if not recorded:
        return Outcome.STALE
    runtime.stats.fail_document(
        source=job.source,
        key=document.key,
        error_class=error_class,
        message=message,
        job_id=job.job_id,
    )
    return Outcome.RECORDED


def _refusal(error: psycopg.Error | WriteRefused) -> str:
    """One sentence without Postgres' message, which may quote the text."""
    if isinstance(error, WriteRefused):
        cause = error.__cause__
        error = cause if isinstance(cause, psycopg.Error) else error
    if not isinstance(error, psycopg.Error):
        return "Postgres refuses a chunk."
    if error.sqlstate in _MISSING:
        return (
            f"Postgres refuses a chunk (SQLSTATE {error.sqlstate}): {_MISSING[error.sqlstate]} that"
            " the chunk table or its triggers need was dropped or renamed."
        )
    name, column = error.diag.constraint_name, error.diag.column_name
    by = f"constraint {name!r}, " if name else f"column {column!r}, " if column else ""
    return f"Postgres refuses a chunk ({by}SQLSTATE {error.sqlstate})."
