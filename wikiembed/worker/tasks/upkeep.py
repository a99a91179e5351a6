"""The periodic upkeep: rescue, folding the ledger, expiring pauses, reconcile."""

from __future__ import annotations

import psycopg

from wikiembed.errors import WikiembedError
from wikiembed.telemetry import emit
from wikiembed.worker.binding.api import JobContext, ProcrastinateApp
from wikiembed.worker.retry import AlwaysRetry
from wikiembed.worker.runtime_holder import runtime_of

UPKEEP_QUEUE = "wikiembed_upkeep"
UPKEEP_PRIORITY = 100


async def _upkeep(context: JobContext, name: str, statement: str, *parameters: object) -> None:
    runtime = await runtime_of(context)
    try:
        found = await runtime.store.upkeep(statement, parameters)
    except (WikiembedError, psycopg.Error) as error:
        emit(
            "upkeep_failed",
            level=40,
            task=name,
            error=type(error).__name__,
            reason=_reason_of(error),
        )
        if context.job.queueing_lock is None:
            raise
        return  # it is periodic: the next one follows, and may hold the queueing lock already
    if any(found.values()):
        emit("upkeep_done", task=name, found=found)


def _reason_of(error: Exception) -> str | None:
    reason = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
    return reason and reason[:200]


def _is_malformed(context: JobContext, unknown: dict[str, object], *, wrong: bool) -> bool:
    """Whether a job deferred by hand is invalid and ends here; warns if so."""
    if unknown or wrong:
        emit("job_malformed", level=30, job_id=context.job.id)
    return bool(unknown) or wrong


async def _periodic(
    context: JobContext, name: str, statement: str, timestamp: object, unknown: dict[str, object]
) -> None:
    if not _is_malformed(context, unknown, wrong=not isinstance(timestamp, int)):
        await _upkeep(context, name, statement)


async def rescue(context: JobContext, /, timestamp: object = 0, **unknown: object) -> None:
    """Requeue the jobs of dead workers, each minute (wikiembed.rescue_jobs)."""
    statement = "select * from wikiembed.rescue_jobs()"
    await _periodic(context, "rescue", statement, timestamp, unknown)


async def fold_ledger(context: JobContext, /, timestamp: object = 0, **unknown: object) -> None:
    """Fold the ledger, each minute (wikiembed.fold_ledger)."""
    statement = "select wikiembed.fold_ledger() as folded"
    await _periodic(context, "fold_ledger", statement, timestamp, unknown)


async def expire_pauses(context: JobContext, /, timestamp: object = 0, **unknown: object) -> None:
    """End expired pauses, each minute (wikiembed.expire_pauses)."""
    statement = "select wikiembed.expire_pauses() as resumed"
    await _periodic(context, "expire_pauses", statement, timestamp, unknown)


async def reconcile(
    context: JobContext,
    /,
    timestamp: object = 0,
    *,
    source: object = None,
    recount: object = None,
    **unknown: object,
) -> None:
    """Repair what bypassed the triggers, every 10 minutes; recount the tables each night.

    Parameters
    ----------
    timestamp :
        When it was due, from procrastinate.
    source :
        Only this source; None: all.
    recount :
        Whether to count the table; None: only when a source is named.
    """
    wrong = not (
        isinstance(timestamp, int)
        and isinstance(source, str | None)
        and isinstance(recount, bool | None)
    )
    if _is_malformed(context, unknown, wrong=wrong):
        return
    count = source is not None if recount is None else recount
    if source is None:
        await _upkeep(context, "reconcile", "select * from wikiembed.reconcile(null, %s)", count)
        return
    # A source that was detached meanwhile has no row: then there is nothing to do.
    await _upkeep(
        context,
        "reconcile",
        "select r.* from wikiembed.sources as s, wikiembed.reconcile(s.name, %s) as r"
        " where s.name = %s",
        count,
        source,
    )


def register(app: ProcrastinateApp) -> None:
    """Register the tasks with `app`, and defer each at its time."""
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
    reconcile_task = app.task(
        name="wikiembed.reconcile",
        queue=UPKEEP_QUEUE,
        priority=UPKEEP_PRIORITY,
        retry=AlwaysRetry(),
        pass_context=True,
    )(reconcile)
    app.periodic(cron="*/10 * * * *", periodic_id="missing", queueing_lock="wikiembed.missing")(
        reconcile_task
    )
    app.periodic(
        cron="17 3 * * *",
        periodic_id="recount",
        queueing_lock="wikiembed.recount",
        task_kwargs={"recount": True},
    )(reconcile_task)
