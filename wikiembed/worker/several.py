"""One worker process on one database or on several: one that is away does not stop the others."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from functools import partial

import psycopg

from wikiembed.backoff import Backoff, Waits
from wikiembed.config import Settings
from wikiembed.db.connect import as_ours
from wikiembed.db.several import Database
from wikiembed.errors import DatabasesFailed, WikiembedError
from wikiembed.metrics.observer import Observer
from wikiembed.pipeline.stats import Stats
from wikiembed.servers.shared_limits import SharedLimits
from wikiembed.store.coverage import Coverage
from wikiembed.telemetry import DATABASE, emit
from wikiembed.worker.drain import OnProgress
from wikiembed.worker.liveness import alive
from wikiembed.worker.new_app import new_app
from wikiembed.worker.stop_signals import StopSignals
from wikiembed.worker.supervisor import Supervisor

AGAIN = Backoff(first_s=1.0, longest_s=30.0)
"""Between two tries of a database that ended its worker: away at the start, another schema."""


class Workers:
    """A supervised worker per database, which share the limits of the embedding servers.

    `concurrency` None: adaptive limits. With `drain` each ends when no job of its database waits or
    runs; `on_progress` receives what is left of all of them. `stats` counts what all of them did.
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
    ) -> None:
        self._databases = databases
        self._alive_file = settings.alive_file
        self._drain = drain
        self._concurrency = concurrency
        self._on_progress = on_progress
        self._stats = stats or Stats()
        self._observer = observer
        self._limits = SharedLimits()
        self._stop = asyncio.Event()
        self._signals = StopSignals(self.stop, self.abort)
        self._supervisors: dict[str, Supervisor] = {}
        self._left: dict[str, tuple[list[Coverage], float]] = {}
        self._failed: dict[str, WikiembedError] = {}

    @property
    def stopped_by(self) -> signal.Signals | None:
        """The signal received, if any."""
        return self._signals.received

    async def run(self) -> None:
        """Work until drained or stopped.

        Raises: what `Supervisor.run` raises, of one database; DatabasesFailed of several, when the
        others have ended.
        """
        with self._signals.caught():
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
            if self._drain:
                self._failed[str(one)] = error
                return
            if supervisor.has_worked:
                waits.reset()
            if supervisor.has_worked or str(error) != said:
                said = str(error)
                emit("database_left_out", level=30, reason=said)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), waits.next_s())

    def _supervisor(self, one: Database) -> Supervisor:
        made = Supervisor(
            new_app(),
            one.settings.model_copy(update={"alive_file": None}),
            drain=self._drain,
            concurrency=self._concurrency,
            on_progress=partial(self._look, one.name) if self._on_progress is not None else None,
            stats=self._stats,
            observer=self._observer,
            signals=False,
            limits=self._limits,
        )
        self._supervisors[one.name] = made
        return made

    def _look(self, name: str, rows: list[Coverage], outage_s: float) -> None:
        """Report what is left of all databases."""
        assert self._on_progress is not None  # noqa: S101 - passed on only then
        self._left[name] = (rows, outage_s)
        everything = [row for found, _ in self._left.values() for row in found]
        self._on_progress(everything, max(outage_s for _, outage_s in self._left.values()))

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
