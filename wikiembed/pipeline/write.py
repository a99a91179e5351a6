"""Write vectors; a row that Postgres refuses is found by halving, as a text is."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import errors as pg

from wikiembed.errors import WriteRefused
from wikiembed.store import Chunk, ChunkStore, Outcome
from wikiembed.telemetry import emit
from wikiembed.vectors import Matrix


def is_refusal(error: Exception) -> bool:
    """True when the row is at fault: a constraint, a value, a user's trigger."""
    if isinstance(error, WriteRefused | psycopg.IntegrityError | psycopg.DataError):
        return True
    if isinstance(error, pg.InsufficientPrivilege):
        return False
    return isinstance(
        error, psycopg.ProgrammingError | psycopg.NotSupportedError | pg.RaiseException
    )


async def write_vectors(
    store: ChunkStore,
    source: str,
    chunks: Sequence[Chunk],
    matrix: Matrix,
    *,
    attempt: int,
    job_id: int | None,
) -> list[str]:
    """Store row i of `(n, dim) float32` for chunk i; answers the keys that were stale.

    Raises: DatabaseError, psycopg.Error for what is no row's fault.
    """
    try:
        outcomes = await store.write_embeddings(
            source,
            [c.key for c in chunks],
            [c.version for c in chunks],
            matrix,
            attempt=attempt,
        )
        return [key for key, outcome in outcomes.items() if outcome is Outcome.STALE]
    except (psycopg.Error, WriteRefused) as error:
        if not is_refusal(error):
            raise
        if len(chunks) == 1:
            return await _record(store, source, chunks[0], error, attempt=attempt, job_id=job_id)
    middle = len(chunks) // 2
    stale: list[str] = []
    for part in (slice(0, middle), slice(middle, None)):
        stale += await write_vectors(
            store, source, chunks[part], matrix[part], attempt=attempt, job_id=job_id
        )
    return stale


async def _record(
    store: ChunkStore,
    source: str,
    chunk: Chunk,
    error: psycopg.Error | WriteRefused,
    *,
    attempt: int,
    job_id: int | None,
) -> list[str]:
    diag = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    outcomes = await store.record_failures(
        source,
        [chunk],
        error_class="write_refused",
        message=diag or str(error),
        job_id=job_id,
        attempt=attempt,
    )
    emit("chunk_failed", level=30, source=source, error_class="write_refused", job_id=job_id)
    return [key for key, outcome in outcomes.items() if outcome is Outcome.STALE]
