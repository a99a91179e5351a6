"""Debian's Chromium for tests of the console, and a console that it can open."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.chunks import add, embed, fail, read
from tests.support.database import Database
from tests.support.eventually import eventually_async
from wikiembed.web import server
from wikiembed.web.site import Site

if TYPE_CHECKING:
    from playwright.async_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
NEEDS_CHROMIUM = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.skipif(
        importlib.util.find_spec("playwright") is None, reason="no playwright: pip install it"
    ),
]
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser; each page of it is a user of its own."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        # In a container root has no sandbox.
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def served(console: Site) -> AsyncIterator[str]:
    """The address of `console`, which uvicorn serves."""
    config = server.config(console, host="127.0.0.1", port=0)
    config.load()
    process = server.Server(console, config)
    task = asyncio.create_task(process._serve())
    await eventually_async(lambda: process.started)
    port = process.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}{console.options.root_path}"
    process.should_exit = True
    await task


def trouble(database: Database) -> None:
    """Table docs with a vector, a failure and a waiting chunk; an outage, and a worker."""
    keys = add(database, "one", "two", "three")
    embed(database, keys[:1])
    fail(database, read(database, keys[1:2]), error_class="timeout", message="No answer.")
    database.execute("select wikiembed.report_outage('http://gpu', 90, 'no_answer', 503, 'gone')")
    database.execute(
        "with w as (insert into wikiembed_queue.procrastinate_workers default values returning id)"
        " select wikiembed.register_worker(w.id, gen_random_uuid(), 'gpu-1', 42, '9.9.9',"
        " 'ollama bge-m3', now()) from w"
    )
