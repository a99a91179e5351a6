"""The periodic check that servers still run the models that made the stored vectors."""

from __future__ import annotations

import asyncio

import psycopg

from wikiembed.embedders.base import Embedder
from wikiembed.errors import DatabaseError, SourceNotFound, WikiembedError
from wikiembed.pipeline.runtime import Runtime
from wikiembed.search.verify import Comparison, Outcome, compare
from wikiembed.servers.classify import Stopping
from wikiembed.store.model_checks import Sampled
from wikiembed.store.resolution import for_documents
from wikiembed.store.source import Source
from wikiembed.telemetry import emit
from wikiembed.worker.binding.api import JobContext, ProcrastinateApp
from wikiembed.worker.runtime_holder import runtime_of
from wikiembed.worker.tasks.upkeep import UPKEEP_PRIORITY, UPKEEP_QUEUE

NAME = "wikiembed.verify"
CRON = "41 * * * *"
SOURCE_S, WHOLE_S = 5.0, 20.0
"""How long one source may take, and all of them: the other upkeep waits for this job."""


async def verify(context: JobContext, /, timestamp: object = 0, **unknown: object) -> None:
    """Check the model of each source that was not checked for a day, by a few chunks.

    A source is passed over while it is paused or its server does not answer, and where this worker
    has another model than the source: the next hour's job, in whichever worker, tries again.

    Parameters
    ----------
    timestamp :
        When it was due, from procrastinate.
    """
    if unknown or not isinstance(timestamp, int):
        emit("job_malformed", level=30, job_id=context.job.id)
        return
    runtime = await runtime_of(context)
    if runtime.settings.verify_chunks == 0:
        return
    try:
        async with asyncio.timeout(WHOLE_S):
            for name in await runtime.model_checks.due():
                await _verify_or_report(name, runtime)
    except Stopping:
        return
    except (TimeoutError, WikiembedError, psycopg.Error) as error:
        _failed(None, error)


async def _verify_or_report(name: str, runtime: Runtime) -> None:
    """Check one source; its server's errors are reported, those of Postgres raised.

    Raises: Stopping, DatabaseError, TimeoutError.
    """
    try:
        async with asyncio.timeout(SOURCE_S):
            await _verify(name, runtime)
    except SourceNotFound:
        return  # detached meanwhile
    except DatabaseError:
        raise
    except (TimeoutError, WikiembedError, psycopg.Error) as error:
        _failed(name, error)


def _failed(source: str | None, error: Exception) -> None:
    emit(
        "model_check_failed",
        level=30,
        source=source,
        error=type(error).__name__,
        reason=str(error)[:200],
    )


async def _verify(name: str, runtime: Runtime) -> None:
    """Check one source; nothing is recorded where there is nothing to compare."""
    source = await runtime.store.get_source(name)
    chunks = await runtime.model_checks.sample(name, runtime.settings.verify_chunks)
    # The vectors may be another model's than the one that was read before them.
    if not chunks or (await runtime.store.get_source(name)).version != source.version:
        return
    resolved = for_documents(source, runtime.settings)
    channels = runtime.channels(resolved.provider, resolved.model)

    # Not this worker's setting, which may differ: what made the vectors.
    prefix = resolved.prefix if source.document_prefix is None else source.document_prefix

    async def work(embedder: Embedder) -> Comparison | None:
        return await _compare(embedder, source, chunks, prefix=prefix)

    if not channels.in_reach:
        await channels.describe()
    each = [await channel.beside(work) for channel in channels.in_reach]
    found = max((one for one in each if one), key=lambda one: one.median, default=None)
    if found is None or source.model is None:
        return
    await runtime.model_checks.record(
        name, (source.model, len(found.keys), found.median, found.largest, found.outcome)
    )
    if found.outcome is not Outcome.SAME:
        emit(
            "model_drift",
            level=30,
            source=name,
            model=source.model,
            outcome=found.outcome.value,
            sample=len(found.keys),
            median_distance=round(found.median, 6),
            max_distance=round(found.largest, 6),
        )


async def _compare(
    embedder: Embedder, source: Source, chunks: list[Sampled], *, prefix: str
) -> Comparison | None:
    """Compare, unless the server has another model than the source, or other dimensions."""
    info = await embedder.describe()
    provider = source.provider or info.provider
    if (provider, source.model) != (info.provider, info.pins_as(source.model)) or any(
        len(chunk.vector) != info.dimensions for chunk in chunks
    ):
        return None
    return await compare(embedder, chunks, prefix=prefix, batch_size=len(chunks))


def register(app: ProcrastinateApp) -> None:
    """Register the task with `app`, and defer it each hour."""
    task = app.task(
        name=NAME,
        queue=UPKEEP_QUEUE,
        priority=UPKEEP_PRIORITY,
        queueing_lock=NAME,
        pass_context=True,
    )(verify)
    app.periodic(cron=CRON)(task)
