"""Fetching and finishing jobs, many at a time; a finish is insisted on."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import psycopg
from procrastinate import jobs, manager
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolClosed

from wikiembed.backoff import Backoff
from wikiembed.telemetry import emit
from wikiembed.worker.batch_completer import BatchCompleter
from wikiembed.worker.local_queue import AHEAD_S, Fetched, LocalQueue

FETCH = """
select j.id, j.status, j.task_name, j.priority, j.lock, j.queueing_lock, j.args, j.scheduled_at,
       j.queue_name, j.attempts, j.worker_id, coalesce(s.batch_size, 1) as batch_size
  from wikiembed_private.fetch_jobs(
         %(queues)s::varchar[], %(upkeep)s, %(worker_id)s::bigint,
         %(most_jobs)s::integer, %(most_chunks)s::integer) as j
  left join wikiembed.sources as s
    on s.queue_name = j.queue_name and j.task_name = 'wikiembed.embed'
"""
FINISH = "select wikiembed_private.finish_jobs(%(job_ids)s::bigint[]) as job_ids"
RELEASE = "select wikiembed.release_jobs(%(worker_id)s::bigint, %(job_ids)s::bigint[]) as released"
RUNNABLE = "select wikiembed_private.runnable_queues(%(queues)s::varchar[]) as queues"
BACKOFF = Backoff(first_s=0.05, longest_s=4.0, factor=4.0)
RETRIES = 5
"""Of a call whose connection was lost."""


class JobManager(manager.JobManager):
    """Fetches jobs into the hand of each worker, and finishes them many at a time.

    Paused queues are left out of the fetch, and upkeep is left to the slot that is kept for it.
    With `batch_size` small jobs join up to so many chunks, instead of up to their source's own.
    """

    upkeep_apart = False
    batch_size: int | None = None

    def __init__(self, connector: Any) -> None:
        super().__init__(connector)
        self._local_queues: dict[int, LocalQueue] = {}
        self._finisher = BatchCompleter(self._delete)

    def open_local_queue(self, worker_id: int, local_queue: LocalQueue) -> None:
        """Fetch for this worker into `hand`."""
        self._local_queues[worker_id] = local_queue

    async def close_local_queue(self, worker_id: int) -> None:
        """Begin no more for this worker; jobs that wait in its hand go back to the queue."""
        local_queue = self._local_queues.pop(worker_id, None)
        if local_queue is not None:
            local_queue.close()
            await self._release(worker_id, local_queue.clear())

    def _queue_of(self, worker_id: int | None) -> LocalQueue:
        if worker_id is None:
            return LocalQueue()
        return self._local_queues.setdefault(worker_id, LocalQueue())

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """The next job of the worker's hand, which is filled from queues that are not paused.

        None when none waits, or when the hand was closed.
        """
        local_queue = self._queue_of(worker_id)
        while await local_queue.wait_for_room():
            if not local_queue:
                await asyncio.sleep(local_queue.early_s)
                await self._fill(local_queue, None if queues is None else list(queues), worker_id)
                if not local_queue:
                    return None
            elif local_queue.age_s > AHEAD_S:
                await self._put_back_paused(local_queue, worker_id)
                if not local_queue:
                    continue
            return await local_queue.begin()
        return None

    async def _fill(
        self, local_queue: LocalQueue, queues: list[str] | None, worker_id: int
    ) -> None:
        most_jobs, most_chunks = local_queue.wanted()
        rows = await self.connector.execute_query_all_async(
            query=FETCH,
            queues=queues,
            upkeep=not self.upkeep_apart,
            worker_id=worker_id,
            most_jobs=most_jobs,
            most_chunks=most_chunks,
        )
        fetched = [
            Fetched(
                jobs.Job.from_row({**row, "args": _passable(row["args"])}),
                min(row["batch_size"], self.batch_size or row["batch_size"]),
            )
            for row in rows
        ]
        await self._release(worker_id, local_queue.add(fetched, most_chunks=most_chunks))

    async def _put_back_paused(self, local_queue: LocalQueue, worker_id: int) -> None:
        """Jobs that waited for longer than was meant: their sources may be paused meanwhile."""
        row = await self.connector.execute_query_one_async(
            query=RUNNABLE, queues=sorted(local_queue.queues)
        )
        await self._release(worker_id, local_queue.keep(set(row["queues"])))

    async def _release(self, worker_id: int, job_ids: list[int]) -> None:
        if job_ids:
            await self.connector.execute_query_one_async(
                query=RELEASE, worker_id=worker_id, job_ids=job_ids
            )

    async def _delete(self, job_ids: Sequence[int]) -> None:
        await self.connector.execute_query_one_async(query=FINISH, job_ids=list(job_ids))

    async def finish_job(
        self,
        job: jobs.Job,
        status: jobs.Status,
        delete_job: bool,  # noqa: FBT001 - procrastinate's own signature
    ) -> None:
        """Finish a job, also when its connection is lost meanwhile: else it would stay doing.

        With it those that were embedded together with it.
        """
        local_queue = self._queue_of(job.worker_id)
        local_queue.ended(job)
        group = local_queue.group_of(job)
        try:
            if status is jobs.Status.SUCCEEDED and delete_job:
                await retry_while_lost(
                    lambda: self._finisher.finish([one.id for one in group if one.id])
                )
            else:
                for one in group:
                    await retry_while_lost(partial(super().finish_job, one, status, delete_job))
        finally:
            local_queue.forget(job)  # what is not finished now is found by the rescue

    async def retry_job(
        self,
        job: jobs.Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put a job back into the queue, also when its connection is lost meanwhile.

        With it those that were embedded together with it; each comes back by itself.
        """
        local_queue = self._queue_of(job.worker_id)
        try:
            for one in local_queue.group_of(job):
                await retry_while_lost(
                    partial(super().retry_job, one, retry_at, priority, queue, lock)
                )
        finally:
            local_queue.forget(job)


def _passable(arguments: object) -> dict[str, Any]:
    """Arguments that a task can be called with; others under a name that every task refuses.

    Of a job that was deferred by hand they may be any JSON: procrastinate would fail on what is
    no object outside of the job, which would stay doing, and ``self`` is its own `Task`'s.
    """
    if isinstance(arguments, dict) and "self" not in arguments:
        return arguments
    return {"malformed": arguments}


async def retry_while_lost(call: Callable[[], Awaitable[None]]) -> None:
    """Call, and call again while the connection is lost.

    A job that is not `doing` any longer was finished by a try whose answer was lost, or taken
    over after a rescue: then nothing is left to do.
    """
    for tries, wait_s in enumerate((*BACKOFF.waits_s(RETRIES), None), 1):
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
