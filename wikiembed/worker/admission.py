"""How many batches a worker fetches and begins: the one decision.

Three numbers follow from it. The requests at the servers are bounded by their concurrency limits.
As many batches begin, and at a fast server a few more, which are read or written meanwhile. At a
fast server jobs are also fetched a moment ahead. procrastinate's own number of tasks is set so
high (`MOST_TASKS`) that it decides nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

MOST_TASKS = 1024
"""Tasks of one of procrastinate's workers."""
FETCH_AHEAD_S = 0.05
"""How far ahead of their turn jobs are fetched: a pause takes effect within it."""
FAST_BATCHES_PER_S = 60
"""Rate from which on jobs are fetched ahead; those of a slower server stay queued."""
POSTGRES_TIME_S = 0.03
"""Seconds in which a batch is read from and written to Postgres: meanwhile it takes no slot of the
server, and the batches of a fast one overlap by so much."""
MOST_AHEAD = 16


class Admission:
    """Counts the batches in flight against `limit`, the sum of the servers' concurrency limits.

    Without `limit` (a stock procrastinate worker) one batch begins per task, and none is fetched
    ahead. Batches are known by the ids of their jobs.
    """

    def __init__(
        self,
        *,
        limit: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._in_flight: set[int | None] = set()
        self._exclusive: int | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self._ended: deque[float] = deque()

    @property
    def is_closed(self) -> bool:
        """Whether no batch begins any more."""
        return self._closed

    def close(self) -> None:
        """Begin no more batches."""
        self._closed = True
        self._changed.set()

    async def wait(self) -> bool:
        """Return True when a batch may begin, False when closed."""
        while not self._closed and (self._exclusive is not None or self._free() <= 0):
            self._changed.clear()
            await self._changed.wait()
        return not self._closed

    async def wait_until_idle(self) -> bool:
        """Return True when no batch is in flight, False when closed; without a limit at once."""
        while self._limit is not None and self._in_flight and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        return not self._closed

    def begin(self, job_id: int | None, *, exclusive: bool) -> None:
        """A batch begins; with `exclusive` no other one does until it has ended."""
        self._in_flight.add(job_id)
        if exclusive and self._limit is not None:
            self._exclusive = job_id

    def end(self, job_id: int | None) -> None:
        """A batch has ended; repeated calls change nothing."""
        if job_id in self._in_flight:
            self._in_flight.discard(job_id)
            self._ended.append(self._clock())
        if self._exclusive == job_id:
            self._exclusive = None
        self._changed.set()

    def batches_to_fetch(self) -> int | None:
        """Batches that will begin within a moment, at least 1; None: a single job."""
        if self._limit is None:
            return None
        rate = self._batches_per_s()
        ahead = math.ceil(FETCH_AHEAD_S * rate) if rate >= FAST_BATCHES_PER_S else 1
        return min(max(1, self._free(), ahead), MOST_AHEAD)

    def _free(self) -> int:
        """How many batches may begin now: the free slots, and those being read or written.

        At a slow server only the free slots: there a batch that begins early only waits.
        """
        if self._limit is None:
            return 1
        rate = self._batches_per_s()
        in_postgres = math.ceil(POSTGRES_TIME_S * rate) if rate >= FAST_BATCHES_PER_S else 0
        return max(1, self._limit()) + in_postgres - len(self._in_flight)

    def _batches_per_s(self) -> int:
        """Batches that ended within the last second."""
        while self._ended and self._clock() - self._ended[0] > 1.0:
            self._ended.popleft()
        return len(self._ended)
