"""Records what batches cost: added up in this process, written to Postgres once a second.

Of a source with a budget the cost of each batch takes the place of its reservation at its end, so
that the budget counts it once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

import psycopg

from wikiembed.errors import WikiembedError
from wikiembed.pipeline.lag import add_lags
from wikiembed.pipeline.record import BatchRecord
from wikiembed.store.batch_entry import BatchEntry
from wikiembed.telemetry import emit

EVERY_S = 1.0
AGAIN_AFTER_S = 10.0
"""Wait after a record that failed."""
CLOSE_S = 2.0


class Records(Protocol):
    """Where batches are recorded."""

    async def record_batches(self, entry: BatchEntry) -> None:
        """Record an entry; once, if it is given again."""


class Recorder:
    """Collects the records of a process's batches; what Postgres refuses is kept and repeated."""

    def __init__(self, store: Records, *, every_s: float = EVERY_S) -> None:
        self._store = store
        self._every_s = every_s
        self._sums: defaultdict[str, BatchRecord] = defaultdict(BatchRecord)
        self._left: list[BatchEntry] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, source: str, record: BatchRecord) -> None:
        """Add a batch's record, which is written within a second, or at once to end a reservation.

        Raises nothing but what cancels the caller.
        """
        if record.lags or (record.usage and record.reservation is None):
            add_lags(self._sums[source].lags, record.lags)
            if record.reservation is None:
                self._sums[source].usage.add(record.usage)
        if record.reservation is not None:
            settled = BatchEntry(
                source=source, usage=record.usage.numbers(), settles=True, id=record.reservation
            )
            await self._write([settled])
        if (self._sums or self._left) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._write_regularly())

    async def flush(self, source: str | None = None) -> None:
        """Write what was added, of one source or all; what fails is kept."""
        names = [name for name in self._sums if source in {None, name}]
        entries = [_entry(name, self._sums.pop(name)) for name in names]
        if source is None:
            entries += self._left
            self._left = []
        await self._write(entries)

    async def flush_usage(self, source: str) -> None:
        """Write what was added of the source, if some of it is usage: lags may wait."""
        if source in self._sums and self._sums[source].usage:
            await self.flush(source)

    async def aclose(self) -> None:
        """Write the rest, unless Postgres does not answer for `CLOSE_S`."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.flush()

    async def _write_regularly(self) -> None:
        while self._sums or self._left:
            await asyncio.sleep(AGAIN_AFTER_S if self._left else self._every_s)
            await self.flush()

    async def _write(self, entries: Iterable[BatchEntry]) -> None:
        left = list(entries)
        try:
            while left:
                with contextlib.suppress(psycopg.errors.InvalidSchemaName):  # uninstalled
                    await self._store.record_batches(left[0])
                del left[0]
        except (WikiembedError, psycopg.Error) as error:
            emit("usage_kept", level=30, source=left[0].source, error=type(error).__name__)
            left.append(left.pop(0))
        finally:
            self._left += left


def _entry(source: str, record: BatchRecord) -> BatchEntry:
    waits = sorted(record.lags.items())
    return BatchEntry(
        source=source,
        usage=record.usage.numbers(),
        fresh=[fresh for (fresh, _), _ in waits],
        buckets=[bucket for (_, bucket), _ in waits],
        chunks=[chunks for _, chunks in waits],
    )
