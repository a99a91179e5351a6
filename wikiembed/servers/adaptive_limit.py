"""How many requests may be in flight to one server: found by trying, unless the operator sets it.

Hill climbing: one window is measured at the kept limit, the next one at a tried limit, which is
kept when the throughput that it gains is worth the requests that it adds. The measure is
Kleinrock's power with a weight, throughput ÷ in flight^GROWTH_EXPONENT ("Power and deterministic
rules of thumb for probabilistic problems in computer communications", ICC 1979): a doubling must
gain 26 %, and 80 % when a request takes 1.75 times the shortest time seen. Each of several
processes that share a full server gains by adding requests, at the others' cost, and only the
time of a request shows it.

Climbing on throughput is what .NET's thread pool does (Hellerstein, Morrison, Eilebrecht,
"Optimizing concurrency levels in the .NET ThreadPool", FeBID 2008). TCP Vegas, BBR and Netflix's
concurrency-limits (github.com/Netflix/concurrency-limits) compare with the shortest time of a
request instead: simpler, but here a request of one text sets a time that 64 texts never reach.
Refusals and timeouts shrink the limit by a factor (Chiu and Jain, "Analysis of the increase and
decrease algorithms for congestion avoidance", 1989); the next try upward waits longer each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from wikiembed.backoff import Backoff, Waits
from wikiembed.servers.concurrency_limit import Slots
from wikiembed.servers.window import Window, WindowStats

FLOOR = 2
"""One request is processed while the next is sent; only refusals and timeouts lead to one."""
STEP = 1.5
"""Factor between the kept limit and the next one tried, upward or downward."""
GROWTH_EXPONENT = 1 / 3
"""Throughput must grow by at least the growth of requests in flight, raised to this exponent."""
GROWTH_EXPONENT_SLOW = 0.85
SLOW = 1.75
"""A server is slow when requests take this many times the shortest mean that was seen."""
WINDOW_REQUESTS = 8
WINDOW_S = 0.25
"""A window has as many requests as slots, at least 8, and lasts at least 0.25 s."""
UNDECIDED_WINDOWS = 4
"""A window grows up to this many times its requests when the two throughputs disagree."""
BINDING = 0.6
"""A window counts only when this share of the limit was in flight and all slots were once taken."""
REST = Backoff(first_s=1.0, longest_s=8.0)
"""Pause after a try in both directions gained nothing; doubled each time."""
REFUSED = Backoff(first_s=4.0, longest_s=120.0)
"""Pause before the next try upward after a refusal; doubled each time."""
SHRINK = 0.7
"""Share of the limit that is left after a refusal or a timeout."""


class AdaptiveLimit(Slots):
    """A limit that begins at `start` and is found by trying, up to `most`.

    `on_change` receives each new limit.
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
        self._begun = 0
        self._most = most
        self._on_change = on_change
        self._window = Window(clock())
        self._kept = self.limit
        self._base: WindowStats | None = None
        self._shortest: WindowStats | None = None
        self._upward = True
        self._failed_tries = 0
        self._rests, self._rest_until = Waits(REST), 0.0
        self._refusals, self._upward_from = Waits(REFUSED), 0.0
        self._shrunk_at = float("-inf")
        self._round_trip_s = 1.0
        self._refused = False

    def _begin(self) -> float:
        now = self._clock()
        self._window.moved(now, self._begun)
        self._begun += 1
        return now

    def _end(self, began_at: float, texts: int) -> None:
        now = self._clock()
        self._window.moved(now, self._begun)
        self._begun -= 1
        self._window.ended(began_at, now, texts)
        if self.in_flight >= self.limit:
            self._window.was_full = True
        if texts:
            self._round_trip_s += (now - began_at - self._round_trip_s) / 4
            self._check_window(now)

    def throttled(self) -> None:
        """Shrink after the server refused one request too many, at most once per round trip."""
        self._shrink()

    def timed_out(self) -> None:
        """Shrink after a request got no answer in time, at most once per round trip."""
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
        self._window = Window(now)
        if changed and self._on_change is not None:
            self._on_change(limit)
        self._release_waiters()

    def _check_window(self, now: float) -> None:
        """Evaluate the window if it is complete."""
        needed = max(WINDOW_REQUESTS, self.limit)
        if self._window.requests < needed or self._window.lasted_s(now) < WINDOW_S:
            return
        stats = self._window.stats(now)
        if not self._window.was_full or stats.in_flight < BINDING * self.limit:
            self._base = None
            if self.limit != self._kept:
                self._reverse(now)
            self._measure_at(self._kept, now)
        elif self._base is None or self.limit == self._kept:
            self._advance(stats, now)
        else:
            last = self._window.requests >= UNDECIDED_WINDOWS * needed
            self._compare(stats, self._base, now, last=last)

    def _compare(self, stats: WindowStats, base: WindowStats, now: float, *, last: bool) -> None:
        """Keep the tried limit, or return to the kept one, or continue measuring."""
        exponent = GROWTH_EXPONENT_SLOW if self._is_slow(base) else GROWTH_EXPONENT
        needed = (stats.in_flight / base.in_flight) ** exponent
        least, most = stats.over(base)
        if least >= needed:
            self._kept = self.limit
            self._failed_tries = 0
            if self._upward:
                self._refused = False
                self._refusals.reset()
            self._advance(stats, now)
        elif most < needed or last:
            self._reverse(now)
            self._measure_at(self._kept, now)

    def _advance(self, stats: WindowStats, now: float) -> None:
        """Proceed from a kept and measured limit to the next one to measure."""
        self._base = stats
        self._shortest = stats.shorter(self._shortest or stats)
        self._measure_at(self._next(now), now)

    def _is_slow(self, stats: WindowStats) -> bool:
        return self._shortest is not None and stats.is_slower(self._shortest, SLOW)

    def _reverse(self, now: float) -> None:
        """Try the other direction next; after both, rest."""
        self._upward = not self._upward
        self._failed_tries += 1
        if self._failed_tries >= 2:
            self._failed_tries = 0
            self._rest_until = now + self._rests.next_s()

    def _next(self, now: float) -> int:
        """The limit to measure next: a try, or the kept one."""
        if now < self._rest_until:
            return self._kept
        tried = self._up(now) if self._upward else self._down()
        if tried == self._kept:
            self._reverse(now)
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
