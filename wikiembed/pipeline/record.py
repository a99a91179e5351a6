"""Since when the chunks of a batch wait for their vectors."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence


class Waits:
    """Since when the chunks of a batch wait for their vectors: since their jobs were queued."""

    def __init__(self) -> None:
        self._since: list[tuple[dt.datetime, bool]] = []
        self._place: dict[str, int] = {}

    def add(self, since: dt.datetime, keys: Iterable[object], *, fresh: bool) -> None:
        """Add a job's keys; `fresh`: a user's transaction wrote the rows. The first job counts."""
        if not self._since or self._since[-1] != (since, fresh):
            self._since.append((since, fresh))
        place = len(self._since) - 1
        for key in keys:
            self._place.setdefault(str(key), place)

    def of(self, keys: Sequence[str]) -> Iterator[tuple[dt.datetime, bool, int]]:
        """Since when, whether fresh, and how many of `keys`, for each time that one of them has."""
        counts = Counter(self._place[key] for key in keys if key in self._place)
        for place, (since, fresh) in enumerate(self._since):
            if counts[place]:
                yield since, fresh, counts[place]
