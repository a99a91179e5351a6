"""What a console of several databases knows of each: its state, or since when and why it has none.

A reading goes on in the background however long it takes: a request waits for a short time, then
shows what was known before. So a database that is away delays neither a page nor the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from wikiembed.control.glance import Glance, SourceGlance
from wikiembed.db.connect import as_ours
from wikiembed.errors import DatabaseUnreachable, WikiembedError
from wikiembed.store.coverage import DocumentCounts
from wikiembed.times import now
from wikiembed.web.app import GLANCE_S, Console

PATIENCE_S = 2.0
"""How long a request waits for a database that answered the last time, or is asked first."""
AWAY_S = 0.25
"""How long it waits for one that did not: a connection that is refused is refused at once."""
STALE_S = 15.0
"""How long the last state counts while a reading takes longer than a request waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Chunks and documents of the sources that count: not those of the wiki that are unused.

    `paused`: the number of sources; `chunks_per_s` of the last minute; `coverage_pct`, which is 100
    only if nothing is left, None if there is nothing to embed; `documents` None: no source has any.
    """

    sources: int
    paused: int
    total: int
    embedded: int
    missing: int
    failed: int
    skipped: int
    chunks_per_s: float
    coverage_pct: float | None
    documents: DocumentCounts | None


def sum_of(sources: Iterable[SourceGlance]) -> Sum:
    """The sum over `sources`."""
    counting = [one for one in sources if not one.state["unused"]]

    def add(name: str) -> int:
        return sum(int(one.state[name]) for one in counting)

    total, embedded, skipped = add("total"), add("embedded"), add("skipped")
    counted = total - skipped
    return Sum(
        sources=len(counting),
        paused=sum(one.pause is not None for one in counting),
        total=total,
        embedded=embedded,
        missing=add("missing"),
        failed=add("failed"),
        skipped=skipped,
        chunks_per_s=sum(float(one.state["chunks_per_s"]) for one in counting),
        coverage_pct=math.floor(10_000 * embedded / counted) / 100 if counted else None,
        documents=_documents(counting),
    )


def _documents(sources: Iterable[SourceGlance]) -> DocumentCounts | None:
    found = [one.documents.counts for one in sources if one.documents is not None]
    if not found:
        return None
    return DocumentCounts(
        source="",
        total=sum(one.total for one in found),
        split=sum(one.split for one in found),
        waiting=sum(one.waiting for one in found),
        failed=sum(one.failed for one in found),
        chunks=sum(one.chunks for one in found),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One database: its `state`; or None, `since` when, and `why`, None if it has not answered yet.

    `answered_at`: when it was last read; None: not since this process began.
    """

    state: Glance | None = None
    since: dt.datetime | None = None
    why: str | None = None
    answered_at: dt.datetime | None = None


class Sight:
    """Reads one database when it is asked for, at most once a second however many ask."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._last = Seen()
        self._reading: asyncio.Task[None] | None = None
        self._began_s = 0.0
        self._began_at = now()

    async def look(self) -> Seen:
        """What is known within `PATIENCE_S`."""
        clock = asyncio.get_running_loop().time
        reading = self._reading
        if reading is None or (reading.done() and clock() - self._began_s >= GLANCE_S):
            self._began_s, self._began_at = clock(), now()
            reading = self._reading = asyncio.create_task(self._read())
        slow = self._last.since is not None or clock() - self._began_s > PATIENCE_S
        await asyncio.wait({reading}, timeout=AWAY_S if slow else PATIENCE_S)
        if reading.done():
            await reading
            return self._last
        return self._before()

    def _before(self) -> Seen:
        """What was known before the reading that takes too long."""
        last = self._last
        if last.since is not None:
            return last
        at = last.answered_at
        if at is not None and now() - at <= dt.timedelta(seconds=STALE_S):
            return last
        return Seen(since=self._began_at, answered_at=at)

    async def _read(self) -> None:
        found = await self._found()
        if isinstance(found, Glance):
            self._last = Seen(state=found, answered_at=now())
        else:
            last = self._last
            since = last.since or self._began_at
            self._last = Seen(since=since, why=found, answered_at=last.answered_at)

    async def _found(self) -> Glance | str:
        """The state, or why there is none: what a connection of its own says, not the pool."""
        if self._last.state is None and (why := await self._obstacle()) is not None:
            return why
        try:
            return await self.console.glance()
        except DatabaseUnreachable as error:
            return await self._obstacle() or str(error)
        except (WikiembedError, psycopg.Error) as error:
            return _sentence(error)

    async def _obstacle(self) -> str | None:
        """Why no connection can be opened; None: one can."""
        try:
            await self.console.database.check()
        except (WikiembedError, psycopg.Error) as error:
            return _sentence(error)
        return None

    async def aclose(self) -> None:
        """End the reading."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading


def _sentence(error: WikiembedError | psycopg.Error) -> str:
    return str(as_ours(error) if isinstance(error, psycopg.Error) else error)
