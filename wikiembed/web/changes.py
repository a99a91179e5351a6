"""Server-sent events: one listener per process receives Postgres' notifications for all pages.

A page is only notified that something changed, and reads itself again. Notifications are written
when jobs are queued and sources resume; progress has none, so a page is also notified every few
seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import psycopg

from wikiembed.db.connect import connect_options
from wikiembed.errors import WikiembedError
from wikiembed.web.database import APPLICATION

CHANNEL = "procrastinate_any_queue_v1"
DEBOUNCE_S = 1.0
TICK_S = 5.0
RECONNECT_S = 5.0
PING_S = 15.0
MOST_STREAMS = 1000
CHANGED = b"event: changed\ndata: 1\n\n"
PING = b": \n\n"
HELLO = b"retry: 3000\n\n"


class TooManyStreams(Exception):
    """As many pages are open as the console serves."""


class Changes:
    """Streams of "changed" for any number of pages, from one connection.

    `url`: where Postgres is; None: pages are notified by the ticks alone. The connection exists
    only while a page is open.
    """

    def __init__(
        self,
        url: Callable[[], Awaitable[str]] | None,
        *,
        debounce_s: float = DEBOUNCE_S,
        tick_s: float = TICK_S,
    ) -> None:
        self._url = url
        self._debounce_s = debounce_s
        self._tick_s = tick_s
        self._streams: set[asyncio.Event] = set()
        self._notified = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    @property
    def streams(self) -> int:
        """The number of open pages."""
        return len(self._streams)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """What one page receives until it closes or the console stops.

        Raises: TooManyStreams.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise TooManyStreams
        changed = asyncio.Event()  # a slow page gets one event for all that it missed
        self._streams.add(changed)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._broadcast())]
            if self._url is not None:
                self._tasks.append(asyncio.create_task(self._listen(self._url)))
        try:
            yield HELLO
            while not self._stopped:
                try:
                    await asyncio.wait_for(changed.wait(), PING_S)
                except TimeoutError:
                    yield PING
                    continue
                changed.clear()
                if not self._stopped:
                    yield CHANGED
        finally:
            self._streams.discard(changed)
            if not self._streams:
                self._cancel()

    async def _broadcast(self) -> None:
        """Notify all pages after a notification, at most once per `debounce_s`; else each tick."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._notified.wait(), self._tick_s)
            self._notified.clear()
            for changed in self._streams:
                changed.set()
            await asyncio.sleep(self._debounce_s)

    async def _listen(self, url_of: Callable[[], Awaitable[str]]) -> None:
        """Receive notifications; without a connection the ticks go on."""
        while True:
            with contextlib.suppress(psycopg.Error, WikiembedError, OSError):
                url = await url_of()
                connection = await psycopg.AsyncConnection.connect(
                    url, autocommit=True, application_name=APPLICATION, **connect_options(url)
                )
                async with connection:
                    await connection.execute(f"listen {CHANNEL}".encode())
                    async for _ in connection.notifies():
                        self._notified.set()
            await asyncio.sleep(RECONNECT_S)

    def _cancel(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()

    def stop(self) -> None:
        """End all streams; no page is notified any more."""
        self._stopped = True
        for changed in self._streams:
            changed.set()

    async def aclose(self) -> None:
        """Stop, and close the connection."""
        self.stop()
        tasks = list(self._tasks)
        self._cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
