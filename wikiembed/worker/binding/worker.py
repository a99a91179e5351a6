"""procrastinate's worker with extra fetches, a heartbeat at shutdown and chosen periodic tasks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Any, cast

import psycopg
from procrastinate import job_context, jobs, periodic, worker
from procrastinate.exceptions import ConnectorException

from wikiembed.db.sqlstate import Kind, kind_of_error
from wikiembed.telemetry import emit
from wikiembed.worker.admission import Admission
from wikiembed.worker.binding.job_manager import JobManager
from wikiembed.worker.local_queue import LocalQueue
from wikiembed.worker.runtime_holder import RuntimeHolder

FETCH_AGAIN_AFTER_S = (0.02, 0.05, 0.1)


class Worker(worker.Worker):
    """Fetches again shortly after each notification: only one insert in 20 ms notifies."""

    def __init__(
        self,
        *,
        periodic_tasks: Callable[[str], bool] = lambda name: True,
        limit: Callable[[], int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._local_queue = LocalQueue(admission=Admission(limit=limit))
        self._may_defer = periodic_tasks
        self.ended = asyncio.Event()
        self.cause: BaseException | None = None

    @property
    def _manager(self) -> JobManager:
        return cast("JobManager", self.app.job_manager)

    @property
    def job_ids(self) -> set[int]:
        """Ids of the jobs that wait, run, or are about to be finished, in this worker."""
        running = {c.job.id for c in self._running_jobs.values() if c.job.id is not None}
        return running | self._local_queue.ids

    async def _periodic_deferrer(self) -> None:
        """Defer the periodic tasks that `periodic_tasks` selects.

        With none it waits for ever: a side task that ends would hide the end of another, such
        as a lost LISTEN. Does not reconnect after a deadlock with another worker's deferrer.
        """
        registry = periodic.PeriodicRegistry()  # type: ignore[no-untyped-call]
        registry.periodic_tasks = {
            key: task
            for key, task in self.app.periodic_registry.periodic_tasks.items()
            if self._may_defer(key[0])
        }
        if not registry.periodic_tasks:
            await asyncio.Event().wait()
        deferrer = periodic.PeriodicDeferrer(registry=registry, **self.app.periodic_defaults)
        while True:
            try:
                await deferrer.worker()
            except ConnectorException as error:
                cause = error.__cause__
                if cause is None or kind_of_error(cause) is not Kind.PASSING:
                    raise
                emit("deferrer_gave_way", level=10, error=type(cause).__name__)
                await asyncio.sleep(1)

    async def _handle_notification(self, *, channel: str, notification: jobs.Notification) -> None:
        await super()._handle_notification(channel=channel, notification=notification)
        loop = asyncio.get_running_loop()
        for delay_s in FETCH_AGAIN_AFTER_S:
            loop.call_later(delay_s, self._new_job_event.set)

    async def _monitor_side_tasks(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        await super()._monitor_side_tasks(side_tasks)
        raised = [t.exception() for t in side_tasks if t.done() and not t.cancelled()]
        self.cause = next((error for error in raised if error is not None), None)

    def _log_extra(
        self,
        action: str,
        context: job_context.JobContext | None,
        job_result: job_context.JobResult | None,
        **more: Any,
    ) -> dict[str, Any]:
        """Copy the job, with all of its keys, only where records of level INFO are kept.

        It is asked four times for each job, whatever is logged.
        """
        kept = context if self.logger.isEnabledFor(logging.INFO) else None
        return super()._log_extra(action, kept, job_result, **more)

    async def _run_loop(self) -> None:
        """Fetch into this worker's own local queue, from here on."""
        if self.worker_id is not None:
            self._manager.open_local_queue(self.worker_id, self._local_queue)
            await self._register(self.worker_id)
        runtime = (self.additional_context or {}).get("runtime")
        waker = self._new_job_event.set
        if isinstance(runtime, RuntimeHolder):
            runtime.add_waker(waker)
        try:
            await super()._run_loop()  # type: ignore[no-untyped-call]
        finally:
            if isinstance(runtime, RuntimeHolder):
                runtime.remove_waker(waker)

    async def _register(self, worker_id: int) -> None:
        """Register this worker as a slot of its process."""
        app: Any = self.app
        runtime = (self.additional_context or {}).get("runtime")
        if isinstance(runtime, RuntimeHolder):
            await app.process.register(self.app.connector, worker_id, runtime.settings)

    async def _shutdown(self, side_tasks: list[asyncio.Task[Any]]) -> None:
        """Set `ended` and `cause`, and requeue waiting jobs, before waiting for running ones."""
        self.cause = self.cause or sys.exception()
        self.ended.set()
        if self.worker_id is not None:
            # The rescue finds jobs that cannot be released here, since Postgres is lost.
            with contextlib.suppress(ConnectorException, psycopg.Error):
                await self._manager.close_local_queue(self.worker_id)
        await super()._shutdown(side_tasks)

    def stop(self) -> None:
        """Fetch no more jobs; those that wait for a server are requeued."""
        super().stop()  # type: ignore[no-untyped-call]
        self._local_queue.close()
        runtime = (self.additional_context or {}).get("runtime")
        if isinstance(runtime, RuntimeHolder) and runtime.opened is not None:
            runtime.opened.stop()

    async def heartbeat(self) -> None:
        """Send a heartbeat; procrastinate sends none while it finishes its jobs."""
        if self.worker_id is not None:
            await self.app.job_manager.update_heartbeat(self.worker_id)

    async def work(self) -> None:
        """Run until `end`, or until the connection fails."""
        await self.run()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """Fetch no more jobs; those in progress finish."""
        self.stop()

    async def abort(self) -> None:
        """Cancel the running jobs; each is requeued."""
        await self._abort_running_jobs()  # type: ignore[no-untyped-call]
