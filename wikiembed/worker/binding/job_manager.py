"""Fetch and finish jobs, many at a time; a finish is retried while its connection is lost."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import psycopg
from procrastinate import jobs, manager
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolClosed

from wikiembed.backoff import Backoff
from wikiembed.telemetry import emit
from wikiembed.worker.admission import FETCH_AHEAD_S
from wikiembed.worker.batch_completer import BatchCompleter
from wikiembed.worker.local_queue import Fetched, LocalQueue

FETCH = """
select j.id, j.status, j.task_name, j.priority, j.lock, j.queueing_lock, j.args, j.scheduled_at,
       j.queue_name, j.attempts, j.worker_id,
       extract(epoch from clock_timestamp() - j.queued_at)::double precision as waited_s,
       coalesce(s.batch_size, 1) as batch_size
  from wikiembed_private.fetch_jobs(
         %(queues)s::varchar[], %(upkeep)s, %(worker_id)s::bigint,
         %(most_jobs)s::integer, %(most_chunks)s::integer) as j
  left join wikiembed.sources as s
    on s.queue_name = j.queue_name and j.task_name = 'wikiembed.embed'
"""
FINISH = "select wikiembed_private.finish_jobs(%(job_ids)s::bigint[]) as job_ids"
RELEASE = "select wikiembed.release_jobs(%(worker_id)s::bigint, %(job_ids)s::bigint[]) as released"
REPORT = "select wikiembed.report_requests(%(worker_id)s::bigint, %(requests)s::jsonb)"
RUNNABLE = "select wikiembed_private.runnable_queues(%(queues)s::varchar[]) as queues"
BACKOFF = Backoff(first_s=0.05, longest_s=4.0, factor=4.0)
SOURCES = "embed_"
"""With which the queue of each source begins."""
RETRIES = 5
"""Retries of a call whose connection was lost."""


class JobManager(manager.JobManager):
    """Fetches jobs into the local queue of each worker, and finishes them many at a time.

    The fetch leaves out paused queues, and with `upkeep_apart` the upkeep jobs, which have a slot
    of their own. `batch_size`: chunks up to which small jobs join; None: their source's own.
    `requests`: what is in flight to each server, which heartbeats report. `finished`: jobs of
    sources that are done; upkeep says nothing of whether a worker can embed.
    """

    upkeep_apart = False
    batch_size: int | None = None
    requests: Callable[[], list[dict[str, object]]] | None = None
    finished = 0

    def __init__(self, connector: Any) -> None:
        super().__init__(connector)
        self._local_queues: dict[int, LocalQueue] = {}
        self._completer = BatchCompleter(self._delete)
        self._reported: dict[int, str] = {}

    def open_local_queue(self, worker_id: int, local_queue: LocalQueue) -> None:
        """Fetch for this worker into `local_queue`."""
        self._local_queues[worker_id] = local_queue

    async def close_local_queue(self, worker_id: int) -> None:
        """Begin no more jobs for this worker; requeue those that wait in its local queue."""
        local_queue = self._local_queues.pop(worker_id, None)
        if local_queue is not None:
            local_queue.close()
            await self._release(worker_id, local_queue.clear())

    def _queue_of(self, worker_id: int | None) -> LocalQueue:
        if worker_id is None:
            return LocalQueue()
        return self._local_queues.setdefault(worker_id, LocalQueue())

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """The next job of the worker's local queue, which is filled from queues not paused.

        None when no job waits, or when the local queue was closed.
        """
        local_queue = self._queue_of(worker_id)
        while await local_queue.wait_for_room():
            if not local_queue:
                await asyncio.sleep(local_queue.fetch_delay_s)
                await self._fill(local_queue, None if queues is None else list(queues), worker_id)
                if not local_queue:
                    return None
            elif local_queue.age_s > FETCH_AHEAD_S:
                await self._release_paused(local_queue, worker_id)
                if not local_queue:
                    continue
            return await local_queue.begin()
        return None

    async def _fill(
        self, local_queue: LocalQueue, queues: list[str] | None, worker_id: int
    ) -> None:
        most_jobs, most_chunks = local_queue.fetch_size()
        rows = await self.connector.execute_query_all_async(
            query=FETCH,
            queues=queues,
            upkeep=not self.upkeep_apart,
            worker_id=worker_id,
            most_jobs=most_jobs,
            most_chunks=most_chunks,
        )
        received = time.monotonic()
        fetched = [
            Fetched(
                jobs.Job.from_row({**row, "args": _callable_arguments(row["args"])}),
                min(row["batch_size"], self.batch_size or row["batch_size"]),
                None if row["waited_s"] is None else received - row["waited_s"],
            )
            for row in rows
        ]
        await self._release(worker_id, local_queue.add(fetched, most_chunks=most_chunks))

    async def _release_paused(self, local_queue: LocalQueue, worker_id: int) -> None:
        """Requeue jobs of paused sources, which may have been paused after the fetch."""
        row = await self.connector.execute_query_one_async(
            query=RUNNABLE, queues=sorted(local_queue.queues)
        )
        await self._release(worker_id, local_queue.keep(set(row["queues"])))

    async def _release(self, worker_id: int, job_ids: list[int]) -> None:
        if job_ids:
            await self.connector.execute_query_one_async(
                query=RELEASE, worker_id=worker_id, job_ids=job_ids
            )

    async def update_heartbeat(self, worker_id: int) -> None:
        """Send a heartbeat, and what is in flight if that has changed.

        Only pages show it: after an error of the report the worker works on.
        """
        await super().update_heartbeat(worker_id)
        requests = json.dumps([] if self.requests is None else self.requests())
        if requests == self._reported.get(worker_id, "[]"):
            return
        with contextlib.suppress(ConnectorException):
            await self.connector.execute_query_async(
                query=REPORT, worker_id=worker_id, requests=requests
            )
            self._reported[worker_id] = requests

    async def _delete(self, job_ids: Sequence[int]) -> None:
        await self.connector.execute_query_one_async(query=FINISH, job_ids=list(job_ids))

    async def finish_job(
        self,
        job: jobs.Job,
        status: jobs.Status,
        delete_job: bool,  # noqa: FBT001 - procrastinate's own signature
    ) -> None:
        """Finish a job and those embedded together with it.

        Retries when the connection is lost: else the jobs would stay `doing`.
        """
        local_queue = self._queue_of(job.worker_id)
        local_queue.ended(job)
        group = local_queue.group_of(job)
        try:
            if status is jobs.Status.SUCCEEDED and delete_job:
                await retry_while_lost(
                    lambda: self._completer.finish([one.id for one in group if one.id])
                )
                self.finished += sum(one.queue.startswith(SOURCES) for one in group)
            else:
                for one in group:
                    await retry_while_lost(partial(super().finish_job, one, status, delete_job))
        finally:
            local_queue.forget(job)  # the rescue finds jobs that are not finished now

    async def retry_job(
        self,
        job: jobs.Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Requeue a job and those embedded together with it, each as a job of its own.

        Retries when the connection is lost.
        """
        local_queue = self._queue_of(job.worker_id)
        try:
            for one in local_queue.group_of(job):
                await retry_while_lost(
                    partial(super().retry_job, one, retry_at, priority, queue, lock)
                )
        finally:
            local_queue.forget(job)


def _callable_arguments(arguments: object) -> dict[str, Any]:
    """Arguments that a task can be called with; others under a name that every task refuses.

    A job deferred by hand may have any JSON: on a value that is not an object procrastinate would
    fail outside of the job, which would stay `doing`, and ``self`` is an argument of its `Task`.
    """
    if isinstance(arguments, dict) and "self" not in arguments:
        return arguments
    return {"malformed": arguments}


async def retry_while_lost(call: Callable[[], Awaitable[None]]) -> None:
    """Call, and retry while the connection is lost.

    A job that is no longer `doing` was finished by a try whose result was lost, or taken over
    after a rescue: then nothing is left to do.
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
