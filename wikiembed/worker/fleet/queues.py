"""The queues of a fleet's databases, each read on its own: one that is away delays no other."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import psycopg

from wikiembed.backoff import Waits
from wikiembed.db.connect import as_ours
from wikiembed.errors import (
    DatabaseError,
    DatabasesFailed,
    DatabaseUnreachable,
    WikiembedError,
    WrongUsage,
)
from wikiembed.store.chunks import ChunkStore
from wikiembed.telemetry import DATABASE, emit
from wikiembed.worker.connection_loss import LOST, ConnectionLoss, unreachable
from wikiembed.worker.drain import ProgressOfAll, WorkerOptions, drained
from wikiembed.worker.fleet.policy import Demand
from wikiembed.worker.several import AGAIN, Trouble

ANSWER_S = 2.0
"""How long a tick waits for a database; an answer that comes later is that of a later tick."""
GIVE_UP_S = 10.0
"""A database without an answer for so long is lost, and its connections are closed."""
NO_ANSWER = f"Postgres is out of reach: it has not answered for {GIVE_UP_S:.0f} s."
CLOSED_WITHIN_S = 5.0


class Watch(Protocol):
    """What the fleet reads of one Postgres; see QueueWatch."""

    async def store(self) -> ChunkStore: ...

    async def read(self) -> Demand: ...

    async def rescue(self) -> None: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Watched:
    """What `drained` asks of a runtime."""

    store: ChunkStore
    outage_s: float
    outage_reason: str | None


class _Queue:
    """The queue of database `name`, None: the only one.

    `demand`: what it held at its last answer, None while there is none. With a drain it is `over`
    when it is drained, or when it has an `error`; an only one is also over with an error that
    is no loss of Postgres.
    """

    def __init__(self, name: str | None, watch: Watch, options: WorkerOptions) -> None:
        self.name = name
        self.demand: Demand | None = None
        self.over = False
        self.error: WikiembedError | None = None
        self._watch = watch
        self._options = options
        self._context = contextvars.copy_context()
        if name is not None:
            self._context.run(DATABASE.set, name)
        self._task: asyncio.Task[tuple[Demand, bool]] | None = None
        self._asked_s = self._rescued_s = time.monotonic()
        self._loss = ConnectionLoss()
        self._waits = Waits(AGAIN)
        self._not_before_s = 0.0
        self._said: str | None = None

    def ask(self, trouble: Trouble) -> asyncio.Task[tuple[Demand, bool]] | None:
        """Ask it, unless it has not answered yet; the task, if it is likely to answer soon."""
        if self._task is not None or time.monotonic() < self._not_before_s:
            return None
        self._asked_s = time.monotonic()
        self._task = asyncio.create_task(self._ask(trouble), context=self._context)
        return None if self._loss.seconds else self._task

    async def _ask(self, trouble: Trouble) -> tuple[Demand, bool]:
        reading = asyncio.create_task(self._read(trouble))
        try:
            await asyncio.wait([reading], timeout=GIVE_UP_S)
            if not reading.done():
                await self._watch.aclose()  # a statement that hangs gets an error
                await asyncio.gather(reading, return_exceptions=True)
                raise DatabaseUnreachable(NO_ANSWER)
            return await reading
        finally:
            reading.cancel()

    async def _read(self, trouble: Trouble) -> tuple[Demand, bool]:
        """What it holds, and whether it is drained; rescues jobs on the way."""
        demand = await self._watch.read()
        if time.monotonic() - self._rescued_s > self._options.rescue_every_s:
            self._rescued_s = time.monotonic()
            await self._watch.rescue()
        self._say_left_out(trouble.reason if trouble.exit_code is not None else None)
        return demand, self._options.drain and await self._is_drained(trouble)

    async def _is_drained(self, trouble: Trouble) -> bool:
        """True when no job is left.

        Raises: SourcePaused; EmbedderUnavailable and what ends the workers of all actors, past the
        outage limit; WrongUsage at once when it ends them.
        """
        ends, seconds = trouble.exit_code, trouble.seconds
        watched = _Watched(await self._watch.store(), 0.0 if ends else seconds, trouble.reason)
        if await drained(watched, self._options):
            return True
        if ends == WrongUsage.exit_code:
            raise WrongUsage(trouble.reason or "")
        if ends is not None and seconds > self._options.outage_limit_s:
            raise DatabaseError(trouble.reason or "")
        return False

    def take(self) -> None:
        """Take its answer, if it has one.

        Raises: an error that is not of Postgres or wikiembed.
        """
        if self._task is not None:
            self._context.run(self._take, self._task)

    def _take(self, task: asyncio.Task[tuple[Demand, bool]]) -> None:
        if not task.done():
            if time.monotonic() - self._asked_s > GIVE_UP_S:
                self._is_lost(DatabaseUnreachable(NO_ANSWER))
            return
        self._task = None
        error = task.exception()
        if error is None:
            self._has_answered(*task.result())
        elif isinstance(error, LOST):
            self._is_lost(error)
        elif isinstance(error, WikiembedError | psycopg.Error):
            self._refuses(as_ours(error) if isinstance(error, psycopg.Error) else error)
        else:
            raise error

    def _has_answered(self, demand: Demand, drained: bool) -> None:  # noqa: FBT001
        self._loss.over()
        self._waits.reset()
        self.demand, self.over = demand, drained

    def _is_lost(self, error: BaseException) -> None:
        """The actors wait for it themselves; a drain gives it up past the outage limit."""
        self.demand = None
        self._loss.began(error)
        if self._options.drain and self._loss.seconds > self._options.outage_limit_s:
            self._fails(unreachable(error))

    def _refuses(self, error: WikiembedError) -> None:
        """It answers, but not with what the fleet needs, or its drain cannot end."""
        self.demand = None
        if self._options.drain or self.name is None:
            self._fails(error)
            return
        self._loss.began(error)
        self._not_before_s = time.monotonic() + self._waits.next_s()

    def _fails(self, error: WikiembedError) -> None:
        self.over, self.error = True, error

    def _say_left_out(self, reason: str | None) -> None:
        if reason is not None and reason != self._said:
            emit("database_left_out", level=30, reason=reason)
        self._said = reason

    async def aclose(self) -> None:
        """Close its connections, and ask no more."""
        await self._watch.aclose()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=CLOSED_WITHIN_S)


class Queues:
    """The queues of all databases, by name; of an only one events do not have the name."""

    def __init__(self, watches: Mapping[str, Watch], options: WorkerOptions) -> None:
        several = len(watches) > 1
        look = options.on_progress
        progress = None if look is None else ProgressOfAll(look)
        self._queues = [
            _Queue(
                name if several else None,
                watch,
                replace(options, on_progress=None if progress is None else progress.of(name)),
            )
            for name, watch in watches.items()
        ]

    async def read(self, trouble_of: Callable[[int], Trouble]) -> Demand | None:
        """What the databases hold that answer; None when there is none.

        Of one that is late, its last answer. `trouble_of`: what keeps the actors from the
        database at this position. Does not wait for one that is late or lost.
        """
        asked = [
            task
            for position, queue in enumerate(self._queues)
            if not queue.over and (task := queue.ask(trouble_of(position))) is not None
        ]
        if asked:
            await asyncio.wait(asked, timeout=ANSWER_S)
        for queue in self._open:
            queue.take()
        found = [queue.demand for queue in self._open if queue.demand is not None]
        return Demand.of_all(found) if found else None

    @property
    def _open(self) -> list[_Queue]:
        return [queue for queue in self._queues if not queue.over]

    @property
    def with_jobs(self) -> list[int]:
        """The positions of the databases that answer and in which jobs wait or run."""
        return [
            position
            for position, queue in enumerate(self._queues)
            if not queue.over and queue.demand and queue.demand.todo + queue.demand.doing
        ]

    @property
    def over(self) -> bool:
        """Whether each is drained or has failed.

        Raises: the error of an only one; DatabasesFailed.
        """
        if self._open:
            return False
        failed = {queue.name or "": queue.error for queue in self._queues if queue.error}
        if not failed:
            return True
        if len(self._queues) == 1:
            raise failed[""]
        raise DatabasesFailed(failed, of=len(self._queues))

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(queue.aclose() for queue in self._queues))
