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

import time
from collections.abc import Callable

from wikiembed.backoff import Backoff, Waits
from wikiembed.servers.concurrency_limit import Slots
from wikiembed.servers.window import Window, WindowStats

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
REST = Backoff(first_s=1.0, longest_s=8.0)
"""Pause after a try in both directions brought nothing; doubled each time."""
REFUSED = Backoff(first_s=4.0, longest_s=120.0)
"""Pause before the next try upward after a refusal; doubled each time."""
SHRINK = 0.7
"""What a refusal or a timeout leaves of the level."""


class AdaptiveLimit(Slots):
    """Begins with `start` requests, then what is found by trying, up to `most`.

    `on_change` gets each new limit.
    """

    def __init__(
        self,
        *,
        start: int = 4,
        most: int = 32,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(min(start, most), clock=clock)
        self._under_way = 0
        self._most = most
        self._on_change = on_change
        self._meter = Window(clock())
        self._kept = self.limit
        self._base: WindowStats | None = None
        self._shortest: WindowStats | None = None
        self._upward = True
        self._fruitless = 0
        self._rests, self._rest_until = Waits(REST), 0.0
        self._refusals, self._upward_from = Waits(REFUSED), 0.0
        self._shrunk_at = float("-inf")
        self._round_trip_s = 1.0
        self._refused = False

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
        if texts:
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
        if now - self._shrunk_at < self._round_trip_s:
            return
        self._shrunk_at = now
        self._upward_from = now + self._refusals.next_s()
        self._refused = True
        if self.limit <= self._kept:
            self._kept = max(1, min(self.limit - 1, round(self.limit * SHRINK)))
        self._base = None
        self._measure_at(self._kept, now)

    def _measure_at(self, limit: int, now: float) -> None:
        """Begin a window at `limit`."""
        changed, self._size = limit != self._size, limit
        self._meter = Window(now)
        if changed and self._on_change is not None:
            self._on_change(limit)
        self._release_waiters()

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

    def _judge(self, pace: WindowStats, base: WindowStats, now: float, *, last: bool) -> None:
        """Keep the level that was tried, or go back, or go on measuring."""
        price = PRICE_WHEN_SLOW if self._is_slow(base) else PRICE
        needed = (pace.in_flight / base.in_flight) ** price
        least, most = pace.over(base)
        if least >= needed:
            self._kept = self.limit
            self._fruitless = 0
            if self._upward:
                self._refused = False
                self._refusals.reset()
            self._go_on(pace, now)
        elif most < needed or last:
            self._turn(now)
            self._measure_at(self._kept, now)

    def _go_on(self, pace: WindowStats, now: float) -> None:
        """From a level that is kept and was measured to the next one to measure."""
        self._base = pace
        self._shortest = pace.shorter(self._shortest or pace)
        self._measure_at(self._next(now), now)

    def _is_slow(self, pace: WindowStats) -> bool:
        return self._shortest is not None and pace.is_slower(self._shortest, SLOW)

    def _turn(self, now: float) -> None:
        """Try the other direction next; after both, rest."""
        self._upward = not self._upward
        self._fruitless += 1
        if self._fruitless >= 2:
            self._fruitless = 0
            self._rest_until = now + self._rests.next_s()

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
