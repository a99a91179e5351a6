"""Write vectors; a row that Postgres refuses is found by bisection, as a text is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

import psycopg

from wikiembed.db.sqlstate import is_refusal
from wikiembed.error_class import ErrorClass
from wikiembed.errors import WriteRefused
from wikiembed.pipeline.stats import FailedChunk, OnFailure, log_failure
from wikiembed.pipeline.write_retry import retry_write
from wikiembed.store.chunks import Chunk, ChunkStore
from wikiembed.store.outcome import Outcome
from wikiembed.vectors import Matrix

_LONGEST_ECHO = 12
OnWritten = Callable[[Sequence[str]], None]


def ignore(keys: Sequence[str]) -> None:
    """Do nothing with the keys of written vectors."""


async def write_vectors(
    store: ChunkStore,
    source: str,
    chunks: Sequence[Chunk],
    matrix: Matrix,
    *,
    attempt: int,
    job_id: int | None,
    kept: Sequence[int | None] | None = None,
    on_failure: OnFailure = log_failure,
    on_written: OnWritten = ignore,
) -> list[str]:
    """Store row i of `(n, dim) float32` for chunk i; return the stale keys.

    `kept`: embedded characters of each chunk, None where unknown; absent when no text was cut.
    `on_failure` receives each row that is refused and recorded; `on_written` the keys of vectors
    that were committed, after each commit.

    Raises: DatabaseError, psycopg.Error for errors that no row caused.
    """
    try:
        outcomes = await retry_write(
            lambda: _store(store, source, chunks, matrix, kept=kept, attempt=attempt),
            job_id=job_id,
        )
        on_written([key for key, outcome in outcomes.items() if outcome is Outcome.WRITTEN])
        return [key for key, outcome in outcomes.items() if outcome is Outcome.STALE]
    except (psycopg.Error, WriteRefused) as error:
        if not is_refusal(error):
            raise
        if len(chunks) == 1:
            failed = FailedChunk(
                source=source,
                key=chunks[0].key,
                error_class=ErrorClass.WRITE_REFUSED,
                message=_message(error, chunks[0].content or ""),
                http_status=None,
                attempts=1,
                job_id=job_id,
            )
            return await _record(store, chunks[0], failed, attempt=attempt, on_failure=on_failure)
    middle = len(chunks) // 2
    stale: list[str] = []
    for part in (slice(0, middle), slice(middle, None)):
        stale += await write_vectors(
            store,
            source,
            chunks[part],
            matrix[part],
            attempt=attempt,
            job_id=job_id,
            kept=None if kept is None else kept[part],
            on_failure=on_failure,
            on_written=on_written,
        )
    return stale


async def _store(
    store: ChunkStore,
    source: str,
    chunks: Sequence[Chunk],
    matrix: Matrix,
    *,
    kept: Sequence[int | None] | None,
    attempt: int,
) -> dict[str, Outcome]:
    keys, versions = [c.key for c in chunks], [c.version for c in chunks]
    if kept is None:
        return await store.write_embeddings(source, keys, versions, matrix, attempt=attempt)
    return await store.write_truncated(
        source,
        keys,
        versions,
        matrix,
        chars=[len(c.content or "") for c in chunks],
        kept=kept,
        attempt=attempt,
    )


async def _record(
    store: ChunkStore,
    chunk: Chunk,
    failed: FailedChunk,
    *,
    attempt: int,
    on_failure: OnFailure,
) -> list[str]:
    outcomes = await store.record_failures(
        failed.source,
        [chunk],
        error_class=ErrorClass.WRITE_REFUSED,
        message=failed.message,
        job_id=failed.job_id,
        attempt=attempt,
    )
    if Outcome.RECORDED in outcomes.values():
        on_failure(failed)
    return [key for key, outcome in outcomes.items() if outcome is Outcome.STALE]


def _message(error: psycopg.Error | WriteRefused, content: str) -> str:
    """Postgres' message, unless it contains a part of the text: a user's trigger may quote it."""
    if isinstance(error, WriteRefused):
        return str(error)
    message = (error.diag.message_primary or str(error))[:500]
    quoted = SequenceMatcher(None, message, content, autojunk=False).find_longest_match()
    if quoted.size >= min(_LONGEST_ECHO, len(content)):
        return f"Postgres refuses the row (SQLSTATE {error.sqlstate})."
    return message
