"""What the tasks of a source share: their arguments, and the handling of unexpected errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wikiembed.errors import WikiembedError
from wikiembed.pipeline.batch import StillStale
from wikiembed.pipeline.runtime import Runtime
from wikiembed.telemetry import emit
from wikiembed.worker.binding.api import JobContext
from wikiembed.worker.retry import UNEXPECTED_BEFORE_BLAME, is_out_of_memory, is_transient

MOST_ATTEMPTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Arguments:
    """The valid arguments of a job; `keys` are those of chunks or of documents."""

    source: str
    keys: list[str]
    attempt: int


def arguments_of(
    context: JobContext, *, source: object, keys: object, attempt: object
) -> Arguments | None:
    """The arguments of a job; None, with a warning, when it is to end.

    A job that was deferred by hand may have any arguments: keys that are neither text nor numbers
    are left out, and the job ends when none is left.
    """
    texts = [str(k) for k in keys if isinstance(k, str | int)] if isinstance(keys, list) else []
    if not isinstance(source, str) or not texts:
        emit("job_malformed", level=30, job_id=context.job.id)
        return None
    passed_by = min(max(attempt, 0), MOST_ATTEMPTS) if isinstance(attempt, int) else 0
    return Arguments(source, texts, passed_by)


async def run(
    context: JobContext,
    runtime: Runtime,
    *,
    source: str,
    work: Awaitable[None],
    give_up: Callable[[str], Awaitable[None]],
) -> None:
    """Await `work`; after several unexpected errors of the job call `give_up` with a sentence.

    Raises: what `work` raises, so that the job is retried.
    """
    job_id = context.job.id
    try:
        await work
    except (WikiembedError, StillStale, asyncio.CancelledError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            emit("out_of_memory", level=40, source=source, job_id=job_id)
        if is_transient(error):
            raise
        runtime.unexpected[job_id] += 1
        emit(
            "job_failed",
            level=40,
            source=source,
            job_id=job_id,
            attempts=runtime.unexpected[job_id],
            error=type(error).__name__,
        )
        if runtime.unexpected[job_id] < UNEXPECTED_BEFORE_BLAME:
            raise
        await give_up(f"The job ended {UNEXPECTED_BEFORE_BLAME} times with {type(error).__name__}.")
    del runtime.unexpected[job_id]
