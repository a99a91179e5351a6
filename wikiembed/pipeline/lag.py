"""How long the chunks of a batch have waited for their vectors: since their jobs were queued."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence

from wikiembed.metrics.observer import Wait

GROWTH = 1.05 / 0.95
"""Each bucket ends at this multiple of the one before; wikiembed_private.lag_seconds is within 5 %
of each time in one."""
SHORTEST_S = 0.001
LONGEST_S = 1e9

_PER_BUCKET = 1 / math.log(GROWTH)

Lags = dict[tuple[bool, int], int]
"""Numbers of chunks, by whether they were edits, and by the bucket of how long they waited."""


def lag_bucket(seconds: float) -> int:
    """The bucket of a waiting time in the histograms of lag: -69 for 1 ms, 208 for 31 years."""
    if not SHORTEST_S < seconds < LONGEST_S:
        seconds = SHORTEST_S if seconds <= SHORTEST_S else LONGEST_S
    return math.ceil(math.log(seconds) * _PER_BUCKET)


def lags_of(waits: Iterable[Wait]) -> Lags:
    """Waits of the chunks of jobs, by bucket."""
    lags: Lags = {}
    for seconds, fresh, chunks in waits:
        wait = fresh, lag_bucket(seconds)
        lags[wait] = lags.get(wait, 0) + chunks
    return lags


def add_lags(lags: Lags, more: Lags) -> None:
    """Add `more` to `lags`: plain dictionaries, since a `Counter` costs five times as much."""
    for wait, chunks in more.items():
        lags[wait] = lags.get(wait, 0) + chunks


class LagMeter:
    """Since when the chunks of a batch wait, on this process's clock.

    The time before the fetch is measured by Postgres, what comes after it by `clock`: the two
    machines' times of day may differ.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jobs: list[tuple[float, bool, Sequence[object]]] = []
        self._keys = 0
        self._job_of: dict[str, int] = {}

    def add(self, since: float, keys: Sequence[object], *, fresh: bool) -> None:
        """Add a job's keys, queued at `since`; `fresh`: a user's transaction wrote the rows.

        Of a key that several jobs have, the first one counts.
        """
        self._jobs.append((since, fresh, keys))
        self._keys += len(keys)

    def waits(self, written: Sequence[str]) -> list[Wait]:
        """How long the chunks of these keys waited until now, job by job; not of unknown keys."""
        now = self._clock()
        if len(written) == self._keys:
            return [(max(0.0, now - since), fresh, len(keys)) for since, fresh, keys in self._jobs]
        if not self._job_of:
            for place, (_, _, keys) in enumerate(self._jobs):
                for key in keys:
                    self._job_of.setdefault(str(key), place)
        chunks: dict[int, int] = {}
        for key in written:
            found = self._job_of.get(key)
            if found is not None:
                chunks[found] = chunks.get(found, 0) + 1
        return [
            (max(0.0, now - self._jobs[place][0]), self._jobs[place][1], count)
            for place, count in chunks.items()
        ]
