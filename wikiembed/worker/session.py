"""What a supervised worker does while it is connected: fetch, watch, wind down."""

from __future__ import annotations

import asyncio
import contextlib
import time

from wikiembed.errors import DatabaseUnreachable
from wikiembed.pipeline import Runtime
from wikiembed.telemetry import emit
from wikiembed.worker.binding.app import App
from wikiembed.worker.binding.worker import Worker
from wikiembed.worker.connection_loss import LOST, ConnectionLoss
from wikiembed.worker.drain import WorkerOptions, drained
from wikiembed.worker.tasks.upkeep import UPKEEP_QUEUE

SLOTS = 1024
"""Tasks of one worker; how many begin is said by its hand's room."""
LOOK_EVERY_S = 0.25
BEAT_EVERY_S = 1.0
BEAT_LONGEST_S = 2.0
STOP_WITHOUT_POSTGRES_S = 5.0
"""How long a worker that is asked to stop waits for a Postgres that is gone."""


class Session:
    """One connection's worth of work, from the first fetch to the end of the last batch.

    `stop` asks for the end; a loss of Postgres is said to `loss` as soon as it is noticed, before
    the batches in hand have ended.
    """

    def __init__(
        self,
        app: App,
        runtime: Runtime,
        orders: WorkerOptions,
        *,
        stop: asyncio.Event,
        loss: ConnectionLoss,
    ) -> None:
        self._app = app
        self._runtime = runtime
        self._orders = orders
        self._stop = stop
        self._loss = loss
        self._missing: set[int] = set()
        self._aborts: set[asyncio.Task[None]] = set()
        self._rescued_at = time.monotonic()
        embed = app.new_worker(
            name="embed",
            concurrency=SLOTS,
            room=lambda: runtime.room,
            queues=orders.queues,
            fetch_job_polling_interval=orders.poll_s,
            periodic_tasks=lambda name: False,
        )
        upkeep = app.new_worker(
            name="upkeep", concurrency=1, queues=[UPKEEP_QUEUE], periodic_tasks=self._defers
        )
        self._workers: list[Worker] = [embed, upkeep]
        self.worker_ids: list[int] = []

    def _defers(self, task: str) -> bool:
        """A drain does what was queued, no more: it leaves out what queues the rest."""
        return not self._orders.drain or task != "wikiembed.reconcile"

    async def run(self) -> None:
        """Work until drained or stopped.

        Raises: SourcePaused, EmbedderUnavailable, WrongUsage; one of `LOST` when Postgres is lost.
        After that `worker_ids` are those whose jobs may have been left behind.
        """
        runs = [
            asyncio.create_task(w.work(), name=f"worker {w.worker_name}") for w in self._workers
        ]
        ends = [asyncio.create_task(w.ended.wait()) for w in self._workers]
        # Beside the watch, whose statement may hang with Postgres.
        ends.append(asyncio.create_task(self._stop.wait()))
        watch = asyncio.create_task(self._watch(), name="watch")
        emit(
            "worker_started",
            database=str(self._app.endpoint),
            concurrency=self._orders.concurrency,
            drain=self._orders.drain,
        )
        try:
            await asyncio.wait([*runs, *ends, watch], return_when=asyncio.FIRST_COMPLETED)
            self.worker_ids = [w.worker_id for w in self._workers if w.worker_id is not None]
            error = self._error(runs, watch)
            if isinstance(error, LOST):
                self._loss.began(error)
            await self._wind_down(runs)
        finally:
            for task in (watch, *ends):
                task.cancel()
            await asyncio.gather(watch, *ends, return_exceptions=True)
        # All are asked what they raise: asyncio complains of an exception that nobody took.
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
        )

    def _error(
        self, runs: list[asyncio.Task[None]], watch: asyncio.Task[None]
    ) -> BaseException | None:
        """Why the work ends; None when it is done, or asked to stop."""
        if watch.done():
            return watch.exception()
        if self._stop.is_set():
            return None
        raised = [run.exception() for run in runs if run.done()]
        causes = [w.cause for w in self._workers]
        known = [cause for cause in (*raised, *causes) if cause is not None]
        return known[0] if known else DatabaseUnreachable("The connection to Postgres was lost.")

    async def _wind_down(self, runs: list[asyncio.Task[None]]) -> None:
        """Let batches in flight finish, with a heartbeat; jobs that wait for a server go back.

        While Postgres is gone they wait for it with the vectors that they have, until the stop or
        the drain's limit cuts that short.
        """
        for worker in self._workers:
            worker.end()
        self._runtime.stop()
        answered_at, given_up = time.monotonic(), False
        while pending := [run for run in runs if not run.done()]:
            await asyncio.wait(pending, timeout=BEAT_EVERY_S)
            if await self._beat():
                answered_at = time.monotonic()
                continue
            in_hand = any(worker.in_hand for worker in self._workers)
            if in_hand and time.monotonic() - answered_at <= self._patience_s():
                continue
            if in_hand and not given_up:
                emit("batches_given_up", level=30, reason="Postgres is out of reach")
                given_up = True
            await self._app.close_connections()

    async def _beat(self) -> bool:
        """Whether Postgres took the heartbeats soon; a statement that hangs is left to itself."""
        beats = [asyncio.create_task(worker.beat()) for worker in self._workers]
        _, pending = await asyncio.wait(beats, timeout=BEAT_LONGEST_S)
        for beat in pending:
            beat.cancel()  # and not awaited: psycopg gives the server 10 s to end its statement
        return not pending and all(beat.exception() is None for beat in beats)

    def _patience_s(self) -> float:
        """How long the batches in hand may wait for Postgres."""
        if self._stop.is_set():
            return STOP_WITHOUT_POSTGRES_S
        return self._orders.outage_limit_s if self._orders.drain else float("inf")

    def abort(self) -> None:
        """Give the jobs in hand back to the queue now."""
        for worker in self._workers:
            task = asyncio.create_task(worker.abort())
            self._aborts.add(task)  # a loop alone does not keep its tasks
            task.add_done_callback(self._aborts.discard)

    async def _watch(self) -> None:
        """Return when the work is to end; raise why, when it is not done."""
        while not self._stop.is_set():
            if self._runtime.fatal is not None:
                raise self._runtime.fatal
            if time.monotonic() - self._rescued_at > self._orders.rescue_every_s:
                await self._runtime.store.upkeep("select * from wikiembed.rescue_jobs()")
                self._rescued_at = time.monotonic()
                await self._release_lost()
            began = time.monotonic()
            if self._orders.drain and await drained(self._runtime, self._orders):
                return
            with contextlib.suppress(TimeoutError):
                pause_s = max(LOOK_EVERY_S, 10 * (time.monotonic() - began))
                await asyncio.wait_for(self._stop.wait(), pause_s)

    async def _release_lost(self) -> None:
        """Give back jobs that this process is said to have and has not: a lost fetch or finish.

        Only what is missing at two looks running, since a fetch may be under way at one.
        """
        missing: set[int] = set()
        for worker in self._workers:
            if worker.worker_id is None:
                continue
            said = set(await self._runtime.store.jobs_of_worker(worker.worker_id))
            lost = said - worker.in_hand
            if sure := sorted(lost & self._missing):
                await self._runtime.store.release_jobs(worker.worker_id, sure)
                emit("lost_jobs_released", level=30, jobs=len(sure))
            missing |= lost
        self._missing = missing
