"""One job: read its chunks, embed them with no transaction open, write, record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from wikiembed.errors import EmbedderMisconfigured, SourceNotFound
from wikiembed.pipeline.isolate import Isolation
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.write import write_vectors
from wikiembed.store import Chunk, Outcome
from wikiembed.telemetry import emit

ROUNDS = 4
"""How often a job reads again the chunks whose text changed while they were embedded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """A job's arguments; `attempt` counts the times that its rows were held by others."""

    source: str
    keys: Sequence[str]
    attempt: int = 0
    job_id: int | None = None


class StillStale(Exception):
    """Texts changed in every round: the job goes back to the queue."""


async def process(job: BatchJob, runtime: Runtime) -> None:
    """Embed what is still missing of a job's keys; done twice, it does nothing.

    Raises: Stopping, HeldTooLong, EmbedderMisconfigured, ModelMismatch, StillStale,
    DatabaseError, psycopg.Error: the job goes back to the queue, as wikiembed.retry says.
    """
    keys = list(job.keys)
    for _ in range(ROUNDS):
        try:
            chunks = await runtime.store.read_chunks(job.source, keys, attempt=job.attempt)
            stale = await _embed_chunks(job, chunks, runtime) if chunks else []
        except SourceNotFound:
            emit("source_gone", source=job.source, job_id=job.job_id)
            return
        if not stale:
            return
        keys = stale
    raise StillStale


async def _embed_chunks(job: BatchJob, chunks: list[Chunk], runtime: Runtime) -> list[str]:
    """Embed `chunks` and write them; answers the keys that must be read again."""
    # The source is read after its chunks: a model changed in between makes the write stale,
    # never wrong.
    source = await runtime.store.get_source(job.source)
    empty = [c for c in chunks if c.content is None or not c.content.strip()]
    full = [c for c in chunks if c.content is not None and c.content.strip()]
    stale: list[str] = []
    if empty:
        outcomes = await runtime.store.record_failures(
            job.source,
            empty,
            error_class="empty_text",
            message="The text is null or blank.",
            attempts=0,
            job_id=job.job_id,
            state="skipped",
            attempt=job.attempt,
        )
        stale += _stale(outcomes)
    if not full:
        return stale
    try:
        channel, prefix = await runtime.channel_for(source)
        isolation = Isolation(channel, [prefix + (c.content or "") for c in full])
        started = time.monotonic()
        await isolation.run()
    except EmbedderMisconfigured as error:
        await runtime.store.pause(job.source, str(error))
        emit("source_paused", level=40, source=job.source, reason=str(error))
        raise
    good = sorted(isolation.vectors)
    if good:
        stale += await write_vectors(
            runtime.store,
            job.source,
            [full[i] for i in good],
            isolation.matrix(good),
            attempt=job.attempt,
            job_id=job.job_id,
        )
    for index, blame in isolation.blamed.items():
        outcomes = await runtime.store.record_failures(
            job.source,
            [full[index]],
            error_class=blame.error_class,
            message=blame.message,
            http_status=blame.http_status,
            attempts=blame.attempts,
            job_id=job.job_id,
            attempt=job.attempt,
        )
        stale += _stale(outcomes)
        emit("chunk_failed", level=30, source=job.source, error_class=blame.error_class,
             http_status=blame.http_status, job_id=job.job_id)  # fmt: skip
    runtime.batches += 1
    runtime.chunks += len(good)
    emit(
        "batch_embedded",
        level=10,
        source=job.source,
        job_id=job.job_id,
        chunks=len(good),
        failed=len(isolation.blamed),
        skipped=len(empty),
        stale=len(stale),
        seconds=round(time.monotonic() - started, 3),
    )
    return stale


def _stale(outcomes: dict[str, Outcome]) -> list[str]:
    return [key for key, outcome in outcomes.items() if outcome is Outcome.STALE]
