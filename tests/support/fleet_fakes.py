"""A cluster and queues in memory, for a fleet without Ray and without Postgres."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from wikiembed.backoff import Backoff
from wikiembed.store.chunks import Backlog
from wikiembed.store.coverage import Coverage
from wikiembed.worker.fleet import actors, fleet
from wikiembed.worker.fleet.cluster import Resources
from wikiembed.worker.fleet.fleet import Fleet
from wikiembed.worker.fleet.order import Ended, Environment, Order, Place, Report
from wikiembed.worker.fleet.policy import Demand, Limits
from wikiembed.worker.fleet.queue_watch import demand_of
from wikiembed.worker.fleet.queues import Watch
from wikiembed.worker.several import Trouble

ORDER = Order(environment=Environment({}))
Said = Callable[[str], list[dict[str, Any]]]
"""The fields of each event of a name, up to now."""


@dataclass(eq=False)
class Actor:
    """An actor that a test controls; `node` None: no node has room for it."""

    name: str
    node: str | None
    started_s: float = 0.0
    jobs: int = 0
    chunks: int = 0
    troubles: tuple[Trouble, ...] = ()
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.end: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    async def run(self) -> Ended:
        return await asyncio.shield(self.end)

    async def report(self) -> Report | None:
        if self.node is None:
            return None
        place = Place(host="host", pid=1, node=self.node, actor=f"id of {self.name}")
        return Report(place=place, jobs=self.jobs, chunks=self.chunks, troubles=self.troubles)

    def _finish(self, what: str) -> None:
        self.told.append(what)
        if not self.end.done():
            self.end.set_result(Ended(exit_code=0))

    def stop(self) -> None:
        if self.node is None:
            self.told.append("stop")  # it is notified when it starts
        else:
            self._finish("stop")

    def abort(self) -> None:
        self._finish("abort")

    def kill(self) -> None:
        if self.node is None:
            self._finish("kill")

    def die(self, error: Exception) -> None:
        self.end.set_exception(error)


class QueueInMemory:
    """A database's queue, as the fleet reads it; `error`: what it answers instead.

    While `silent` it does not answer, and gives an error when its connections are closed.
    """

    def __init__(self, *rows: Backlog) -> None:
        self.backlog_rows = list(rows)
        self.coverage_rows: list[Coverage] = []
        self.upkeep = 0
        self.error: Exception | None = None
        self.silent = False
        self.rescued = 0
        self.closed = 0
        self._closing = asyncio.Event()

    async def store(self) -> Any:
        return self

    async def read(self) -> Demand:
        if self.silent:
            self._closing.clear()
            await self._closing.wait()
            raise psycopg.OperationalError("the connection was closed")
        if self.error is not None:
            raise self.error
        return demand_of(self.backlog_rows, upkeep=self.upkeep)

    async def rescue(self) -> None:
        self.rescued += 1

    async def aclose(self) -> None:
        self.closed += 1
        self._closing.set()

    async def backlog(self) -> list[Backlog]:
        return self.backlog_rows

    async def coverage(self) -> list[Coverage]:
        return self.coverage_rows

    async def reconciles_left(self, source: str | None) -> int:
        return self.upkeep


class Ground(QueueInMemory):
    """A cluster, and a queue."""

    def __init__(self) -> None:
        super().__init__(source(todo=400))
        self.resources = Resources(cpus=1, gpus=0.5)
        self.room: Callable[[int], str | None] = lambda number: f"node {number}"
        self.make: type[Actor] = Actor
        self.actors: list[Actor] = []
        self.is_there = True

    def start(self, name: str, order: Order) -> Actor:
        assert order is ORDER
        made = self.make(name, self.room(len(self.actors)))
        made.started_s = asyncio.get_running_loop().time()
        self.actors.append(made)
        return made

    async def answers(self) -> bool:
        return self.is_there

    @property
    def living(self) -> list[Actor]:
        return [one for one in self.actors if not one.end.done()]


def source(*, todo: int = 0, doing: int = 0, paused: bool = False) -> Backlog:
    """A source's jobs."""
    return Backlog("docs", todo, doing, 0, paused, "alice" if paused else None, None, None)


def fleet_on(
    ground: Ground,
    watches: Mapping[str, Watch] | None = None,
    *,
    most: int = 4,
    least: int = 0,
    **options: Any,
) -> Fleet:
    """A fleet on this cluster; `watches` None: on the queue of `ground` alone."""
    limits = Limits(least=least, most=most, cooldown_s=options.pop("cooldown_s", 0.0))
    return Fleet(ground, watches or {"docs": ground}, ORDER, limits, tick_s=0.01, **options)


def make_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait before a restart, and questions at each tick."""
    monkeypatch.setattr(actors, "RESTART", Backoff(first_s=0.0, longest_s=0.0))
    for name in ("RESCUE_EVERY_S", "HEAD_EVERY_S"):
        monkeypatch.setattr(fleet, name, 0.0)
    for name in ("PLACED_WITHIN_S", "UNPLACED_S"):
        monkeypatch.setattr(actors, name, 0.0)


def events_in(caplog: pytest.LogCaptureFixture) -> Said:
    """Reads what `caplog` holds."""
    caplog.set_level(logging.INFO, logger="wikiembed")
    return lambda name: [
        getattr(one, "fields", {}) for one in caplog.records if one.message == name
    ]


async def ended(run: asyncio.Task[None], fleet: Fleet) -> None:
    """Stop a fleet, and wait until it has ended."""
    fleet.stop()
    await asyncio.wait_for(run, 10)
