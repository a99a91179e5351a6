"""The task that splits documents."""

from __future__ import annotations

from wikiembed.documents import work
from wikiembed.errors import ConfigurationError
from wikiembed.pipeline.runtime import Runtime
from wikiembed.worker.binding.api import JobContext, ProcrastinateApp
from wikiembed.worker.retry import AlwaysRetry
from wikiembed.worker.runtime_holder import RuntimeHolder, runtime_of
from wikiembed.worker.tasks import job


async def split(
    context: JobContext,
    /,
    *,
    source: object = None,
    documents: object = None,
    attempt: object = 0,
    rescues: object = 0,
    **unknown: object,
) -> None:
    """Split the documents that wait for it.

    Parameters
    ----------
    source :
        Name of the source.
    documents :
        The documents' keys, as text.
    attempt :
        How often documents of this job were skipped because another transaction had locked them.
    rescues :
        How often a worker died with this job (written by wikiembed.rescue_jobs).
    """
    runtime = await runtime_of(context)
    given = job.arguments_of(context, source=source, keys=documents, attempt=attempt)
    if given is None:
        return
    split_job = work.SplitJob(
        source=given.source, documents=given.keys, attempt=given.attempt, job_id=context.job.id
    )
    await job.run(
        context,
        runtime,
        source=given.source,
        work=_process(split_job, runtime, context.additional_context["runtime"]),
        give_up=lambda message: work.give_up(split_job, runtime, message),
    )


async def _process(split_job: work.SplitJob, runtime: Runtime, holder: RuntimeHolder) -> None:
    try:
        await work.process(split_job, runtime)
        holder.wake()  # for the chunks, whose notification may be throttled
    except ConfigurationError as error:
        # Every other job of this process would fail too: the worker is to end.
        runtime.fatal = error
        raise


def register(app: ProcrastinateApp) -> None:
    """Register the task with `app`, under the name that the triggers write into jobs."""
    app.task(name="wikiembed.split", retry=AlwaysRetry(), pass_context=True)(split)
