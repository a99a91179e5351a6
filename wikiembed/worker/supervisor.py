"""Run workers in this process, through signals, drains, and losses of Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable

from wikiembed.config import Settings
from wikiembed.db import version
from wikiembed.metrics.observer import Observer
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import Stats
from wikiembed.servers.shared_limits import SharedLimits
from wikiembed.worker.binding.app import App
from wikiembed.worker.connection_loss import LOST, ConnectionLoss, unreachable
from wikiembed.worker.drain import DRAIN_POLL_S, OnProgress, WorkerOptions
from wikiembed.worker.liveness import alive
from wikiembed.worker.session import Session
from wikiembed.worker.stop_signals import StopSignals

POLL_S = 5.0
RESCUE_EVERY_S = 5.0


class Supervisor:
    """One `wikiembed worker`: embeds `concurrency` batches at a time and runs the upkeep.

    `concurrency` None: an adaptive limit. `source`: only this one; None: all. `batch_size`: chunks
    up to which small jobs join; None: their source's own.

    With `drain` it ends when no job waits or runs; `on_progress` receives what is left meanwhile.
    `observer`: where metrics and traces go; None: they are off. `signals`: whether SIGTERM and
    SIGINT end it, which only the main thread of a process can catch. `limits`: of the requests in
    flight, shared with other supervisors; None: its own.
    """

    def __init__(
        self,
        app: App,
        settings: Settings,
        *,
        drain: bool,
        concurrency: int | None,
        source: str | None = None,
        batch_size: int | None = None,
        on_progress: OnProgress | None = None,
        stats: Stats | None = None,
        observer: Observer | None = None,
        poll_s: float | None = None,
        rescue_every_s: float = RESCUE_EVERY_S,
        signals: bool = True,
        limits: SharedLimits | None = None,
    ) -> None:
        self._app = app
        self._options = WorkerOptions(
            drain=drain,
            source=source,
            concurrency=concurrency,
            poll_s=poll_s or (DRAIN_POLL_S if drain else POLL_S),
            rescue_every_s=rescue_every_s,
            outage_limit_s=settings.outage_limit_s,
            on_progress=on_progress,
        )
        self._alive_file = settings.alive_file
        self._stop = asyncio.Event()
        self._signals = StopSignals(self.stop, self.abort) if signals else None
        self._loss = ConnectionLoss()
        self._session: Session | None = None
        self._lost_worker_ids: list[int] = []
        app.runtime.use(
            settings.model_copy(update={"concurrency": concurrency}),
            stats=stats,
            observer=observer,
            limits=limits,
        )
        app.job_manager.upkeep_apart = True
        app.job_manager.batch_size = batch_size
        app.job_manager.requests = lambda: (
            app.runtime.opened.requests if app.runtime.opened is not None else []
        )

    @property
    def stopped_by(self) -> signal.Signals | None:
        """The signal received, if any."""
        return None if self._signals is None else self._signals.received

    @property
    def has_worked(self) -> bool:
        """Whether it was connected to its database once."""
        return self._session is not None

    @property
    def finished(self) -> int:
        """Jobs that it has finished."""
        return self._app.job_manager.finished

    @property
    def outage(self) -> tuple[float, str | None]:
        """Seconds since its embedding servers are out of reach, and why; 0 while they are not."""
        opened = self._app.runtime.opened
        return (0.0, None) if opened is None else (opened.outage_s, opened.outage_reason)

    async def run(self) -> None:
        """Work until drained or stopped.

        Raises: SourcePaused, ModelMismatch, EmbedderUnavailable, DatabaseUnreachable,
        SchemaMismatch.
        """
        with self._signals.caught() if self._signals else contextlib.nullcontext():
            async with alive(self._alive_file):
                await self._work_until_done()

    async def _work_until_done(self) -> None:
        """Work, and reconnect after each loss of Postgres."""
        while not self._stop.is_set():
            try:
                await self._work()
            except LOST as error:
                if self._stop.is_set():
                    return
                if self._session is None:
                    raise unreachable(error) from error
                self._loss.began(error)
                if self._options.drain and self._loss.seconds > self._options.outage_limit_s:
                    raise unreachable(error) from error
                await self._unless_stopped(asyncio.sleep(self._loss.next_wait_s()))
            else:
                return

    async def _work(self) -> None:
        """Connect, and work until done; return at once when stopped while connecting."""
        try:
            if await self._unless_stopped(self._open()):
                await self._run_session()
        finally:
            await self._app.close_async()

    async def _run_session(self) -> None:
        runtime = await self._app.runtime.get()
        self._loss.over()
        self._session = Session(self._app, runtime, self._options, stop=self._stop, loss=self._loss)
        try:
            await self._session.run()
        except LOST:
            self._lost_worker_ids += self._session.worker_ids
            raise

    async def _open(self) -> None:
        await self._app.open_async()
        runtime = await self._app.runtime.get()
        version.require_head(await runtime.store.schema_version())
        if self._session is None:
            await runtime.store.upkeep("select * from wikiembed.rescue_jobs()")
        await self._release_orphaned_jobs(runtime)

    async def _release_orphaned_jobs(self, runtime: Runtime) -> None:
        """Release the jobs that this process had when it lost Postgres.

        Those of other processes are left to the rescue some seconds later: after a long loss their
        heartbeats are old as well, and they are about to write their vectors.
        """
        for worker_id in self._lost_worker_ids:
            await runtime.store.release_jobs(
                worker_id, await runtime.store.jobs_of_worker(worker_id)
            )
            await self._app.job_manager.unregister_worker(worker_id)
        self._lost_worker_ids.clear()

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """True when `work` is done; False when the stop came first, which cancels it."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            return task.done()
        finally:
            for each in (task, stopped):
                each.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    def stop(self) -> None:
        """End when the batches in flight are done."""
        self._stop.set()

    def abort(self) -> None:
        """End now; the running jobs are requeued."""
        self._stop.set()
        if self._session is not None:
            self._session.abort()
