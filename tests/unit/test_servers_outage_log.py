"""The keeper of outages: what is written, when, and what never reaches a job."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import psycopg
import pytest

from tests.support.eventually import eventually_async
from wikiembed.config import Provider, Settings
from wikiembed.errors import (
    ConfigurationError,
    DatabaseUnreachable,
    EmbedderThrottled,
    EmbedderUnavailable,
)
from wikiembed.pipeline.runtime import Runtime
from wikiembed.servers.outage_log import LogTimes, OutageLog

if TYPE_CHECKING:
    from wikiembed.db.pool import Pool

GONE = EmbedderUnavailable("The server cannot\nbe reached.", http_status=503)
QUICK = LogTimes(
    settle_s=0.02, refresh_s=60, again_s=0.01, again_longest_s=0.02, close_within_s=0.05
)
LONG = LogTimes(settle_s=60)


class Kept:
    """Keeps what is written, as ``down``, ``up``; fails while `fails` has errors left."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.tries = 0
        self.log: list[str] = []
        self.reports: list[tuple[str, float, str, int | None, str]] = []
        self.ends: list[tuple[str, float, float]] = []
        self.hangs = False

    async def _write(self, word: str) -> None:
        self.tries += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails.pop(0)
        self.log.append(word)

    async def report(
        self, server: str, *, since_s: float, word: str, http_status: int | None, reason: str
    ) -> None:
        await self._write("down")
        self.reports.append((server, since_s, word, http_status, reason))

    async def end(self, server: str, *, ended_s: float, unseen_s: float) -> None:
        await self._write("up")
        self.ends.append((server, ended_s, unseen_s))


@asynccontextmanager
async def keeping(kept: Kept, times: LogTimes = QUICK) -> AsyncIterator[OutageLog]:
    """A keeper that writes to `kept`, closed at the end."""
    keeper = OutageLog(kept, times=times)
    try:
        yield keeper
    finally:
        await keeper.aclose()


async def test_outage_is_written_once_it_lasts_and_ended_when_it_ends() -> None:
    """With its class, its status and its reason on one line."""
    kept = Kept()
    async with keeping(kept) as keeper:
        hear = keeper.listener("http://s")
        hear(GONE, 0)
        await eventually_async(lambda: kept.reports)
        ((server, since_s, *what),) = kept.reports
        assert (server, what) == (
            "http://s",
            ["no_answer", 503, "The server cannot be reached."],
        )
        assert since_s >= QUICK.settle_s
        hear(None, 0)
        await eventually_async(lambda: kept.ends)
    assert kept.log == ["down", "up"]


async def test_short_outage_is_not_written_nor_is_its_end() -> None:
    """Only the process's first answer is: it ends what a dead worker left open."""
    kept = Kept()
    async with keeping(kept) as keeper:
        hear = keeper.listener("s")
        hear(GONE, 0)
        hear(None, 0)
        await eventually_async(lambda: kept.ends)
        assert kept.ends[0][2] == 0
        for _ in range(50):
            hear(GONE, 0)
            hear(None, 0)
            hear(None, 0)
        hear(GONE, 0)
        await eventually_async(lambda: kept.reports)
    assert kept.log == ["up", "down"]


async def test_outage_that_has_lasted_already_is_written_at_once() -> None:
    """One that began again before a request had passed; and 429 has its own class."""
    kept = Kept()
    async with keeping(kept, LONG) as keeper:
        hear = keeper.listener("s")
        hear(EmbedderThrottled("429", http_status=429), 70)
        await eventually_async(lambda: kept.reports)
        assert kept.reports[0][1] >= 70
        assert kept.reports[0][2:4] == ("throttled", 429)
        # The breaker counts from 0 after a request that passed meanwhile; the outage does not.
        hear(GONE, 0)
    assert kept.log == ["down"]


async def test_beginning_stays_while_reasons_change() -> None:
    """The earliest is reported, with the latest reason, again and again."""
    kept = Kept()
    async with keeping(kept, LogTimes(settle_s=0, refresh_s=0.01)) as keeper:
        hear = keeper.listener("s")
        hear(EmbedderUnavailable("First."), 100)
        await eventually_async(lambda: kept.reports)
        hear(EmbedderUnavailable("Second."), 0)
        await eventually_async(lambda: kept.reports[-1][4] == "Second.")
        seen = len(kept.reports)
        await eventually_async(lambda: len(kept.reports) > seen + 1)
    assert min(report[1] for report in kept.reports) >= 100


async def test_short_end_of_a_long_outage_is_not_written() -> None:
    """A probe that passes for a moment ends nothing that began again within a second."""
    kept = Kept()
    async with keeping(kept, LogTimes(settle_s=20, refresh_s=0.1)) as keeper:
        hear = keeper.listener("s")
        hear(GONE, 50)
        await eventually_async(lambda: kept.reports)
        for _ in range(5):
            hear(None, 0)
            await asyncio.sleep(0.02)
            hear(GONE, 50)
        await eventually_async(lambda: len(kept.reports) > 1)
    assert set(kept.log) == {"down"}


async def test_server_is_out_of_reach_while_one_of_its_channels_is() -> None:
    """Another model on the same server answers: that ends nothing."""
    kept = Kept()
    async with keeping(kept) as keeper:
        one, other = keeper.listener("s"), keeper.listener("s")
        one(GONE, 5)
        await eventually_async(lambda: kept.reports)
        other(None, 0)
        other(GONE, 9)
        other(None, 0)
        await asyncio.sleep(3 * QUICK.settle_s)
        assert kept.log == ["down"]
        one(None, 0)
        await eventually_async(lambda: kept.ends)


async def test_answers_cost_a_statement_now_and_then() -> None:
    """The first of a process, and one after each recheck, which ends only what nobody reports."""
    kept = Kept()
    async with keeping(kept, LogTimes(recheck_s=60)) as keeper:
        hear = keeper.listener("s")
        for _ in range(100):
            hear(None, 0)
            await asyncio.sleep(0)
    assert kept.log == ["up"]
    kept = Kept()
    async with keeping(kept, LogTimes(recheck_s=0.01, unseen_s=90)) as keeper:
        hear = keeper.listener("s")
        while len(kept.ends) < 3:
            hear(None, 0)
            await asyncio.sleep(0.001)
    assert [end[2] for end in kept.ends] == [0, 90, 90]


async def test_what_postgres_misses_is_written_as_it_stands_later() -> None:
    """An outage goes on while Postgres is away; one that ended meanwhile is only ended."""
    kept = Kept(*[DatabaseUnreachable("Away.")] * 3)
    async with keeping(kept) as keeper:
        hear = keeper.listener("s")
        hear(GONE, 10)
        await eventually_async(lambda: kept.tries == 2)
        await eventually_async(lambda: kept.reports)
        assert kept.reports[0][1] >= 10
        kept.fails = [DatabaseUnreachable("Away.")] * 3
        hear(None, 0)
        await eventually_async(lambda: kept.ends)
    assert kept.log == ["down", "up"]
    kept = Kept(DatabaseUnreachable("Away."))
    async with keeping(kept, LogTimes(again_s=0.3)) as keeper:
        hear = keeper.listener("s")
        hear(GONE, 10)
        await eventually_async(lambda: kept.tries)
        hear(None, 0)
        await eventually_async(lambda: kept.ends)
    assert kept.log == ["up"]


async def test_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A right that is missing is said once; a Postgres out of reach is others' to tell."""
    caplog.set_level(logging.DEBUG, logger="wikiembed")
    refusals = [ConfigurationError("permission denied"), ConfigurationError("again")]
    kept = Kept(DatabaseUnreachable("Away."))
    async with keeping(kept) as keeper:
        keeper.listener("s")(None, 0)
        await eventually_async(lambda: kept.ends)
        assert caplog.records == []
        kept.fails = list(refusals)
        keeper.listener("s")(GONE, 10)
        await eventually_async(lambda: kept.reports)
    (record,) = caplog.records
    assert record.getMessage() == "outage_not_kept"
    assert record.__dict__["fields"] == {
        "server": "s",
        "error": "ConfigurationError",
        "reason": "permission denied",
    }


async def test_stop_leaves_an_outage_open_and_writes_an_end() -> None:
    """An end that has not settled is written at last; what lasts is left to others."""
    kept = Kept()
    async with keeping(kept) as keeper:
        keeper.listener("s")(GONE, 10)
        await eventually_async(lambda: kept.reports)
    assert kept.log == ["down"]
    kept = Kept()
    async with keeping(kept, LONG) as keeper:
        hear = keeper.listener("s")
        hear(GONE, 100)
        await eventually_async(lambda: kept.reports)
        hear(None, 0)
    assert kept.log == ["down", "up"]


async def test_stop_waits_for_no_postgres_that_hangs() -> None:
    """Nor for one that was never asked."""
    kept = Kept()
    kept.hangs = True
    async with asyncio.timeout(20):
        async with keeping(kept) as keeper:
            keeper.listener("s")(None, 0)
            await eventually_async(lambda: kept.tries)
        async with keeping(kept):
            pass
    assert kept.log == []


class NoPool:
    """A pool whose Postgres is away; counts what asks it."""

    def __init__(self) -> None:
        self.asked = 0

    def connection(self) -> None:
        self.asked += 1
        raise psycopg.OperationalError("away")

    async def close(self) -> None:
        """Nothing to close."""


async def test_runtime_writes_what_its_channels_meet_and_ends_the_writing() -> None:
    """After it is closed no task is left that would use its pool."""
    pool = NoPool()
    runtime = Runtime(Settings(), cast("Pool", pool))
    runtime.channel(Provider.OPENAI, "m").breaker.worked()
    await eventually_async(lambda: pool.asked)
    await runtime.aclose()
    assert [t for t in asyncio.all_tasks() if t.get_name() == "wikiembed outages"] == []
