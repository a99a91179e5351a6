"""Clients of the console that are slow, or do not end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.console import (
    console_settings,
    running,
)
from tests.support.database import Database
from tests.support.eventually import eventually_async
from wikiembed.web import http, server
from wikiembed.web.app import Console


@pytest.fixture
async def served(
    docs_table: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Console, int]]:
    """A console that uvicorn serves on a port, with short limits of time."""
    monkeypatch.setattr(server, "HEADER_S", 0.2)
    monkeypatch.setattr(http, "FORM_S", 0.2)
    async with running(console_settings(docs_table)) as console:
        config = server.config(console, host="127.0.0.1", port=0)
        config.load()
        process = server.Server(console, config)
        process.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(process._serve())
        await eventually_async(lambda: process.started)
        yield console, process.servers[0].sockets[0].getsockname()[1]
        process.should_exit = True
        began = time.monotonic()
        await task
        assert time.monotonic() - began < server.STOP_S


@asynccontextmanager
async def sending(port: int, data: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that has sent `data`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    """All that the server sends until it closes."""
    return await asyncio.wait_for(reader.read(), 20)


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

SLOW = (
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    b"POST /doctor HTTP/1.1\r\nHost: localhost\r\nContent-Le",
)


async def test_slow_heads_are_closed(served: tuple[Console, int]) -> None:
    """Before the first request of a connection, and after one."""
    for sent in SLOW:
        async with sending(served[1], sent) as reader:
            assert not (await answer_of(reader)).startswith(b"HTTP/1.1 2")
    for sent in SLOW[1:]:
        async with sending(served[1], HEALTH + sent) as reader:
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 200")


async def test_slow_forms_hold_no_connection_to_postgres(served: tuple[Console, int]) -> None:
    """Twenty of them: pages are served meanwhile, and each gets an answer in the end."""
    form = (
        b"POST /doctor HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrf="
    )
    page = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(sending(served[1], form)) for _ in range(20)]
        async with sending(served[1], page) as reader:
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 200")
        for reader in slow:
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 408")


async def test_large_heads_are_refused(served: tuple[Console, int]) -> None:
    """A head has at most 32 kB."""
    large = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 100_000
    async with sending(served[1], large) as reader:
        assert b"400" in (await reader.readline())


async def test_stop_ends_open_streams(served: tuple[Console, int]) -> None:
    """A page that listens does not delay the stop, whose time the fixture checks."""
    events = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", served[1])
    writer.write(events)
    assert b"text/event-stream" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    served[0].changes.stop()
    assert b"retry" in await answer_of_stream(reader)
    writer.close()
    await writer.wait_closed()


async def answer_of_stream(reader: asyncio.StreamReader) -> bytes:
    """What follows until the last chunk of an answer in chunks."""
    return await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 20)
