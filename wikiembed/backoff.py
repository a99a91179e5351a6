"""How long to wait between two tries: exponential backoff, the only formula.

Source: Jacobson, "Congestion avoidance and control", SIGCOMM 1988, for the doubling; for the
jitter "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Seconds to wait: `first_s` before the first retry, then `factor` times as long each time.

    At most `longest_s`; `jitter` is the fraction that is subtracted at random, 0 to 1.
    """

    first_s: float
    longest_s: float
    factor: float = 2.0
    jitter: float = 0.0

    def wait_s(self, tries: int) -> float:
        """Seconds to wait after `tries` earlier waits (from 0)."""
        # More than 64 doublings make no difference, and 2.0 ** 1024 is an OverflowError.
        plain_s = min(self.longest_s, self.first_s * self.factor ** min(max(tries, 0), 64))
        if not self.jitter:
            return plain_s
        return plain_s * random.uniform(1.0 - self.jitter, 1.0)  # noqa: S311

    def waits_s(self, tries: int) -> list[float]:
        """The first `tries` waits, in order."""
        return [self.wait_s(n) for n in range(tries)]


class Waits:
    """A backoff with its count: `next_s` after each failed try, `reset` after a success."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self.tries = 0

    def next_s(self) -> float:
        """Seconds to wait now; the next one is longer."""
        wait_s = self._backoff.wait_s(self.tries)
        self.tries += 1
        return wait_s

    def reset(self) -> None:
        """Start again with the first wait."""
        self.tries = 0
