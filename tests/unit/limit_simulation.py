"""Simulated embedding servers in virtual time, and a client that keeps an adaptive limit busy.

`python -m tests.unit.limit_simulation` prints the table of docs/explanation/in-flight.md.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wikiembed.servers.adaptive_limit import AdaptiveLimit
from wikiembed.servers.concurrency_limit import ConcurrencyLimit, FixedLimit

T = TypeVar("T")
Serve = Callable[[int], Awaitable[None]]


class _NoWaiting(selectors.SelectSelector):
    """A selector that advances virtual time instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("Deadlock: every task waits and no timer is set.")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next event."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def simulate(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in virtual time from 0 and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """Return the virtual time in seconds."""
    return asyncio.get_running_loop().time()


class Throttled(Exception):
    """The answer 429."""


@dataclass(slots=True, kw_only=True)
class Slots:
    """A server with `slots` slots; queues further requests, or refuses beyond `refuse_beyond`.

    `seconds`: how long a request of n texts takes; `noise`: relative error of it, either way.
    """

    seconds: Callable[[int], float]
    slots: int
    noise: float = 0.0
    refuse_beyond: int | None = None
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    queue: deque[asyncio.Future[None]] = field(default_factory=deque)
    there: int = 0
    busy: int = 0
    refused_at: list[float] = field(default_factory=list)
    answered: int = 0
    idle_s: float = 0.0
    idle_since: float | None = 0.0

    async def serve(self, texts: int) -> None:
        """Process one request."""
        if self.refuse_beyond is not None and self.there >= self.refuse_beyond:
            self.refused_at.append(now())
            await asyncio.sleep(0.002)
            raise Throttled
        self.there += 1
        try:
            turn = asyncio.get_running_loop().create_future()
            self.queue.append(turn)
            self.work()
            await turn
            by = self.dice.uniform(1 - self.noise, 1 + self.noise)
            await asyncio.sleep(self.seconds(texts) * by)
            self.busy -= 1
            self.answered += 1
            self.work()
        finally:
            self.there -= 1

    def work(self) -> None:
        """Start queued requests while slots are free."""
        if self.idle_since is not None and self.queue:
            self.idle_s += now() - self.idle_since
            self.idle_since = None
        while self.queue and self.busy < self.slots:
            self.busy += 1
            self.queue.popleft().set_result(None)
        if not self.busy and self.idle_since is None:
            self.idle_since = now()


@dataclass(slots=True, kw_only=True)
class Gpu:
    """Processes up to `most` requests together, after waiting `gather_s` for more to arrive."""

    most: int = 8
    seconds: float = 0.08
    seconds_a_request: float = 0.001
    gather_s: float = 0.002
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    running: asyncio.Task[None] | None = None

    async def serve(self, texts: int) -> None:
        """Process one request."""
        done = asyncio.get_running_loop().create_future()
        self.waiting.append(done)
        if self.running is None:
            self.running = asyncio.create_task(self.run())
        await done

    async def run(self) -> None:
        """Process batch after batch until the queue is empty."""
        while self.waiting:
            await asyncio.sleep(self.gather_s)
            batch = [self.waiting.popleft() for _ in range(min(self.most, len(self.waiting)))]
            await asyncio.sleep(self.seconds + self.seconds_a_request * len(batch))
            for done in batch:
                done.set_result(None)
            await asyncio.sleep(0)
        self.running = None


@dataclass(slots=True, kw_only=True)
class Run:
    """The record of a run: `limits` are (second, limit), `texts` are (second, texts done)."""

    limits: list[tuple[float, int]]
    done: list[tuple[float, int]] = field(default_factory=list)
    until_s: float = 0.0

    def shares(self, from_s: float, to_s: float) -> dict[int, float]:
        """Limit → share of the time from `from_s` to `to_s`."""
        ends = [at for at, _ in self.limits[1:]] + [self.until_s]
        shares: dict[int, float] = {}
        for (began, limit), ended in zip(self.limits, ends, strict=True):
            span = min(ended, to_s) - max(began, from_s)
            if span > 0:
                shares[limit] = shares.get(limit, 0.0) + span / (to_s - from_s)
        return shares

    def median(self, from_s: float, to_s: float) -> int:
        """The limit that was not exceeded for half of the time."""
        passed = 0.0
        shares = self.shares(from_s, to_s)
        for limit in sorted(shares):
            passed += shares[limit]
            if passed >= 0.5:
                return limit
        raise ValueError

    def rate(self, from_s: float, to_s: float) -> float:
        """Throughput in texts/s."""
        return sum(n for at, n in self.done if from_s <= at < to_s) / (to_s - from_s)


def limits(run: Run) -> list[int]:
    """The limits in the order in which they applied."""
    return [limit for _, limit in run.limits]


def watched(*, fixed: int | None = None, **options: Any) -> tuple[ConcurrencyLimit, Run]:
    """Return an adaptive limit on virtual time, and the record of its changes."""
    run = Run(limits=[])
    limit: ConcurrencyLimit
    if fixed is not None:
        limit = FixedLimit(fixed, clock=now)
    else:
        limit = AdaptiveLimit(
            clock=now, on_change=lambda limit: run.limits.append((now(), limit)), **options
        )
    run.limits.append((now(), limit.limit))
    return limit, run


async def drive(
    limit: ConcurrencyLimit,
    run: Run,
    serve: Serve,
    *,
    seconds: float,
    clients: int = 48,
    sizes: Callable[[], int] = lambda: 64,
    pause_s: Callable[[], float] = lambda: 0.0,
    forming_s: float = 0.0,
) -> Run:
    """`clients` send request after request for `seconds`.

    Each waits `pause_s` before it asks for a slot, and `forming_s` in it before it begins.
    """
    until = now() + seconds

    async def client() -> None:
        while now() < until:
            await asyncio.sleep(pause_s())
            texts = sizes()
            try:
                async with limit.slot() as request:
                    await asyncio.sleep(forming_s)
                    request.begin()
                    await serve(texts)
                    request.passed(texts)
                run.done.append((now(), texts))
            except Throttled:
                limit.throttled()
                await asyncio.sleep(0.25)

    await asyncio.gather(*(client() for _ in range(clients)))
    run.until_s = until
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of server; `best` is its highest throughput in texts/s, at `most` in flight."""

    name: str
    server: Callable[[], Slots | Gpu]
    best: float
    seconds: float = 60.0

    async def run(self) -> tuple[Run, Slots | Gpu]:
        """A client with plenty to send."""
        server = self.server()
        return await drive(*watched(), server.serve, seconds=self.seconds), server


SERIAL = Case(
    name="one request after another, 74 ms each",
    server=lambda: Slots(seconds=lambda n: 0.01 + 0.001 * n, slots=1),
    best=64 / 0.074,
)
LATENCY = Case(
    name="100 ms each, as many at once as come",
    server=lambda: Slots(seconds=lambda n: 0.1, slots=1000),
    best=32 * 640.0,
)
FOUR = Case(
    name="4 at once, 50 ms each, the rest waits",
    server=lambda: Slots(seconds=lambda n: 0.05, slots=4),
    best=4 * 1280.0,
)
GPU = Case(name="batches of up to 8 requests, 90 ms each", server=Gpu, best=8 * 64 / 0.09)
REFUSING = Case(
    name="50 ms each, refuses (429) beyond 6",
    server=lambda: Slots(seconds=lambda n: 0.05, slots=1000, refuse_beyond=6),
    best=6 * 1280.0,
    seconds=240.0,
)
CASES = (SERIAL, LATENCY, FOUR, GPU, REFUSING)


async def changing(slots: tuple[int, ...], *, each_s: float) -> Run:
    """A server with 50 ms per request, whose number of slots changes every `each_s`."""
    server = Slots(seconds=lambda n: 0.05, slots=slots[0])

    async def change() -> None:
        for n in slots[1:]:
            await asyncio.sleep(each_s)
            server.slots = n

    changes = asyncio.create_task(change())
    run = await drive(*watched(), server.serve, seconds=each_s * len(slots))
    await changes
    return run


def table() -> list[str]:
    """The table of docs/explanation/in-flight.md."""
    rows = [("server", "settles at", "after", "texts/s, of what it can do")]
    for case in CASES:
        run, _ = simulate(case.run())
        rows.append((case.name, *_settled(run, 0.0, case.seconds, case.best)))
    run = simulate(changing((4, 16, 2), each_s=40.0))
    for i, slots in enumerate((4, 16, 2)):
        name = f"4 at once, then 16, then 2: {slots}"
        rows.append((name, *_settled(run, 40.0 * i, 40.0 * (i + 1), slots * 1280.0)))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * 4 + "|", *lines[1:]]


def _settled(run: Run, from_s: float, to_s: float, best: float) -> tuple[str, str, str]:
    middle_s = (from_s + to_s) / 2
    limit = run.median(middle_s, to_s)
    after_s = next(max(at, from_s) for at, n in run.limits if n == limit and at >= from_s) - from_s
    return str(limit), f"{after_s:.0f} s", f"{run.rate(middle_s, to_s) / best:.0%}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
