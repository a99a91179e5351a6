"""What a batch cost, and since when its chunks wait: recorded with its writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from wikiembed.embedders.usage import Usage
from wikiembed.store.batch_entry import BatchEntry


class Waits:
    """Since when the chunks of a batch wait for their vectors: since their jobs were queued."""

    def __init__(self) -> None:
        self._since: list[dt.datetime] = []
        self._fresh: list[bool] = []
        self._place: dict[str, int] = {}

    def add(self, since: dt.datetime, keys: Iterable[object], *, fresh: bool) -> None:
        """Add a job's keys; `fresh`: a user's transaction wrote the rows. The first job counts."""
        if not self._since or (self._since[-1], self._fresh[-1]) != (since, fresh):
            self._since.append(since)
            self._fresh.append(fresh)
        place = len(self._since)
        for key in keys:
            self._place.setdefault(str(key), place)

    def entry(self, keys: Sequence[str], usage: Usage) -> BatchEntry:
        """The entry of a write of `keys`."""
        places = [self._place.get(key, 0) for key in keys]
        chunks = [0] * (len(self._since) + 1)
        for place in places:
            chunks[place] += 1
        return BatchEntry(
            usage=usage.numbers(),
            since=self._since,
            fresh=self._fresh,
            chunks=chunks[1:],
            places=places,
        )


class BatchRecord:
    """What the requests of a batch have cost so far, and how much of it no write has recorded."""

    def __init__(self, usage: Usage, waits: Waits | None) -> None:
        self._usage = usage
        self._waits = waits or Waits()
        self._recorded = Usage()

    @property
    def left(self) -> Usage:
        """What is not recorded yet."""
        left = Usage()
        left.add(self._usage)
        left.add(self._recorded, times=-1)
        return left

    def entry(self, keys: Sequence[str] = ()) -> BatchEntry:
        """What to record with a write of `keys`; call `committed` with it afterwards."""
        return self._waits.entry(keys, self.left)

    def committed(self, entry: BatchEntry) -> None:
        """Record that the write of `entry` was committed."""
        self._recorded.add(Usage(*entry.usage))
