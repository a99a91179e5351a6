"""Fetching and finishing jobs: paused queues are left out, and a finish is insisted on."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import psycopg
from procrastinate import jobs, manager
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolClosed

from wikiembed.telemetry import emit

FETCH = """
select id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name,
       attempts, worker_id
  from wikiembed_queue.procrastinate_fetch_job_v2(
         wikiembed_private.runnable_queues(%(queues)s::varchar[], %(upkeep)s), %(worker_id)s)
"""
INSIST_AFTER_S = (0.05, 0.2, 1.0, 2.0, 4.0)
"""Waits between the tries to finish a job whose connection was lost."""


class JobManager(manager.JobManager):
    """Leaves paused queues out of the fetch, and upkeep to the slot that is kept for it."""

    upkeep_apart = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """Fetch a job of a queue that is not paused, or None."""
        row = await self.connector.execute_query_one_async(
            query=FETCH,
            queues=None if queues is None else list(queues),
            upkeep=not self.upkeep_apart,
            worker_id=worker_id,
        )
        if row["id"] is None:
            return None
        return jobs.Job.from_row({**row, "args": _passable(row["args"])})

    async def finish_job(
        self,
        job: jobs.Job,
        status: jobs.Status,
        delete_job: bool,  # noqa: FBT001 - procrastinate's own signature
    ) -> None:
        """Finish a job, also when its connection is lost meanwhile: else it would stay doing."""
        await insist(lambda: super(JobManager, self).finish_job(job, status, delete_job))

    async def retry_job(
        self,
        job: jobs.Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put a job back into the queue, also when its connection is lost meanwhile."""
        await insist(
            lambda: super(JobManager, self).retry_job(job, retry_at, priority, queue, lock)
        )


def _passable(arguments: object) -> dict[str, Any]:
    """Arguments that a task can be called with; others under a name that every task refuses.

    Of a job that was deferred by hand they may be any JSON: procrastinate would fail on what is
    no object outside of the job, which would stay doing, and ``self`` is its own `Task`'s.
    """
    if isinstance(arguments, dict) and "self" not in arguments:
        return arguments
    return {"malformed": arguments}


async def insist(call: Callable[[], Awaitable[None]]) -> None:
    """Call, and call again while the connection is lost.

    A job that is not `doing` any longer was finished by a try whose answer was lost, or taken
    over after a rescue: then nothing is left to do.
    """
    for tries, wait_s in enumerate((*INSIST_AFTER_S, None), 1):
        try:
            await call()
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.RaiseException):
                emit("job_was_finished", level=10, tries=tries)
                return
            closed = isinstance(error.__cause__, PoolClosed)
            lost = isinstance(error.__cause__, psycopg.OperationalError)
            if wait_s is None or closed or not lost:
                raise
            emit("finish_repeated", level=10, tries=tries, error=type(error.__cause__).__name__)
            await asyncio.sleep(wait_s)
        else:
            return
