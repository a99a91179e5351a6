"""Pages receive changes by one listener, debounced, and none when they are closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.support.chunks import add
from tests.support.console import (
    Browser,
    console_settings,
    running,
)
from tests.support.database import Database
from tests.support.eventually import eventually_async
from tests.support.refused import no_database
from wikiembed.web import changes as changes_module
from wikiembed.web.changes import CHANGED, HELLO, PING, Changes

NEVER_S = 3600.0
LISTENERS = """
select count(*) from pg_stat_activity
 where datname = current_database() and application_name = 'wikiembed console'
   and query like 'listen%'
"""
LISTENER = LISTENERS.replace("count(*)", "pid")


@pytest.fixture
async def changes(docs_table: Database) -> AsyncIterator[Changes]:
    """Changes of `docs_table`, without ticks."""

    async def url() -> str:
        return docs_table.url

    made = Changes(url, debounce_s=0.05, tick_s=NEVER_S)
    yield made
    await made.aclose()


async def listening(database: Database, n: int = 1) -> None:
    """Wait until as many connections listen."""
    await eventually_async(lambda: database.one(LISTENERS) == n)


async def test_queued_jobs_reach_every_page_by_one_listener(
    docs_table: Database, changes: Changes
) -> None:
    """Two hundred pages cost one connection, which ends with the last of them."""
    streams = [changes.stream() for _ in range(200)]
    for stream in streams:
        assert await anext(stream) == HELLO
    assert changes.streams == 200
    await listening(docs_table)
    add(docs_table, "one")
    got = await asyncio.wait_for(asyncio.gather(*(anext(stream) for stream in streams)), 20)
    assert got == [CHANGED] * 200
    for stream in streams:
        await stream.aclose()
    assert changes.streams == 0
    await listening(docs_table, 0)


async def test_many_notifications_are_one_event(docs_table: Database, changes: Changes) -> None:
    """A page that is slow, or a worker that is fast, makes no queue."""
    changes._debounce_s = NEVER_S
    stream = changes.stream()
    await anext(stream)
    await listening(docs_table)
    for _ in range(20):
        docs_table.execute("select wikiembed_private.notify_workers('embed_docs')")
    assert await asyncio.wait_for(anext(stream), 20) == CHANGED
    waiting = asyncio.ensure_future(anext(stream))
    docs_table.execute("select wikiembed_private.notify_workers('embed_docs')")
    await eventually_async(changes._notified.is_set)
    assert not waiting.done()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


async def test_pages_are_refreshed_without_a_notification(docs_table: Database) -> None:
    """Progress writes none; nor does a Postgres behind a pooler, or one that is away."""

    async def url() -> str:
        return no_database()

    made = Changes(url, debounce_s=0.01, tick_s=0.01)
    stream = made.stream()
    assert [await anext(stream) for _ in range(3)] == [HELLO, CHANGED, CHANGED]
    await made.aclose()


async def test_listener_reconnects(
    docs_table: Database, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of Postgres or a proxy."""
    monkeypatch.setattr(changes_module, "RECONNECT_S", 0.01)
    stream = changes.stream()
    await anext(stream)
    await listening(docs_table)
    [(first,)] = docs_table.rows(LISTENER)
    docs_table.execute("select pg_terminate_backend(%s)", [first])
    # It returns before the backend has gone: what is sent meanwhile is lost.
    await eventually_async(lambda: [pid for (pid,) in docs_table.rows(LISTENER) if pid != first])
    add(docs_table, "one")
    docs_table.execute("select wikiembed_private.notify_workers('embed_docs')")
    async with asyncio.timeout(60):
        while (sent := await anext(stream)) == PING:
            pass
    assert sent == CHANGED
    await stream.aclose()


async def test_stop_ends_streams_and_the_listener(docs_table: Database, changes: Changes) -> None:
    """Each page reconnects, to another process."""
    stream = changes.stream()
    await anext(stream)
    await listening(docs_table)
    await changes.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await listening(docs_table, 0)


async def test_more_pages_than_the_limit_are_refused(
    docs_table: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a status that browsers do not retry at once."""
    async with running(console_settings(docs_table)) as console:
        monkeypatch.setattr("wikiembed.web.site.MOST_STREAMS", 0)
        assert (await Browser(console).get("/events")).status_code == 503


async def test_only_pages_that_change_listen(docs_table: Database) -> None:
    """Search, doctor, previews and older entries stay as they were loaded."""
    async with running(console_settings(docs_table)) as console:
        browser = Browser(console)
        for path, live in (
            ("/", True), ("/source?name=docs", True), ("/workers", True), ("/actions", True),
            ("/actions?before=9", False), ("/search", False), ("/doctor", False),
            ("/source/retry?name=docs", False),
        ):  # fmt: skip
            page = (await browser.get(path)).text
            assert ("data-events=" in page) is live, path
            assert ("hx-get=" in page) is live, path
