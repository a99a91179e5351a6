"""What a supervised worker does while it is connected: fetch, monitor, shut down."""

from __future__ import annotations

import asyncio
import contextlib
import time

from wikiembed.errors import DatabaseUnreachable
from wikiembed.pipeline.runtime import Runtime
from wikiembed.telemetry import emit
from wikiembed.worker.admission import MOST_TASKS
from wikiembed.worker.binding.app import App
from wikiembed.worker.binding.worker import Worker
from wikiembed.worker.connection_loss import LOST, ConnectionLoss
from wikiembed.worker.drain import WorkerOptions, drained
from wikiembed.worker.tasks.upkeep import UPKEEP_QUEUE

CHECK_EVERY_S = 0.25
HEARTBEAT_EVERY_S = 1.0
HEARTBEAT_TIMEOUT_S = 2.0
STOP_WITHOUT_POSTGRES_S = 5.0
"""How long a worker that is asked to stop waits for a lost Postgres."""


class Session:
    """The work on one connection, from the first fetch to the end of the last batch.

    `stop` requests shutdown; `loss` is notified of a loss of Postgres at once, before the batches
    in flight have ended.
    """

    def __init__(
        self,
        app: App,
        runtime: Runtime,
        options: WorkerOptions,
        *,
        stop: asyncio.Event,
        loss: ConnectionLoss,
    ) -> None:
        self._app = app
        self._runtime = runtime
        self._options = options
        self._stop = stop
        self._loss = loss
        self._missing: set[int] = set()
        self._aborts: set[asyncio.Task[None]] = set()
        self._rescued_at = time.monotonic()
        embed = app.new_worker(
            name="embed",
            concurrency=MOST_TASKS,
            limit=lambda: runtime.limit,
            queues=options.queues,
            fetch_job_polling_interval=options.poll_s,
            periodic_tasks=lambda name: False,
        )
        upkeep = app.new_worker(
            name="upkeep", concurrency=1, queues=[UPKEEP_QUEUE], periodic_tasks=self._may_defer
        )
        self._workers: list[Worker] = [embed, upkeep]
        self.worker_ids: list[int] = []

    def _may_defer(self, task: str) -> bool:
        """A drain processes only what was queued: it leaves out the task that queues the rest."""
        return not self._options.drain or task != "wikiembed.reconcile"

    async def run(self) -> None:
        """Work until drained or stopped.

        Raises: SourcePaused, EmbedderUnavailable, WrongUsage; one of `LOST` when Postgres is lost.
        Then `worker_ids` are the workers whose jobs may still be `doing`.
        """
        runs = [
            asyncio.create_task(w.work(), name=f"worker {w.worker_name}") for w in self._workers
        ]
        ends = [asyncio.create_task(w.ended.wait()) for w in self._workers]
        # Apart from the monitor, whose statement may hang with Postgres.
        ends.append(asyncio.create_task(self._stop.wait()))
        monitor = asyncio.create_task(self._monitor(), name="monitor")
        emit(
            "worker_started",
            database=str(self._app.endpoint),
            concurrency=self._options.concurrency or "adaptive",
            drain=self._options.drain,
        )
        try:
            await asyncio.wait([*runs, *ends, monitor], return_when=asyncio.FIRST_COMPLETED)
            self.worker_ids = [w.worker_id for w in self._workers if w.worker_id is not None]
            error = self._error(runs, monitor)
            if isinstance(error, LOST):
                self._loss.began(error)
            await self._shut_down(runs)
        finally:
            for task in (monitor, *ends):
                task.cancel()
            await asyncio.gather(monitor, *ends, return_exceptions=True)
        # Retrieve all exceptions: asyncio warns about one that was never retrieved.
        await asyncio.gather(*runs, return_exceptions=True)
        if error is not None:
            raise error
        for run in runs:
            run.result()
        stats = self._runtime.stats
        emit(
            "worker_stopped",
            batches=stats.batches,
            chunks=stats.chunks,
            failed=stats.failed.total(),
            documents=stats.documents,
            documents_failed=stats.documents_failed.total(),
        )

    def _error(
        self, runs: list[asyncio.Task[None]], monitor: asyncio.Task[None]
    ) -> BaseException | None:
        """Why the work ends; None when it is done, or when a stop was requested."""
        if monitor.done():
            return monitor.exception()
        if self._stop.is_set():
            return None
        raised = [run.exception() for run in runs if run.done()]
        causes = [w.cause for w in self._workers]
        known = [cause for cause in (*raised, *causes) if cause is not None]
        return known[0] if known else DatabaseUnreachable("The connection to Postgres was lost.")

    async def _shut_down(self, runs: list[asyncio.Task[None]]) -> None:
        """Let batches in flight finish, with heartbeats; jobs that wait for a server are requeued.

        While Postgres is lost the batches keep their vectors and wait for it, until the timeout of
        a stop or of a drain.
        """
        for worker in self._workers:
            worker.end()
        self._runtime.stop()
        answered_at, given_up = time.monotonic(), False
        while pending := [run for run in runs if not run.done()]:
            await asyncio.wait(pending, timeout=HEARTBEAT_EVERY_S)
            if await self._send_heartbeats():
                answered_at = time.monotonic()
                continue
            pending_jobs = any(worker.job_ids for worker in self._workers)
            if pending_jobs and time.monotonic() - answered_at <= self._postgres_timeout_s():
                continue
            if pending_jobs and not given_up:
                emit("batches_given_up", level=30, reason="Postgres is out of reach")
                given_up = True
            await self._app.close_connections()

    async def _send_heartbeats(self) -> bool:
        """Whether Postgres accepted the heartbeats in time; a hanging statement is abandoned."""
        heartbeats = [asyncio.create_task(worker.heartbeat()) for worker in self._workers]
        done, pending = await asyncio.wait(heartbeats, timeout=HEARTBEAT_TIMEOUT_S)
        for heartbeat in pending:
            heartbeat.cancel()  # not awaited: psycopg gives the server 10 s to end its statement
        # Of all of them: asyncio logs an exception that was never read.
        errors = [heartbeat.exception() for heartbeat in done]
        return not pending and not any(errors)

    def _postgres_timeout_s(self) -> float:
        """How long the batches in flight may wait for Postgres."""
        if self._stop.is_set():
            return STOP_WITHOUT_POSTGRES_S
        return self._options.outage_limit_s if self._options.drain else float("inf")

    def abort(self) -> None:
        """Requeue the running jobs now."""
        for worker in self._workers:
            task = asyncio.create_task(worker.abort())
            self._aborts.add(task)  # an event loop keeps only weak references to its tasks
            task.add_done_callback(self._aborts.discard)

    async def _monitor(self) -> None:
        """Return when the work is to end; raise the reason when it is not done."""
        while not self._stop.is_set():
            if self._runtime.fatal is not None:
                raise self._runtime.fatal
            if time.monotonic() - self._rescued_at > self._options.rescue_every_s:
                await self._runtime.store.upkeep("select * from wikiembed.rescue_jobs()")
                self._rescued_at = time.monotonic()
                await self._release_lost_jobs()
            began = time.monotonic()
            if self._options.drain and await drained(self._runtime, self._options):
                return
            with contextlib.suppress(TimeoutError):
                pause_s = max(CHECK_EVERY_S, 10 * (time.monotonic() - began))
                await asyncio.wait_for(self._stop.wait(), pause_s)

    async def _release_lost_jobs(self) -> None:
        """Release jobs that Postgres assigns to this process and it lacks: a lost fetch or finish.

        Only those missing in two checks in a row, since a fetch may be in flight during one.
        """
        missing: set[int] = set()
        for worker in self._workers:
            if worker.worker_id is None:
                continue
            assigned = set(await self._runtime.store.jobs_of_worker(worker.worker_id))
            lost = assigned - worker.job_ids
            if confirmed := sorted(lost & self._missing):
                await self._runtime.store.release_jobs(worker.worker_id, confirmed)
                emit("lost_jobs_released", level=30, jobs=len(confirmed))
            missing |= lost
        self._missing = missing
