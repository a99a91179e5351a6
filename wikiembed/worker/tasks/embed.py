"""The task that embeds a batch of chunks."""

from __future__ import annotations

import asyncio

from wikiembed.error_class import ErrorClass
from wikiembed.errors import WikiembedError
from wikiembed.pipeline import BatchJob, FailedChunk, Runtime, process
from wikiembed.pipeline.batch import StillStale
from wikiembed.store import Outcome
from wikiembed.telemetry import emit
from wikiembed.worker.binding.api import JobContext, ProcrastinateApp
from wikiembed.worker.retry import (
    UNEXPECTED_BEFORE_BLAME,
    AlwaysRetry,
    is_out_of_memory,
    is_transient,
)
from wikiembed.worker.runtime_holder import runtime_of

MOST_ATTEMPTS = 1_000_000


async def embed(
    context: JobContext,
    /,
    *,
    source: object = None,
    keys: object = None,
    attempt: object = 0,
    rescues: object = 0,
    **unknown: object,
) -> None:
    """Embed the chunks of `keys` that still lack a vector.

    A job that was deferred by hand may have any arguments: keys that are neither text nor numbers
    are left out, and the job ends when none is left.

    Parameters
    ----------
    source :
        Name of the source.
    keys :
        The chunks' keys, as text; at most a batch.
    attempt :
        How often rows of this job were skipped because another transaction had locked them.
    rescues :
        How often a worker died with this job (written by wikiembed.rescue_jobs).
    """
    runtime = await runtime_of(context)
    texts = [str(k) for k in keys if isinstance(k, str | int)] if isinstance(keys, list) else []
    if not isinstance(source, str) or not texts:
        emit("job_malformed", level=30, job_id=context.job.id)
        return
    passed_by = min(max(attempt, 0), MOST_ATTEMPTS) if isinstance(attempt, int) else 0
    job = BatchJob(source=source, keys=texts, attempt=passed_by, job_id=context.job.id)
    try:
        await process(job, runtime)
    except (WikiembedError, StillStale, asyncio.CancelledError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            emit("out_of_memory", level=40, source=source, job_id=job.job_id)
        if is_transient(error):
            raise
        runtime.unexpected[job.job_id] += 1
        emit(
            "job_failed",
            level=40,
            source=source,
            job_id=job.job_id,
            attempts=runtime.unexpected[job.job_id],
            error=type(error).__name__,
        )
        if runtime.unexpected[job.job_id] < UNEXPECTED_BEFORE_BLAME:
            raise
        await _give_up(job, runtime, error)
    del runtime.unexpected[job.job_id]


async def _give_up(job: BatchJob, runtime: Runtime, error: Exception) -> None:
    """Record the job's chunks as failed, so that the run ends; `retry` requeues them."""
    chunks = await runtime.store.read_chunks(job.source, job.keys, attempt=job.attempt)
    if not chunks:
        return
    message = f"The job ended {UNEXPECTED_BEFORE_BLAME} times with {type(error).__name__}."
    outcomes = await runtime.store.record_failures(
        job.source,
        chunks,
        error_class=ErrorClass.INTERNAL_ERROR,
        message=message,
        attempts=UNEXPECTED_BEFORE_BLAME,
        job_id=job.job_id,
        attempt=job.attempt,
    )
    for key, outcome in outcomes.items():
        if outcome is Outcome.RECORDED:
            runtime.stats.fail(
                FailedChunk(
                    source=job.source,
                    key=key,
                    error_class=ErrorClass.INTERNAL_ERROR,
                    message=message,
                    http_status=None,
                    attempts=UNEXPECTED_BEFORE_BLAME,
                    job_id=job.job_id,
                )
            )


def register(app: ProcrastinateApp) -> None:
    """Register the task with `app`, under the name that the triggers write into jobs."""
    app.task(name="wikiembed.embed", retry=AlwaysRetry(), pass_context=True)(embed)
