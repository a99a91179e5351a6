"""The procrastinate app: ``procrastinate --app=wikiembed.app.app worker``.

Importing it reads no setting and opens no connection; opening the app does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import procrastinate
import psycopg
from procrastinate import jobs, manager, worker
from psycopg_pool import AsyncConnectionPool

from wikiembed import tasks
from wikiembed.config import Settings, load_settings
from wikiembed.db.connect import database_url, translate_errors
from wikiembed.pipeline import Runtime
from wikiembed.tasks import UPKEEP_QUEUE

FETCH = """
select id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name,
       attempts, worker_id
  from wikiembed_queue.procrastinate_fetch_job_v2(
         wikiembed_private.runnable_queues(%(queues)s::varchar[], %(upkeep)s), %(worker_id)s)
"""
LOOK_AGAIN_S = (0.02, 0.05, 0.1)


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """Autocommit, and only procrastinate's own schema on the path."""
    await connection.set_autocommit(True)
    await connection.execute("set search_path = wikiembed_queue, pg_catalog")


class Connector(procrastinate.PsycopgConnector):
    """Finds out where Postgres is when the app is opened, not when it is imported."""

    def __init__(self, runtime: RuntimeHolder) -> None:
        super().__init__(configure=_configure)
        self._runtime = runtime

    async def _create_pool(self, pool_args: dict[str, Any]) -> AsyncConnectionPool[Any]:
        with translate_errors():
            conninfo = await asyncio.to_thread(database_url, self._runtime.settings)
            return AsyncConnectionPool(
                conninfo,
                min_size=2,
                max_size=8,
                open=False,
                check=AsyncConnectionPool.check_connection,
                kwargs={"application_name": "wikiembed queue", "connect_timeout": 10},
                timeout=15,
                reconnect_timeout=15,
                **pool_args,
            )

    async def close_async(self) -> None:
        """Close the queue's pool and, with it, the tasks' resources."""
        await self._runtime.aclose()
        await super().close_async()


class RuntimeHolder:
    """The tasks' resources, opened on first use and closed with the app."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._runtime: Runtime | None = None
        self._opening: asyncio.Lock | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read once.

        Raises: ConfigurationError.
        """
        if self._settings is None:
            self._settings = load_settings()
        return self._settings

    def use(self, settings: Settings) -> None:
        """Take these settings instead of the environment's."""
        self._settings = settings

    @property
    def opened(self) -> Runtime | None:
        """The runtime, if some job has asked for it already."""
        return self._runtime

    async def get(self) -> Runtime:
        """The runtime, opened when it is not."""
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._runtime is None:
                url = await asyncio.to_thread(database_url, self.settings)
                self._runtime = await Runtime.open(
                    self.settings, url, concurrency=self.settings.concurrency
                )
            return self._runtime

    async def aclose(self) -> None:
        """Close the runtime, if it was opened."""
        runtime, self._runtime, self._opening = self._runtime, None, None
        if runtime is not None:
            await runtime.aclose()


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
        return None if row["id"] is None else jobs.Job.from_row(row)


class Worker(worker.Worker):
    """Looks again a little after each wake: only one insert in 20 ms notifies."""

    async def _handle_notification(self, *, channel: str, notification: jobs.Notification) -> None:
        await super()._handle_notification(channel=channel, notification=notification)
        loop = asyncio.get_running_loop()
        for delay_s in LOOK_AGAIN_S:
            loop.call_later(delay_s, self._new_job_event.set)

    def stop(self) -> None:
        """Take no more jobs; those that wait for a server go back to the queue."""
        super().stop()  # type: ignore[no-untyped-call]
        runtime = (self.additional_context or {}).get("runtime")
        if isinstance(runtime, RuntimeHolder) and runtime.opened is not None:
            runtime.opened.stop()

    async def beat(self) -> None:
        """Say that the worker lives; procrastinate falls silent while it finishes its jobs."""
        if self.worker_id is not None:
            await self.app.job_manager.update_heartbeat(self.worker_id)

    async def work(self) -> None:
        """Run until `end`, or until something is wrong with the connection."""
        await self.run()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """Fetch no more jobs; those in hand finish."""
        self.stop()

    async def abort(self) -> None:
        """Cancel the jobs in hand: each goes back to the queue."""
        await self._abort_running_jobs()  # type: ignore[no-untyped-call]


class App(procrastinate.App):
    """procrastinate's app with wikiembed's connector, job manager and worker."""

    def __init__(self) -> None:
        self.runtime = RuntimeHolder()
        super().__init__(
            connector=Connector(self.runtime),
            worker_defaults={
                "delete_jobs": jobs.DeleteJobCondition.SUCCESSFUL,
                "additional_context": {"runtime": self.runtime},
            },
        )
        self.job_manager: JobManager = JobManager(connector=self.connector)
        tasks.register(self)

    def new_worker(self, **options: Any) -> Worker:
        """A worker of this app that leaves signals to its caller."""
        return self._worker(install_signal_handlers=False, **options)

    def _worker(self, **kwargs: Any) -> Worker:
        options: dict[str, Any] = {**self.worker_defaults, **kwargs}
        return Worker(app=self, **options)


# procrastinate's INFO lines hold every key of a job.
if logging.getLogger("procrastinate").level == logging.NOTSET:
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
app = App()

__all__ = ["UPKEEP_QUEUE", "App", "RuntimeHolder", "Worker", "app"]
