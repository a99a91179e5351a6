"""The procrastinate tasks: one that embeds, and the upkeep that runs by itself.

Tasks find their resources in ``context.additional_context["runtime"]``, a `RuntimeHolder`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import psycopg
from procrastinate import App, JobContext

from wikiembed.errors import WikiembedError
from wikiembed.pipeline import BatchJob, Runtime, process
from wikiembed.pipeline.batch import StillStale
from wikiembed.retry import UNEXPECTED_BEFORE_BLAME, BackToTheQueue, is_transient
from wikiembed.telemetry import emit

UPKEEP_QUEUE = "wikiembed_upkeep"
UPKEEP_PRIORITY = 100
MOST_ATTEMPTS = 1_000_000


class RuntimeHolder(Protocol):
    """Opens the process's `Runtime` on first use."""

    async def get(self) -> Runtime:
        """The runtime.

        Raises: DatabaseUnreachable, ConfigurationError.
        """
        ...


async def _runtime(context: JobContext) -> Runtime:
    holder: RuntimeHolder = context.additional_context["runtime"]
    return await holder.get()


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
    """Embed the chunks of `keys` that still miss their vector.

    A job that was deferred by hand may hold anything: what is no text is left out, and with
    nothing left the job ends.

    Parameters
    ----------
    source :
        Name of the source.
    keys :
        The chunks' keys, as text; at most a batch.
    attempt :
        How often rows of this job were passed by because somebody held them.
    rescues :
        How often a worker died with this job (written by wikiembed.rescue_jobs).
    """
    runtime = await _runtime(context)
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
    """Record the job's chunks, so that the run ends; `retry` brings them back."""
    chunks = await runtime.store.read_chunks(job.source, job.keys, attempt=job.attempt)
    if chunks:
        await runtime.store.record_failures(
            job.source,
            chunks,
            error_class="internal_error",
            message=f"The job ended {UNEXPECTED_BEFORE_BLAME} times with {type(error).__name__}.",
            attempts=UNEXPECTED_BEFORE_BLAME,
            job_id=job.job_id,
            attempt=job.attempt,
        )


async def _upkeep(context: JobContext, name: str, statement: str, *parameters: object) -> None:
    runtime = await _runtime(context)
    try:
        found = await runtime.store.upkeep(statement, parameters)
    except (WikiembedError, psycopg.Error) as error:
        emit("upkeep_failed", level=40, task=name, error=type(error).__name__, reason=_said(error))
        if context.job.queueing_lock is None:
            raise
        return  # it is periodic: the next one comes, and may hold the queueing lock already
    if any(found.values()):
        emit("upkeep_done", task=name, found=found)


def _said(error: Exception) -> str | None:
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
    return said and said[:200]


async def rescue(context: JobContext, timestamp: int) -> None:
    """Queue again the jobs of dead workers, each minute (wikiembed.rescue_jobs)."""
    await _upkeep(context, "rescue", "select * from wikiembed.rescue_jobs()")


async def fold_ledger(context: JobContext, timestamp: int) -> None:
    """Fold the ledger, each minute (wikiembed.fold_ledger)."""
    await _upkeep(context, "fold_ledger", "select wikiembed.fold_ledger() as folded")


async def expire_pauses(context: JobContext, timestamp: int) -> None:
    """End pauses that ran out, each minute (wikiembed.expire_pauses)."""
    await _upkeep(context, "expire_pauses", "select wikiembed.expire_pauses() as resumed")


async def reconcile(
    context: JobContext,
    timestamp: int = 0,
    *,
    source: str | None = None,
    recount: bool | None = None,
) -> None:
    """Heal what bypassed the triggers, each 10 minutes; count the tables again each night.

    Parameters
    ----------
    timestamp :
        When it was due, from procrastinate.
    source :
        Only this source; None: all.
    recount :
        Whether to count the table; None: only when a source is named.
    """
    count = source is not None if recount is None else recount
    if source is None:
        await _upkeep(context, "reconcile", "select * from wikiembed.reconcile(null, %s)", count)
        return
    # A source that was detached meanwhile is no row here: then there is nothing to do.
    await _upkeep(
        context,
        "reconcile",
        "select r.* from wikiembed.sources as s, wikiembed.reconcile(s.name, %s) as r"
        " where s.name = %s",
        count,
        source,
    )


def register(app: App) -> None:
    """Make the tasks known to `app`, under the names that the triggers write into jobs."""
    app.task(name="wikiembed.embed", retry=BackToTheQueue(), pass_context=True)(embed)
    for function in (rescue, fold_ledger, expire_pauses):
        name = f"wikiembed.{function.__name__}"
        task = app.task(
            name=name,
            queue=UPKEEP_QUEUE,
            priority=UPKEEP_PRIORITY,
            queueing_lock=name,
            pass_context=True,
        )(function)
        app.periodic(cron="* * * * *")(task)
    healing = app.task(
        name="wikiembed.reconcile",
        queue=UPKEEP_QUEUE,
        priority=UPKEEP_PRIORITY,
        retry=BackToTheQueue(),
        pass_context=True,
    )(reconcile)
    app.periodic(cron="*/10 * * * *", periodic_id="missing", queueing_lock="wikiembed.missing")(
        healing
    )
    app.periodic(
        cron="17 3 * * *",
        periodic_id="recount",
        queueing_lock="wikiembed.recount",
        task_kwargs={"recount": True},
    )(healing)
