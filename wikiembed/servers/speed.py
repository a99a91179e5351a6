"""How fast each of several servers answers, so that the fastest with a free slot gets a batch."""

from __future__ import annotations

import time
from collections.abc import Callable

DECAY = 0.9
"""Weight of all earlier requests against the latest: ten or so count."""
STALE_S = 30.0
"""A server that has answered nothing for so long may be faster by now: it is tried first."""


class Speed:
    """Seconds per text of one server, its queue included, over its latest requests."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = 0.0
        self._texts = 0.0
        self._answered_at = float("-inf")

    def answered(self, texts: int, seconds: float) -> None:
        """Record a request of `texts` texts that took `seconds`."""
        self._seconds = DECAY * self._seconds + seconds
        self._texts = DECAY * self._texts + texts
        self._answered_at = self._clock()

    @property
    def text_s(self) -> float:
        """Seconds per text; 0 where that is not known."""
        if self._clock() - self._answered_at > STALE_S:
            return 0.0
        return self._seconds / self._texts
