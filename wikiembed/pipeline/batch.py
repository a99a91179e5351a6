"""One job: read its chunks, embed them with no transaction open, write, record failures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wikiembed.embedders.usage import metered
from wikiembed.error_class import ErrorClass
from wikiembed.errors import (
    ConfigurationError,
    EmbedderMisconfigured,
    ModelMismatch,
    SourceNotFound,
)
from wikiembed.metrics.observer import Batch
from wikiembed.pipeline.bisection import Bisection
from wikiembed.pipeline.lag import LagMeter
from wikiembed.pipeline.observe import observe, waits_to
from wikiembed.pipeline.record import BatchRecord
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import FailedChunk
from wikiembed.pipeline.write import write_vectors
from wikiembed.servers.channel import RECHECK_AFTER_S
from wikiembed.servers.classify import OutageTooLong, PausedMeanwhile, Stopping
from wikiembed.store.calls import read_valid
from wikiembed.store.chunks import Chunk
from wikiembed.store.outcome import Outcome
from wikiembed.telemetry import emit

ROUNDS = 4
"""How often a job rereads the chunks whose text changed while they were embedded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """A job's arguments; `attempt` counts the runs in which rows were locked by others.

    `lag_meter`: since when its chunks wait; None: not known. `observed`: what is observed of this
    run; None: metrics and traces are off.
    """

    source: str
    keys: Sequence[str]
    attempt: int = 0
    job_id: int | None = None
    lag_meter: LagMeter | None = None
    observed: Batch | None = None


class StillStale(Exception):
    """Texts changed in every round: the job is requeued."""


async def process(job: BatchJob, runtime: Runtime) -> None:
    """Embed the keys of a job that still lack a vector; idempotent.

    Raises: Stopping, OutageTooLong, PausedMeanwhile, BudgetInFlight, EmbedderMisconfigured,
    ModelMismatch, ConfigurationError, StillStale, DatabaseError, psycopg.Error:
    wikiembed.worker.retry requeues the job.
    """
    keys = list(job.keys)
    try:
        for _ in range(ROUNDS):
            chunks = await _read(job, keys, runtime)
            keys = await _embed_and_record(job, chunks, runtime) if chunks else []
            if not keys:
                return
    except SourceNotFound as error:
        emit("source_gone", source=job.source, job_id=job.job_id, reason=str(error))
        return
    except EmbedderMisconfigured as error:
        if await runtime.store.pause(job.source, str(error)):
            emit("source_paused", level=40, source=job.source, reason=str(error))
        raise
    except (ModelMismatch, ConfigurationError) as error:
        # Every other job of this process would fail too: the worker is to end.
        runtime.fatal = error
        raise
    raise StillStale


async def _read(job: BatchJob, keys: Sequence[str], runtime: Runtime) -> list[Chunk]:
    return await read_valid(
        lambda some: runtime.store.read_chunks(job.source, some, attempt=job.attempt),
        keys,
        on_invalid=lambda: emit("job_malformed", level=30, job_id=job.job_id),
    )


async def _embed_and_record(job: BatchJob, chunks: list[Chunk], runtime: Runtime) -> list[str]:
    """Embed `chunks` and write them, and record what that cost; return the keys to read again."""
    record = BatchRecord(job.lag_meter, on_waits=waits_to(runtime.observer, job.source))
    try:
        with metered(record.usage):
            return await _embed_chunks(job, chunks, record, runtime)
    finally:
        await runtime.recorder.add(job.source, record)


async def _embed_chunks(
    job: BatchJob, chunks: list[Chunk], record: BatchRecord, runtime: Runtime
) -> list[str]:
    """Embed `chunks` and write them; return the keys to read again."""
    source = await runtime.store.source_of(job.source, chunks)
    empty = [c for c in chunks if c.content is None or not c.content.strip()]
    full = [c for c in chunks if c.content is not None and c.content.strip()]
    stale = await _skip_empty(job, empty, runtime) if empty else []
    if not full:
        return stale
    started = time.monotonic()
    channels, prefix = await runtime.channels_for(source)
    if time.monotonic() - started > RECHECK_AFTER_S:
        await _unless_paused(job.source, runtime)
    texts = [prefix + (c.content or "") for c in full]
    await runtime.check_truncation(source, channels, longest=max(map(len, texts)))
    bisection = Bisection(
        channels.for_batch(),
        texts,
        may_begin=lambda: _unless_paused(job.source, runtime),
        truncator=runtime.truncator(job.source),
        prefix=len(prefix),
    )
    interruption: Exception | None = None
    before = record.usage.copy() if source.budgeted else None
    if source.budgeted:
        await runtime.budgets.reserve(source.name, record, texts, job_id=job.job_id)
    try:
        await bisection.run()
    except (Stopping, OutageTooLong, PausedMeanwhile, EmbedderMisconfigured) as error:
        interruption = error
    if before is not None:
        runtime.budgets.token_rate(source.name).learn(texts, record.usage.minus(before))
    stale += await _write_settled(job, full, bisection, record, runtime)
    if job.observed is not None:
        observe(job.observed, embedded=len(bisection.vectors), failed=len(bisection.blamed))
    runtime.stats.batches += 1
    runtime.stats.chunks += len(bisection.vectors)
    emit(
        "batch_embedded",
        level=10,
        source=job.source,
        job_id=job.job_id,
        chunks=len(bisection.vectors),
        truncated=len(bisection.kept),
        failed=len(bisection.blamed),
        skipped=len(empty),
        stale=len(stale),
        seconds=round(time.monotonic() - started, 3),
    )
    if interruption is not None:
        raise interruption
    return stale


async def _unless_paused(source: str, runtime: Runtime) -> None:
    if await runtime.store.is_paused(source):
        raise PausedMeanwhile(f"Source {source!r} was paused before the batch began.")


async def _skip_empty(job: BatchJob, empty: Sequence[Chunk], runtime: Runtime) -> list[str]:
    outcomes = await runtime.store.record_failures(
        job.source,
        empty,
        error_class=ErrorClass.EMPTY_TEXT,
        message="The text is null or blank.",
        attempts=0,
        job_id=job.job_id,
        attempt=job.attempt,
    )
    return _stale(outcomes)


async def _write_settled(
    job: BatchJob,
    chunks: Sequence[Chunk],
    bisection: Bisection,
    record: BatchRecord,
    runtime: Runtime,
) -> list[str]:
    """Write the vectors, those of cut texts apart, and record failures; return stale keys."""
    stale: list[str] = []
    whole = sorted(bisection.vectors.keys() - bisection.kept.keys())
    for good, kept in ((whole, None), (sorted(bisection.kept), bisection.kept)):
        if not good:
            continue
        stale += await write_vectors(
            runtime.store,
            job.source,
            [chunks[i] for i in good],
            bisection.matrix(good),
            kept=None if kept is None else [kept[i] for i in good],
            attempt=job.attempt,
            job_id=job.job_id,
            on_failure=runtime.stats.fail,
            record=record,
        )
    for i, blame in bisection.blamed.items():
        outcomes = await runtime.store.record_failures(
            job.source,
            [chunks[i]],
            error_class=blame.error_class,
            message=blame.message,
            http_status=blame.http_status,
            attempts=blame.attempts,
            job_id=job.job_id,
            attempt=job.attempt,
        )
        stale += _stale(outcomes)
        if Outcome.RECORDED in outcomes.values():
            runtime.stats.fail(
                FailedChunk(
                    source=job.source,
                    key=chunks[i].key,
                    error_class=blame.error_class,
                    message=blame.message,
                    http_status=blame.http_status,
                    attempts=blame.attempts,
                    job_id=job.job_id,
                )
            )
    return stale


def _stale(outcomes: Mapping[str, Outcome]) -> list[str]:
    return [key for key, outcome in outcomes.items() if outcome is Outcome.STALE]
