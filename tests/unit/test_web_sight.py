"""What the console of several databases says of one that is slow, and the sums over sources."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.refused import no_database
from wikiembed.config import Settings
from wikiembed.control.glance import WINDOWS, Glance, Series, SourceGlance
from wikiembed.errors import DatabaseUnreachable
from wikiembed.times import now
from wikiembed.web import sight as module
from wikiembed.web.access import Access
from wikiembed.web.app import Console
from wikiembed.web.sight import Seen, Sight, sum_of
from wikiembed.web.site import SiteOptions

AT = dt.datetime(2031, 5, 1, tzinfo=dt.UTC)


def a_glance() -> Glance:
    """The state of a database without sources."""
    return Glance(at=AT, ready=False, sources=[], obstacles=[], outages=[], workers=[])


class FakeConsole(Console):
    """A console whose readings take until `gate` is set, and fail with `error`."""

    def __init__(self) -> None:
        super().__init__(Settings(database_url=no_database()), SiteOptions(access=Access()))
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: DatabaseUnreachable | None = None
        self.checked: str | None = None
        self.database.check = self._check  # type: ignore[method-assign]
        self.read = 0

    async def _check(self) -> None:
        if self.checked is not None:
            raise DatabaseUnreachable(self.checked)

    async def glance(self) -> Glance:
        """A state, an error, or none yet."""
        self.read += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return a_glance()


@pytest.fixture
async def console(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeConsole]:
    """A fake console, whose readings are of the moment."""
    monkeypatch.setattr(module, "GLANCE_S", 0.0)
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    monkeypatch.setattr(module, "AWAY_S", 0.02)
    made = FakeConsole()
    yield made
    made.gate.set()
    await made.aclose()


async def soon(sight: Sight) -> Seen:
    """What it shows of a reading that hangs, which no request waits for."""
    async with asyncio.timeout(3):
        return await sight.look()


async def test_slow_reading_shows_the_last_state_for_a_while(
    console: FakeConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then that it does not answer; what comes late counts, and one reading runs at a time."""
    sight = Sight(console)
    first = await sight.look()
    assert first.state is not None
    console.gate.clear()
    assert await soon(sight) == first
    monkeypatch.setattr(module, "STALE_S", 0.0)
    away = await soon(sight)
    assert (away.state, away.why, away.answered_at) == (None, None, first.answered_at)
    assert away.since is not None
    assert first.answered_at is not None
    assert first.answered_at <= away.since <= now()
    assert await soon(sight) == away
    assert console.read == 2
    console.gate.set()
    assert (await sight.look()).state is not None


async def test_first_reading_that_takes_long_is_no_answer_yet(console: FakeConsole) -> None:
    """Since it began, without a reason."""
    console.gate.clear()
    sight = Sight(console)
    seen = await soon(sight)
    assert (seen.state, seen.why, seen.answered_at) == (None, None, None)
    assert seen.since is not None
    console.gate.set()
    assert (await sight.look()).state is not None
    await sight.aclose()


async def test_reason_is_that_of_a_connection_of_its_own(console: FakeConsole) -> None:
    """Not the pool's, which has none; the time is that of the first failure."""
    sight = Sight(console)
    await sight.look()
    console.error = DatabaseUnreachable("No connection is free.")
    console.checked = "Connection refused."
    lost = await sight.look()
    assert (lost.state, lost.why) == (None, "Connection refused.")
    console.checked = None
    later = await sight.look()
    assert (later.since, later.why) == (lost.since, "No connection is free.")
    console.error = None
    back = await sight.look()
    assert (back.state is None, back.since, back.why) == (False, None, None)


async def test_result_is_kept_for_a_second(
    console: FakeConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests of that second show it."""
    monkeypatch.setattr(module, "GLANCE_S", 3600.0)
    sight = Sight(console)
    seen = [await sight.look() for _ in range(3)]
    assert console.read == 1
    assert seen == [seen[0]] * 3
    assert isinstance(seen[0], Seen)


def a_source(**state: Any) -> SourceGlance:
    """A source with these counts."""
    counts = {"total": 0, "embedded": 0, "missing": 0, "failed": 0, "skipped": 0, "unused": False}
    return SourceGlance(
        name="docs",
        state={**counts, "chunks_per_s": 0.0, **state},
        attached={},
        hour=Series(window=WINDOWS[0], begins_at=AT, chunks=[]),
        oldest_s=None,
        pause=None,
        documents=None,
        lag_s=None,
        today=None,
        budgets=[],
        schedule=None,
    )


def test_sum_is_whole_only_without_a_rest() -> None:
    """One chunk of a million that is left is not rounded away; what is unused does not count."""
    found = sum_of(
        [
            a_source(total=1_000_000, embedded=999_989, missing=1, skipped=10, chunks_per_s=1.5),
            a_source(total=5, embedded=5, chunks_per_s=2.0),
            a_source(total=100, missing=100, unused=True),
        ]
    )
    assert (found.sources, found.total, found.embedded) == (2, 1_000_005, 999_994)
    assert found.coverage_pct == 99.99
    assert found.chunks_per_s == 3.5
    assert sum_of([a_source(total=4, embedded=4)]).coverage_pct == 100
    assert sum_of([a_source(total=4, skipped=4)]).coverage_pct is None
    assert sum_of([]).documents is None
