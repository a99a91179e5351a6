"""The task that embeds a batch of chunks."""

from __future__ import annotations

from dataclasses import replace

from wikiembed.error_class import ErrorClass
from wikiembed.metrics.observer import Batch
from wikiembed.pipeline.batch import BatchJob, process
from wikiembed.pipeline.lag import LagMeter
from wikiembed.pipeline.observe import outcome_of
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import FailedChunk
from wikiembed.store.outcome import Outcome
from wikiembed.worker.binding.api import JobContext, ProcrastinateApp
from wikiembed.worker.retry import UNEXPECTED_BEFORE_BLAME, AlwaysRetry
from wikiembed.worker.runtime_holder import runtime_of
from wikiembed.worker.tasks.job import arguments_of, run


async def embed(
    context: JobContext,
    /,
    *,
    source: object = None,
    keys: object = None,
    attempt: object = 0,
    rescues: object = 0,
    lag_meter: object = None,
    **unknown: object,
) -> None:
    """Embed the chunks of `keys` that still lack a vector.

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
    lag_meter :
        Since when the chunks wait, as the local queue knows it; in no job's arguments.
    """
    runtime = await runtime_of(context)
    given = arguments_of(context, source=source, keys=keys, attempt=attempt)
    if given is None:
        return
    job = BatchJob(
        source=given.source,
        keys=given.keys,
        attempt=given.attempt,
        job_id=context.job.id,
        lag_meter=lag_meter if isinstance(lag_meter, LagMeter) else None,
    )
    await run(
        context,
        runtime,
        source=given.source,
        work=_observed(job, runtime, queue=context.job.queue),
        give_up=lambda message: _give_up(job, runtime, message),
    )


async def _observed(job: BatchJob, runtime: Runtime, *, queue: str) -> None:
    """Run the job, and record its run if metrics or traces are on.

    Raises: what `process` raises.
    """
    if runtime.observer is None:
        await process(job, runtime)
        return
    batch = Batch(source=job.source, queue=queue, job_id=job.job_id, chunks=len(job.keys))
    with runtime.observer.batch(batch):
        try:
            await process(replace(job, observed=batch), runtime)
        except BaseException as error:
            batch.outcome = outcome_of(error)
            raise


async def _give_up(job: BatchJob, runtime: Runtime, message: str) -> None:
    """Record the job's chunks as failed, so that the run ends; `retry` requeues them."""
    chunks = await runtime.store.read_chunks(job.source, job.keys, attempt=job.attempt)
    if not chunks:
        return
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
