"""Run workers in this process, through signals, drains, and losses of Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout

from wikiembed.app import UPKEEP_QUEUE, App, Worker
from wikiembed.config import Settings
from wikiembed.db import version
from wikiembed.db.connect import translate
from wikiembed.errors import DatabaseUnreachable, EmbedderUnavailable, SourcePaused, WikiembedError
from wikiembed.pipeline import Runtime
from wikiembed.store import Coverage
from wikiembed.telemetry import emit

LOOK_EVERY_S = 0.25
POLL_S = 5.0
DRAIN_POLL_S = 0.5
BEAT_EVERY_S = 5.0
RESCUE_EVERY_S = 5.0
RECONNECT_LONGEST_S = 10.0

OnLook = Callable[[list[Coverage]], None]


class Supervisor:
    """One `wikiembed worker`: embeds with `concurrency` jobs at a time, upkeep beside them.

    With `drain` it ends when no job waits or runs; `on_look` is told what is left meanwhile.
    """

    def __init__(
        self,
        app: App,
        settings: Settings,
        *,
        drain: bool,
        concurrency: int,
        on_look: OnLook | None = None,
        poll_s: float | None = None,
        rescue_every_s: float = RESCUE_EVERY_S,
    ) -> None:
        self._app = app
        self._settings = settings
        self._drain = drain
        self._concurrency = concurrency
        self._on_look = on_look
        # Jobs that come again later wake nobody: a drain must not wait 5 s for each.
        self._poll_s = poll_s or (DRAIN_POLL_S if drain else POLL_S)
        self._rescue_every_s = rescue_every_s
        self._stop = asyncio.Event()
        self._workers: list[Worker] = []
        self._left_behind: list[int] = []
        self._missing: set[int] = set()
        app.runtime.use(settings.model_copy(update={"concurrency": concurrency}))
        app.job_manager.upkeep_apart = True

    async def run(self) -> None:
        """Work until drained or stopped.

        Raises: SourcePaused, ModelMismatch, EmbedderUnavailable, DatabaseUnreachable,
        SchemaMismatch.
        """
        connected = False
        failures = 0
        lost_at = 0.0
        loop = asyncio.get_running_loop()
        with self._signals():
            while not self._stop.is_set():
                try:
                    async with self._app.open_async():
                        await self._check_schema()
                        if failures:
                            emit("database_back", seconds=round(loop.time() - lost_at, 1))
                        connected, failures = True, 0
                        if await self._work():
                            return
                        raise DatabaseUnreachable("The connection to Postgres was lost.")
                except (
                    ConnectorException,
                    psycopg.OperationalError,
                    PoolTimeout,
                    DatabaseUnreachable,
                ) as error:
                    if self._stop.is_set():
                        return
                    if not connected:
                        raise _unreachable(error) from error
                    if not failures:
                        lost_at = loop.time()
                        emit("database_lost", level=30, reason=str(_unreachable(error)))
                    if self._drain and loop.time() - lost_at > self._settings.outage_limit_s:
                        raise _unreachable(error) from error
                    failures += 1
                    await self._pause(min(RECONNECT_LONGEST_S, 0.25 * 2 ** min(failures, 6)))

    async def _check_schema(self) -> None:
        runtime = await self._app.runtime.get()
        version.require_head(await runtime.store.schema_version())

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGTERM, signal.SIGINT)
        for number in caught:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """End when the batches in hand are done."""
        self._stop.set()

    def _on_signal(self) -> None:
        if not self._stop.is_set():
            emit("stop_requested", in_hand="finishes", again="gives the jobs back")
            self._stop.set()
            return
        for worker in self._workers:
            task = asyncio.ensure_future(worker.abort())
            task.add_done_callback(lambda _: None)

    async def _work(self) -> bool:
        """Run until drained or stopped: True; False when the workers ended by themselves."""
        runtime = await self._app.runtime.get()
        await self._free_left_behind(runtime)
        embed = self._app.new_worker(
            name="embed",
            concurrency=self._concurrency,
            fetch_job_polling_interval=self._poll_s,
            periodic_tasks=lambda name: False,
        )
        upkeep = self._app.new_worker(
            name="upkeep", concurrency=1, queues=[UPKEEP_QUEUE], periodic_tasks=self._defers
        )
        self._workers = [embed, upkeep]
        runs = [
            asyncio.create_task(w.work(), name=f"worker {w.worker_name}") for w in self._workers
        ]
        watch = asyncio.create_task(self._watch(runtime), name="watch")
        emit("worker_started", concurrency=self._concurrency, drain=self._drain)
        try:
            await asyncio.wait([*runs, watch], return_when=asyncio.FIRST_COMPLETED)
            self._left_behind += [w.worker_id for w in self._workers if w.worker_id is not None]
            ended = watch.done()
            await self._wind_down(runtime, runs)
            if ended:
                watch.result()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        for run in runs:
            run.result()
        self._left_behind.clear()
        emit("worker_stopped", batches=runtime.batches, chunks=runtime.chunks)
        return ended

    def _defers(self, task: str) -> bool:
        """A drain does what was queued, no more: it leaves out what queues the rest."""
        return not self._drain or task != "wikiembed.reconcile"

    async def _wind_down(self, runtime: Runtime, runs: list[asyncio.Task[None]]) -> None:
        """Let batches in flight finish, with a heartbeat; jobs that wait for a server go back."""
        for worker in self._workers:
            worker.end()
        runtime.stop()
        while pending := [run for run in runs if not run.done()]:
            await asyncio.wait(pending, timeout=BEAT_EVERY_S)
            with contextlib.suppress(ConnectorException, PoolTimeout):
                for worker in self._workers:
                    await worker.beat()

    async def _free_left_behind(self, runtime: Runtime) -> None:
        """Give up the jobs that this process held when it lost Postgres, and those of the dead."""
        for worker_id in self._left_behind:
            await runtime.store.release_jobs(
                worker_id, await runtime.store.jobs_of_worker(worker_id)
            )
            await self._app.job_manager.unregister_worker(worker_id)
        self._left_behind.clear()
        await runtime.store.upkeep("select * from wikiembed.rescue_jobs()")

    async def _watch(self, runtime: Runtime) -> None:
        """Return when the work is to end; raise why, when it is not done."""
        loop = asyncio.get_running_loop()
        rescued_at = loop.time()
        while not self._stop.is_set():
            if runtime.fatal is not None:
                raise runtime.fatal
            if loop.time() - rescued_at > self._rescue_every_s:
                await runtime.store.upkeep("select * from wikiembed.rescue_jobs()")
                rescued_at = loop.time()
                await self._release_lost(runtime)
            began = loop.time()
            if self._drain and await self._drained(runtime):
                return
            await self._pause(max(LOOK_EVERY_S, 10 * (loop.time() - began)))

    async def _release_lost(self, runtime: Runtime) -> None:
        """Give back jobs that this process is said to have and has not: a lost fetch or finish.

        Only what is missing at two looks running, since a fetch may be under way at one.
        """
        missing: set[int] = set()
        for worker in self._workers:
            if worker.worker_id is None:
                continue
            said = set(await runtime.store.jobs_of_worker(worker.worker_id))
            lost = said - worker.in_hand
            if sure := sorted(lost & self._missing):
                await runtime.store.release_jobs(worker.worker_id, sure)
                emit("lost_jobs_released", level=30, jobs=len(sure))
            missing |= lost
        self._missing = missing

    async def _drained(self, runtime: Runtime) -> bool:
        """True when no job is left.

        Raises: SourcePaused when only paused ones are; EmbedderUnavailable past the limit.
        """
        backlog = await runtime.store.backlog()
        if self._on_look is not None:
            self._on_look(await runtime.store.coverage())
        left = [b for b in backlog if b.left]
        if not left:
            return True
        if all(b.paused and b.doing == 0 for b in left):
            first = left[0]
            raise SourcePaused(
                f"{first.pause_sentence.rstrip('.')}; jobs that wait: {first.left:,}; run"
                f" `wikiembed resume {first.source}` when that is mended."
            )
        if runtime.outage_s > self._settings.outage_limit_s:
            raise EmbedderUnavailable(
                f"The embedding server has been out of reach for {runtime.outage_s:.0f} s"
                f" ({(runtime.outage_reason or 'no answer').rstrip('.')}): the jobs wait in the"
                " queue; run the command again when it is back."
            )
        return False


def _unreachable(error: Exception) -> WikiembedError:
    """The error of ours for a lost or refused connection."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, WikiembedError):
            return cause
        if isinstance(cause, psycopg.Error):
            return translate(cause) or DatabaseUnreachable(f"Postgres is out of reach: {cause}.")
        cause = cause.__cause__
    return DatabaseUnreachable(f"Postgres is out of reach: {str(error).rstrip('.')}.")
