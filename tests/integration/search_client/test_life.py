"""Threads, event loops and processes; a client that is closed or interrupted."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.search_client.conftest import TEXTS
from tests.support.standin import StandIn
from tests.support.workers import environment_of
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import (
    WrongUsage,
)


def test_client_is_used_by_several_threads(client: Client) -> None:
    """Each gets its own answer."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: client.search(text, limit=1)[0].content, TEXTS * 8))
    assert found == list(TEXTS * 8)


def test_closed_client_says_so(settings: Settings) -> None:
    """It opens nothing again; closing twice is harmless."""
    client = Client(settings=settings)
    client.search("honey")
    client.close()
    client.close()
    for call in (client.search, client.coverage, lambda t: client.embed_query(t, source="docs")):
        with pytest.raises(WrongUsage, match="This client is closed"):
            call("honey")
    assert "wikiembed" not in {thread.name for thread in threading.enumerate()}


async def test_closed_async_client_says_so(settings: Settings) -> None:
    """As the other does."""
    client = AsyncClient(settings=settings)
    await client.search("honey")
    await client.aclose()
    await client.aclose()
    with pytest.raises(WrongUsage, match="This client is closed"):
        await client.search("honey")


def test_closing_ends_a_search_of_another_thread(settings: Settings, standin: StandIn) -> None:
    """Its thread does not wait for ever."""
    standin.controls.latency_s = 60
    client = Client(settings=settings)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(client.search, "honey")
        while standin.stats.concurrent == 0 and not found.done():
            time.sleep(0.001)
        client.close()
        with pytest.raises(WrongUsage, match="This client is closed"):
            found.result(30)


def test_async_client_is_of_one_event_loop(settings: Settings) -> None:
    """A second loop is refused in a sentence, not by a wait without end."""
    client = AsyncClient(settings=settings)

    async def search() -> str:
        return (await client.search(TEXTS[0], limit=1))[0].key

    async def both() -> None:
        assert await search() == "1"
        with pytest.raises(WrongUsage, match="belongs to another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(search()))
        assert await search() == "1"
        await client.aclose()

    asyncio.run(both())


def test_client_works_within_an_event_loop(client: Client) -> None:
    """It blocks it, as threads' functions do."""

    async def search() -> str:
        return client.search(TEXTS[2], limit=1)[0].key

    assert asyncio.run(search()) == "3"


FORKED = """
import os, sys, warnings
from wikiembed import Client
client = Client()
def key(text):
    return client.search(text, source="docs", limit=1)[0].key
assert key("bees make honey") == "1"
children = []
for n in range(3):
    child = os.fork()
    if child == 0:
        found = [key("steam drives trains"), key("a queen rules the hive")]
        if n:
            client.close()
        sys.exit(0 if found == ["2", "3"] else 9)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print(codes, key("bees make honey"), key("a queen rules the hive"))
"""


def run_script(script: str, settings: Settings, **options: Any) -> subprocess.Popen[str]:
    """Start a script of an application, with the settings in its environment."""
    env = environment_of(settings)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_forked_children_search_with_connections_of_their_own(settings: Settings) -> None:
    """As under a server that loads the application before it forks; closed or not."""
    with run_script(FORKED, settings) as process:
        out, err = process.communicate(timeout=60)
    assert (out, err) == ("[0, 0, 0] 1 3\n", "")


def test_client_that_was_not_closed_leaves_quietly(settings: Settings) -> None:
    """A script that ends has neither a warning nor a thread that keeps it."""
    script = "from wikiembed import Client; print(Client().search('bees make honey')[0].key)"
    with run_script(script, settings) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "1\n", "")


INTERRUPTED = """
import signal
from wikiembed import Client
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with Client() as client:
    try:
        client.search("honey")
    except KeyboardInterrupt:
        print("interrupted")
    print(client.search("bees make honey", limit=1)[0].key)
"""


def test_interrupted_search_leaves_a_client_that_works(
    settings: Settings, standin: StandIn
) -> None:
    """Ctrl-C ends the wait for the server."""
    standin.controls.latency_s = 600
    with run_script(INTERRUPTED, settings) as process:
        while standin.stats.concurrent == 0 and process.poll() is None:
            time.sleep(0.001)  # the stand-in runs in this process, and needs its turns
        standin.controls.latency_s = 0
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "interrupted\n1\n", "")


def until_asked(standin: StandIn) -> None:
    """Return when a question is with the server."""
    while standin.stats.concurrent == 0:
        time.sleep(0.001)


async def test_cancelled_search_leaves_a_client_that_works(
    settings: Settings, standin: StandIn
) -> None:
    """A request of an application that is given up."""
    async with AsyncClient(settings=settings) as client:
        standin.controls.latency_s = 600
        asked = asyncio.create_task(client.search("honey"))
        await asyncio.to_thread(until_asked, standin)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        standin.controls.latency_s = 0
        assert (await client.search(TEXTS[0], limit=1))[0].key == "1"
