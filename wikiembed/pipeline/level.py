"""How many requests may be in flight to one server: found by trying, unless the operator sets it.

The level climbs: a window is measured at the level that is kept, the next one at a level tried,
and the level tried is kept where what it brings is worth the requests it adds. Worth is Kleinrock's
power with a weight, throughput ÷ in flight^PRICE ("Power and deterministic rules of thumb for
probabilistic problems in computer communications", ICC 1979): a doubling has to bring 26 %, and
80 % once a request takes 1.75 times the shortest time seen. For processes that share a full server
each gain by adding requests, at the others' cost, and only the time shows it.

Climbing on throughput is what .NET's thread pool does (Hellerstein, Morrison, Eilebrecht,
"Optimizing concurrency levels in the .NET ThreadPool", FeBID 2008). TCP Vegas, BBR and Netflix's
concurrency-limits (github.com/Netflix/concurrency-limits) compare with the shortest time of a
request instead: simpler, but here a request of one text sets a time that 64 texts never reach.
Refusals and timeouts shrink the level by a factor (Chiu and Jain, "Analysis of the increase and
decrease algorithms for congestion avoidance", 1989); the next try upward waits longer each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

from wikiembed.pipeline.pace import Meter, Pace

FLOOR = 2
"""One is embedded while the next is on its way; only refusals and timeouts lead to one."""
STEP = 1.5
"""A level is tried at so many times the level kept, or at the level kept divided by it."""
PRICE = 1 / 3
"""Exponent: so many times the growth of requests in flight, throughput must grow."""
PRICE_WHEN_SLOW = 0.85
SLOW = 1.75
"""A server is slow when requests take so many times the shortest mean that was seen."""
WINDOW_REQUESTS = 8
WINDOW_S = 0.25
"""A window has as many requests as places, at least these, and lasts at least so long."""
UNDECIDED_WINDOWS = 4
"""So many times the requests are waited for when two ways to count disagree."""
BINDING = 0.6
"""A window counts only when so much of the level was under way and all places were once taken."""
REST_S, LONGEST_REST_S = 1.0, 8.0
"""Pause after a try in both directions brought nothing; doubled each time."""
REFUSED_S, LONGEST_REFUSED_S = 4.0, 120.0
"""Pause before the next try upward after a refusal; doubled each time."""
SHRINK = 0.7
"""What a refusal or a timeout leaves of the level."""


class Request:
    """What happens in one place: `begin`, then `passed`, once for each HTTP request made in it."""

    def __init__(self, *, begin: Callable[[], float], end: Callable[[float, int], None]) -> None:
        self._begin = begin
        self._end = end
        self._began_at: float | None = None

    def begin(self) -> None:
        """The HTTP request goes out now; one that began before in this place has failed."""
        self.failed()
        self._began_at = self._begin()

    def passed(self, texts: int) -> None:
        """The HTTP request brought so many vectors; without `begin` nothing is measured."""
        began_at, self._began_at = self._began_at, None
        if began_at is not None:
            self._end(began_at, texts)

    def failed(self) -> None:
        """The HTTP request brought nothing; so it is too when the body ends before `passed`."""
        self.passed(0)


class Level:
    """Places for requests to one server, given in the order in which they are asked for.

    `fixed`: that many, whatever happens. Else `start`, then what is found, up to `most`.
    `in_flight`: places taken, those whose request has not begun included. `on_change` hears the
    new limit. Use from one event loop.
    """

    def __init__(
        self,
        *,
        fixed: int | None = None,
        start: int = 4,
        most: int = 32,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[int], None] | None = None,
    ) -> None:
        self.limit = fixed if fixed is not None else min(start, most)
        self.in_flight = 0
        self._under_way = 0
        self._fixed = fixed is not None
        self._most = most
        self._clock = clock
        self._on_change = on_change
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._meter = Meter(clock())
        self._kept = self.limit
        self._base: Pace | None = None
        self._shortest: Pace | None = None
        self._upward = True
        self._fruitless = 0
        self._rest_s, self._rest_until = REST_S, 0.0
        self._refused_s, self._upward_from = REFUSED_S, 0.0
        self._shrunk_at = float("-inf")
        self._round_trip_s = 1.0
        self._refused = False

    @property
    def free(self) -> int:
        """Requests that may begin now."""
        return max(0, self.limit - self.in_flight)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[Request]:
        """Wait for a place and hold it; a body that ends before `passed` brought nothing."""
        await self._enter()
        request = Request(begin=self._begin, end=self._end)
        try:
            yield request
        finally:
            request.failed()
            self.in_flight -= 1
            self._hand_out()

    async def _enter(self) -> None:
        if self.free > 0:
            self.in_flight += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiters.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                with contextlib.suppress(ValueError):
                    self._waiters.remove(place)
            else:
                self.in_flight -= 1
                self._hand_out()
            raise

    def _hand_out(self) -> None:
        while self._waiters and self.free > 0:
            place = self._waiters.popleft()
            if not place.cancelled():
                self.in_flight += 1
                place.set_result(None)

    def _begin(self) -> float:
        now = self._clock()
        self._meter.moved(now, self._under_way)
        self._under_way += 1
        return now

    def _end(self, began_at: float, texts: int) -> None:
        now = self._clock()
        self._meter.moved(now, self._under_way)
        self._under_way -= 1
        self._meter.ended(began_at, now, texts)
        if self.in_flight >= self.limit:
            self._meter.was_full = True
        if texts and not self._fixed:
            self._round_trip_s += (now - began_at - self._round_trip_s) / 4
            self._look(now)

    def throttled(self) -> None:
        """The server refused a request for being one too many: fewer, at most once a round trip."""
        self._shrink()

    def timed_out(self) -> None:
        """A request got no answer in time: fewer, at most once a round trip."""
        self._shrink()

    def _shrink(self) -> None:
        now = self._clock()
        if self._fixed or now - self._shrunk_at < self._round_trip_s:
            return
        self._shrunk_at = now
        self._upward_from = now + self._refused_s
        self._refused_s = min(self._refused_s * 2, LONGEST_REFUSED_S)
        self._refused = True
        if self.limit <= self._kept:
            self._kept = max(1, min(self.limit - 1, round(self.limit * SHRINK)))
        self._base = None
        self._measure_at(self._kept, now)

    def _measure_at(self, limit: int, now: float) -> None:
        """Begin a window at `limit`."""
        changed, self.limit = limit != self.limit, limit
        self._meter = Meter(now)
        if changed and self._on_change is not None:
            self._on_change(limit)
        self._hand_out()

    def _look(self, now: float) -> None:
        """See whether the window is full, and what follows from it."""
        needed = max(WINDOW_REQUESTS, self.limit)
        if self._meter.requests < needed or self._meter.lasted_s(now) < WINDOW_S:
            return
        pace = self._meter.pace(now)
        if not self._meter.was_full or pace.in_flight < BINDING * self.limit:
            self._base = None
            if self.limit != self._kept:
                self._turn(now)
            self._measure_at(self._kept, now)
        elif self._base is None or self.limit == self._kept:
            self._go_on(pace, now)
        else:
            last = self._meter.requests >= UNDECIDED_WINDOWS * needed
            self._judge(pace, self._base, now, last=last)

    def _judge(self, pace: Pace, base: Pace, now: float, *, last: bool) -> None:
        """Keep the level that was tried, or go back, or go on measuring."""
        price = PRICE_WHEN_SLOW if self._is_slow(base) else PRICE
        needed = (pace.in_flight / base.in_flight) ** price
        least, most = pace.over(base)
        if least >= needed:
            self._kept = self.limit
            self._fruitless = 0
            if self._upward:
                self._refused, self._refused_s = False, REFUSED_S
            self._go_on(pace, now)
        elif most < needed or last:
            self._turn(now)
            self._measure_at(self._kept, now)

    def _go_on(self, pace: Pace, now: float) -> None:
        """From a level that is kept and was measured to the next one to measure."""
        self._base = pace
        self._shortest = pace.shorter(self._shortest or pace)
        self._measure_at(self._next(now), now)

    def _is_slow(self, pace: Pace) -> bool:
        return self._shortest is not None and pace.is_slower(self._shortest, SLOW)

    def _turn(self, now: float) -> None:
        """Try the other direction next; after both, rest."""
        self._upward = not self._upward
        self._fruitless += 1
        if self._fruitless >= 2:
            self._fruitless = 0
            self._rest_until = now + self._rest_s
            self._rest_s = min(self._rest_s * 2, LONGEST_REST_S)

    def _next(self, now: float) -> int:
        """The level to measure next: a try, or the level kept."""
        if now < self._rest_until:
            return self._kept
        tried = self._up(now) if self._upward else self._down()
        if tried == self._kept:
            self._turn(now)
            if now < self._rest_until:
                return self._kept
            tried = self._up(now) if self._upward else self._down()
        return tried

    def _up(self, now: float) -> int:
        if now < self._upward_from:
            return self._kept
        step = 1 if self._refused else max(1, int(self._kept * (STEP - 1)))
        return min(self._most, self._kept + step)

    def _down(self) -> int:
        return max(min(FLOOR, self._kept), min(self._kept - 1, -int(-self._kept // STEP)))
