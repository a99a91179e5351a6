"""Statistics of one window: requests measured at one limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

FORGET = 0.001
"""Share of the difference by which the shortest times approach longer ones, per window.

With 0.01, two processes on one server lost its unloaded time in a minute, and both rose to 32.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowStats:
    """Statistics of one window; throughput by Little's law, which bursts of answers do not distort.

    `request_s` and `text_s`: mean time in flight for each request, and for each text.
    """

    in_flight: float
    request_s: float
    text_s: float

    def over(self, other: WindowStats) -> tuple[float, float]:
        """Throughput as a multiple of the other's: lower and upper bound.

        Where a request costs a fixed time and a time for each text, the truth lies between the
        ratio of requests/s and that of texts/s, whatever the two costs and the sizes are.
        """
        grown = self.in_flight / other.in_flight
        ratios = grown * other.request_s / self.request_s, grown * other.text_s / self.text_s
        return min(ratios), max(ratios)

    def is_slower(self, shortest: WindowStats, times: float) -> bool:
        """Whether it takes `times` times longer, both per request and per text."""
        return self.request_s > times * shortest.request_s and self.text_s > times * shortest.text_s

    def shorter(self, shortest: WindowStats) -> WindowStats:
        """The shortest times, which approach longer ones slowly."""
        return replace(
            self,
            request_s=_follow(shortest.request_s, self.request_s),
            text_s=_follow(shortest.text_s, self.text_s),
        )


def _follow(shortest: float, seen: float) -> float:
    return min(seen, shortest + (seen - shortest) * FORGET)


class Window:
    """Measures at one limit, after a round trip in which the server adapts to it."""

    def __init__(self, now: float) -> None:
        self._opened_at = self._moved_at = now
        self._began_at: float | None = None
        self._in_flight_s = 0.0
        self._spent_s = 0.0
        self._texts = 0
        self.requests = 0
        self.was_full = False

    def moved(self, now: float, in_flight: int) -> None:
        """The number in flight is about to change from `in_flight`."""
        self._in_flight_s += in_flight * (now - self._moved_at)
        self._moved_at = now

    def ended(self, began_at: float, now: float, texts: int) -> None:
        """A request ended; with `texts` 0 it failed, and only its time counts."""
        if began_at < self._opened_at:
            return
        if self._began_at is None:
            self._began_at, self._in_flight_s, self.was_full = now, 0.0, False
            return
        self._spent_s += now - began_at
        self._texts += texts
        self.requests += texts > 0

    def lasted_s(self, now: float) -> float:
        """Seconds since the window began."""
        return 0.0 if self._began_at is None else now - self._began_at

    def stats(self, now: float) -> WindowStats:
        """The statistics; at least one request must have ended."""
        return WindowStats(
            in_flight=self._in_flight_s / max(self.lasted_s(now), 1e-9),
            request_s=max(self._spent_s, 1e-9) / self.requests,
            text_s=max(self._spent_s, 1e-9) / self._texts,
        )
