"""The outage log: what it writes, when, and what never reaches a job."""

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
    settle_s=0.02, refresh_s=60, retry_s=0.01, longest_retry_s=0.02, close_within_s=0.05
)
LONG = LogTimes(settle_s=60)


class FakeStore:
    """Records what is written as ``down``, ``up``; fails while `fails` has errors left."""

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.tries = 0
        self.log: list[str] = []
        self.reports: list[tuple[str, float, str, int | None, str]] = []
        self.ends: list[tuple[str, float, float]] = []
        self.hangs = False

    async def _write(self, error_class: str) -> None:
        self.tries += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails.pop(0)
        self.log.append(error_class)

    async def report(
        self, server: str, *, since_s: float, error_class: str, http_status: int | None, reason: str
    ) -> None:
        await self._write("down")
        self.reports.append((server, since_s, error_class, http_status, reason))

    async def end(self, server: str, *, ended_s: float, unseen_s: float) -> None:
        await self._write("up")
        self.ends.append((server, ended_s, unseen_s))


@asynccontextmanager
async def outage_log(store: FakeStore, times: LogTimes = QUICK) -> AsyncIterator[OutageLog]:
    """An outage log that writes to `store`, closed at the end."""
    log = OutageLog(store, times=times)
    try:
        yield log
    finally:
        await log.aclose()


async def test_outage_is_written_once_it_lasts_and_again_at_its_end() -> None:
    """With its class, its status and its reason on one line."""
    store = FakeStore()
    async with outage_log(store) as log:
        report = log.listener("http://s")
        report(GONE, 0)
        await eventually_async(lambda: store.reports)
        ((server, since_s, *what),) = store.reports
        assert (server, what) == (
            "http://s",
            ["no_answer", 503, "The server cannot be reached."],
        )
        assert since_s >= QUICK.settle_s
        report(None, 0)
        await eventually_async(lambda: store.ends)
    assert store.log == ["down", "up"]


async def test_short_outage_and_its_end_are_not_written() -> None:
    """Only the first answer of a process is: it ends what a dead worker left open."""
    store = FakeStore()
    async with outage_log(store) as log:
        report = log.listener("s")
        report(GONE, 0)
        report(None, 0)
        await eventually_async(lambda: store.ends)
        assert store.ends[0][2] == 0
        for _ in range(50):
            report(GONE, 0)
            report(None, 0)
            report(None, 0)
        report(GONE, 0)
        await eventually_async(lambda: store.reports)
    assert store.log == ["up", "down"]


async def test_outage_that_has_lasted_already_is_written_immediately() -> None:
    """One that began again before a request had passed; and 429 has its own class."""
    store = FakeStore()
    async with outage_log(store, LONG) as log:
        report = log.listener("s")
        report(EmbedderThrottled("429", http_status=429), 70)
        await eventually_async(lambda: store.reports)
        assert store.reports[0][1] >= 70
        assert store.reports[0][2:4] == ("throttled", 429)
        # The breaker counts from 0 after a request that passed meanwhile; the outage does not.
        report(GONE, 0)
    assert store.log == ["down"]


async def test_begin_of_an_outage_stays_while_reasons_change() -> None:
    """The earliest is reported, with the latest reason, repeatedly."""
    store = FakeStore()
    async with outage_log(store, LogTimes(settle_s=0, refresh_s=0.01)) as log:
        report = log.listener("s")
        report(EmbedderUnavailable("First."), 100)
        await eventually_async(lambda: store.reports)
        report(EmbedderUnavailable("Second."), 0)
        await eventually_async(lambda: store.reports[-1][4] == "Second.")
        seen = len(store.reports)
        await eventually_async(lambda: len(store.reports) > seen + 1)
    assert min(since_s for _, since_s, *_ in store.reports) >= 100


async def test_short_end_of_a_long_outage_is_not_written() -> None:
    """A probe that passes for a moment does not end an outage that resumes within a second."""
    store = FakeStore()
    async with outage_log(store, LogTimes(settle_s=20, refresh_s=0.1)) as log:
        report = log.listener("s")
        report(GONE, 50)
        await eventually_async(lambda: store.reports)
        for _ in range(5):
            report(None, 0)
            await asyncio.sleep(0.02)
            report(GONE, 50)
        await eventually_async(lambda: len(store.reports) > 1)
    assert set(store.log) == {"down"}


async def test_server_is_unreachable_while_one_of_its_channels_is() -> None:
    """Another model on the same server answers: that does not end the outage."""
    store = FakeStore()
    async with outage_log(store) as log:
        one, other = log.listener("s"), log.listener("s")
        one(GONE, 5)
        await eventually_async(lambda: store.reports)
        other(None, 0)
        other(GONE, 9)
        other(None, 0)
        await asyncio.sleep(3 * QUICK.settle_s)
        assert store.log == ["down"]
        one(None, 0)
        await eventually_async(lambda: store.ends)


async def test_answers_seldom_cost_a_statement() -> None:
    """The first of a process, and one per recheck, which ends only outages without reports."""
    store = FakeStore()
    async with outage_log(store, LogTimes(recheck_s=60)) as log:
        report = log.listener("s")
        for _ in range(100):
            report(None, 0)
            await asyncio.sleep(0)
    assert store.log == ["up"]
    store = FakeStore()
    async with outage_log(store, LogTimes(recheck_s=0.01, unseen_s=90)) as log:
        report = log.listener("s")
        while len(store.ends) < 3:
            report(None, 0)
            await asyncio.sleep(0.001)
    assert [end[2] for end in store.ends] == [0, 90, 90]


async def test_outage_during_a_loss_of_postgres_is_written_later() -> None:
    """An outage lasts while Postgres is unavailable; one that ended meanwhile is only ended."""
    store = FakeStore(*[DatabaseUnreachable("Away.")] * 3)
    async with outage_log(store) as log:
        report = log.listener("s")
        report(GONE, 10)
        await eventually_async(lambda: store.tries == 2)
        await eventually_async(lambda: store.reports)
        assert store.reports[0][1] >= 10
        store.fails = [DatabaseUnreachable("Away.")] * 3
        report(None, 0)
        await eventually_async(lambda: store.ends)
    assert store.log == ["down", "up"]
    store = FakeStore(DatabaseUnreachable("Away."))
    async with outage_log(store, LogTimes(retry_s=0.3)) as log:
        report = log.listener("s")
        report(GONE, 10)
        await eventually_async(lambda: store.tries)
        report(None, 0)
        await eventually_async(lambda: store.ends)
    assert store.log == ["up"]


async def test_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A missing right is logged once; an unreachable Postgres is logged elsewhere."""
    caplog.set_level(logging.DEBUG, logger="wikiembed")
    refusals = [ConfigurationError("permission denied"), ConfigurationError("again")]
    store = FakeStore(DatabaseUnreachable("Away."))
    async with outage_log(store) as log:
        log.listener("s")(None, 0)
        await eventually_async(lambda: store.ends)
        assert caplog.records == []
        store.fails = list(refusals)
        log.listener("s")(GONE, 10)
        await eventually_async(lambda: store.reports)
    (record,) = caplog.records
    assert record.getMessage() == "outage_not_kept"
    assert record.__dict__["fields"] == {
        "server": "s",
        "error": "ConfigurationError",
        "reason": "permission denied",
    }


async def test_stop_leaves_an_outage_open_and_writes_an_end() -> None:
    """An end that has not settled is written on close; a lasting outage is left to others."""
    store = FakeStore()
    async with outage_log(store) as log:
        log.listener("s")(GONE, 10)
        await eventually_async(lambda: store.reports)
    assert store.log == ["down"]
    store = FakeStore()
    async with outage_log(store, LONG) as log:
        report = log.listener("s")
        report(GONE, 100)
        await eventually_async(lambda: store.reports)
        report(None, 0)
    assert store.log == ["down", "up"]


async def test_stop_does_not_wait_for_a_hanging_postgres() -> None:
    """Nor for one that was never called."""
    store = FakeStore()
    store.hangs = True
    async with asyncio.timeout(20):
        async with outage_log(store) as log:
            log.listener("s")(None, 0)
            await eventually_async(lambda: store.tries)
        async with outage_log(store):
            pass
    assert store.log == []


class NoPool:
    """A pool whose Postgres is unavailable; counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def connection(self) -> None:
        self.calls += 1
        raise psycopg.OperationalError("away")

    async def close(self) -> None:
        """Nothing to close."""


async def test_runtime_writes_outages_of_its_channels_until_it_closes() -> None:
    """After closing no task is left that would use its pool."""
    pool = NoPool()
    runtime = Runtime(Settings(), cast("Pool", pool))
    runtime.channels(Provider.OPENAI, "m").all[0].breaker.worked()
    await eventually_async(lambda: pool.calls)
    await runtime.aclose()
    assert [t for t in asyncio.all_tasks() if t.get_name() == "wikiembed outages"] == []
