"""One worker process on one database or on several: one that is away does not stop the others."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from wikiembed.backoff import Backoff, Waits
from wikiembed.config import Settings
from wikiembed.db.connect import as_ours
from wikiembed.db.several import Database
from wikiembed.errors import DatabasesFailed, WikiembedError
from wikiembed.metrics.observer import Observer
from wikiembed.pipeline.stats import Stats
from wikiembed.servers.shared_limits import SharedLimits
from wikiembed.telemetry import DATABASE, emit
from wikiembed.worker.binding.process import Process
from wikiembed.worker.drain import OnProgress, ProgressOfAll
from wikiembed.worker.liveness import alive
from wikiembed.worker.new_app import new_app
from wikiembed.worker.stop_signals import StopSignals
from wikiembed.worker.supervisor import Supervisor

AGAIN = Backoff(first_s=1.0, longest_s=30.0)
"""Between two tries of a database that ended its worker: away at the start, another schema."""
SOUND_AFTER_S = 10.0
"""A worker that ran for so long has not ended for the reason of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What keeps a process from its work on a database, and for how long; 0 s: nothing.

    `exit_code` None: its embedding servers are out of reach. Else its worker has ended with that
    code, and is started again from time to time.
    """

    seconds: float = 0.0
    reason: str | None = None
    exit_code: int | None = None


class Workers:
    """A supervised worker per database, which share the limits of the embedding servers.

    `concurrency` None: adaptive limits. With `drain` each ends when no job of its database waits or
    runs; `on_progress` receives what is left of all of them. `stats` counts what all of them did.
    `poll_s`, `signals`: see Supervisor; `process`: as whom all of them register.
    """

    def __init__(
        self,
        databases: Sequence[Database],
        settings: Settings,
        *,
        drain: bool,
        concurrency: int | None,
        on_progress: OnProgress | None = None,
        stats: Stats | None = None,
        observer: Observer | None = None,
        poll_s: float | None = None,
        signals: bool = True,
        process: Process | None = None,
    ) -> None:
        self._databases = databases
        self._alive_file = settings.alive_file
        self._drain = drain
        self._concurrency = concurrency
        self._progress = None if on_progress is None else ProgressOfAll(on_progress)
        self._stats = stats or Stats()
        self._observer = observer
        self._poll_s = poll_s
        self._process = process or Process()
        self._limits = SharedLimits()
        self._stop = asyncio.Event()
        self._signals = StopSignals(self.stop, self.abort) if signals else None
        self._supervisors: dict[str, Supervisor] = {}
        self._finished_before = 0
        self._began_s: dict[str, float] = {}
        self._ended: dict[str, tuple[float, WikiembedError]] = {}
        self._failed: dict[str, WikiembedError] = {}

    @property
    def stopped_by(self) -> signal.Signals | None:
        """The signal received, if any."""
        return None if self._signals is None else self._signals.received

    @property
    def finished(self) -> int:
        """Jobs that all of them have finished."""
        return self._finished_before + sum(one.finished for one in self._supervisors.values())

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What keeps each from its work, in the order of the databases."""
        return tuple(self._trouble_of(one.name) for one in self._databases)

    def _trouble_of(self, name: str) -> Trouble:
        supervisor = self._supervisors.get(name)
        if name in self._ended and not self._is_sound(name):
            since_s, error = self._ended[name]
            return Trouble(
                seconds=time.monotonic() - since_s, reason=str(error), exit_code=error.exit_code
            )
        if supervisor is None:
            return Trouble()
        seconds, reason = supervisor.outage
        return Trouble(seconds=seconds, reason=reason)

    def _is_sound(self, name: str) -> bool:
        """Whether the present worker of this database does what an earlier one could not."""
        supervisor = self._supervisors[name]
        if supervisor.finished:
            return True
        return supervisor.has_worked and time.monotonic() - self._began_s[name] > SOUND_AFTER_S

    async def run(self) -> None:
        """Work until drained or stopped.

        Raises: what `Supervisor.run` raises, of one database; DatabasesFailed of several, when the
        others have ended.
        """
        with contextlib.nullcontext() if self._signals is None else self._signals.caught():
            async with alive(self._alive_file):
                if len(self._databases) == 1:
                    await self._supervisor(self._databases[0]).run()
                    return
                async with asyncio.TaskGroup() as tasks:
                    for one in self._databases:
                        tasks.create_task(self._keep(one), name=f"database {one.name}")
        if self._failed:
            raise DatabasesFailed(self._failed, of=len(self._databases))

    async def _keep(self, one: Database) -> None:
        """Work for one of several databases, through whatever ends its worker."""
        DATABASE.set(str(one))
        waits, said = Waits(AGAIN), ""
        while not self._stop.is_set():
            supervisor = self._supervisor(one)
            error = await _error_of(supervisor)
            if error is None:
                return
            since_s = time.monotonic()
            if one.name in self._ended and not self._is_sound(one.name):
                since_s = self._ended[one.name][0]
            self._ended[one.name] = (since_s, error)
            if self._drain:
                self._failed[str(one)] = error
                return
            if sound := self._is_sound(one.name):
                waits.reset()
            if sound or str(error) != said:
                said = str(error)
                emit("database_left_out", level=30, reason=said)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), waits.next_s())

    def _supervisor(self, one: Database) -> Supervisor:
        app = new_app()
        app.process = self._process
        made = Supervisor(
            app,
            one.settings.model_copy(update={"alive_file": None}),
            drain=self._drain,
            concurrency=self._concurrency,
            on_progress=None if self._progress is None else self._progress.of(one.name),
            stats=self._stats,
            observer=self._observer,
            poll_s=self._poll_s,
            signals=False,
            limits=self._limits,
        )
        if self._stop.is_set():
            made.stop()
        if (before := self._supervisors.get(one.name)) is not None:
            self._finished_before += before.finished
        self._supervisors[one.name], self._began_s[one.name] = made, time.monotonic()
        return made

    def stop(self) -> None:
        """End when the batches in flight are done."""
        self._stop.set()
        for supervisor in self._supervisors.values():
            supervisor.stop()

    def abort(self) -> None:
        """End now; the running jobs are requeued."""
        self._stop.set()
        for supervisor in self._supervisors.values():
            supervisor.abort()


async def _error_of(supervisor: Supervisor) -> WikiembedError | None:
    """Run it; why it ended, None if it is done."""
    try:
        await supervisor.run()
    except WikiembedError as error:
        return error
    except psycopg.Error as error:
        return as_ours(error)
    return None
