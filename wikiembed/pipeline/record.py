"""What a batch cost, and since when its chunks wait: recorded with its writes.

Of a source with a budget the tokens of a batch are reserved before it is sent.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence

from wikiembed.embedders.tokens import BYTES_PER_TOKEN
from wikiembed.embedders.usage import Usage
from wikiembed.store.batch_entry import BatchEntry

FORGET = 0.95
"""Share of an earlier rate below which the next batch's is not taken: texts differ."""


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

    def entry(
        self, keys: Sequence[str], usage: Usage, *, reservation: int | None = None
    ) -> BatchEntry:
        """The entry of a write of `keys`."""
        places = [self._place.get(key, 0) for key in keys]
        chunks = [0] * (len(self._since) + 1)
        for place in places:
            chunks[place] += 1
        # Of one time only, Postgres counts the written chunks without their places.
        return BatchEntry(
            usage=usage.numbers(),
            since=self._since,
            fresh=self._fresh,
            chunks=chunks[1:],
            places=[] if len(chunks) == 2 and not chunks[0] else places,
            reservation=reservation,
        )


class BatchRecord:
    """What the requests of a batch have cost so far, and how much of it no write has recorded."""

    def __init__(self, usage: Usage, waits: Waits | None) -> None:
        self._usage = usage
        self._waits = waits or Waits()
        self._recorded = Usage()
        self.reservation: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something that is not recorded, or a reservation to release."""
        return bool(self.left) or self.reservation is not None

    @property
    def left(self) -> Usage:
        """What is not recorded yet."""
        left = Usage()
        left.add(self._usage)
        left.add(self._recorded, times=-1)
        return left

    def since(self, before: Usage) -> Usage:
        """What was used after `left` was `before`."""
        since = self.left
        since.add(before, times=-1)
        return since

    def entry(self, keys: Sequence[str] = ()) -> BatchEntry:
        """What to record with a write of `keys`; call `committed` with it afterwards."""
        return self._waits.entry(keys, self.left, reservation=self.reservation)

    def committed(self, entry: BatchEntry) -> None:
        """Record that the write of `entry` was committed."""
        self._recorded.add(Usage(*entry.usage))
        self.reservation = None


class TokenRate:
    """Tokens per byte of a source's texts: the most of late, from what the server counted.

    Before its first answer `BYTES_PER_TOKEN` is assumed.
    """

    def __init__(self) -> None:
        self._rate = 1 / BYTES_PER_TOKEN
        self._is_known = False

    def tokens(self, texts: Sequence[str]) -> int:
        """The estimate of what `texts` will cost."""
        return math.ceil(self._rate * _bytes(texts))

    def learn(self, texts: Sequence[str], usage: Usage) -> None:
        """Learn from a batch in which each of `texts` was sent once and the server counted."""
        if usage.texts != len(texts) or usage.estimated or not usage.tokens:
            return
        rate = usage.tokens / max(1, _bytes(texts))
        self._rate = max(rate, FORGET * self._rate) if self._is_known else rate
        self._is_known = True


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)
