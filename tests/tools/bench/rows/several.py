"""Two servers of one model that are not equally fast: what a worker gets of both."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx
import orjson

from tests.tools.bench.place import LIMIT_S, TEXT, Base, Place, Server
from tests.tools.bench.result import Form, Measured, middle

TEXT_MS = (1.0, 3.0)
"""Of each server, one request after another: 1,000 and 333 texts/s."""
BATCH = 64
MEASURED = (0.1, 0.9)
"""Between these shares of the texts: not the start, nor the last batches of the slower server."""
IN_FLIGHT = 2
"""Requests of the bare client at each server: one is processed while the next is sent."""


@dataclass(frozen=True, slots=True)
class Two:
    """The addresses of both, as a worker is given them."""

    servers: Sequence[Server]

    @property
    def url(self) -> str:
        """Both, separated by a space."""
        return " ".join(server.url for server in self.servers)

    def reset(self) -> None:
        """Reset the counts."""
        for server in self.servers:
            server.reset()

    def share(self, texts: int, going: Callable[[], bool]) -> float:
        """Texts/s of both, between two shares of `texts`, ÷ what both could do; while `going`."""
        seen: list[tuple[float, int]] = []
        while going():
            done = sum(server.stats()["answered"] for server in self.servers)
            if MEASURED[0] * texts <= done <= MEASURED[1] * texts:
                seen.append((time.monotonic(), done))
            time.sleep(0.1)
        (began, first), (ended, last) = seen[0], seen[-1]
        return (last - first) / (ended - began) / sum(1000 / text_ms for text_ms in TEXT_MS)


def several(place: Place, form: Form) -> Iterator[Measured]:
    """A worker at its defaults with both servers, and a bare client that fills both."""
    texts, rounds = form.of(20_000, 60_000), form.of(1, 3)
    with place.base() as base:
        servers = [
            Server("serial", "--request-ms", "0", "--text-ms", str(text_ms)) for text_ms in TEXT_MS
        ]
        try:
            two = Two(servers)
            ours, bare, split = [], [], []
            for _ in range(rounds):
                ours.append(_ours(place, base, two, texts))
                split.append([server.stats()["texts"] for server in servers])
                two.reset()
                filling = threading.Thread(target=lambda: asyncio.run(_bare(two, texts)))
                filling.start()
                bare.append(two.share(texts, filling.is_alive))
                filling.join()
        finally:
            for server in servers:
                server.stop()
    yield Measured(
        row="several servers",
        what="share used of two servers of 1 ms and 3 ms a text, at our defaults",
        value=middle(ours),
        unit="share",
        better="more",
        goal=0.97,
        detail={"shares": ours, "bare": bare, "texts": split},
    )
    yield Measured(
        row="several servers bare",
        what="share used of them by a bare client with two requests in flight to each",
        value=middle(bare),
        unit="share",
        better="more",
        goal=None,
    )


def _ours(place: Place, base: Base, two: Two, texts: int) -> float:
    base.refill(texts)
    two.reset()
    worker = place.start_worker(
        base, two, "--drain", check_truncation="false", batch_size=str(BATCH)
    )
    share = two.share(texts, lambda: worker.poll() is None)
    assert worker.wait(LIMIT_S) == 0
    assert base.one("select count(*) from public.docs where vec is null") == 0
    return share


async def _bare(two: Two, texts: int) -> None:
    """Send `texts` texts, in batches that either server takes as soon as it is free."""
    payload = orjson.dumps({"model": "bench", "input": ["x" * TEXT] * BATCH})
    batches = iter(range(texts // BATCH))

    async def send(client: httpx.AsyncClient, url: str) -> None:
        for _ in batches:
            (await client.post(f"{url}/v1/embeddings", content=payload)).raise_for_status()

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(
            *(send(client, server.url) for server in two.servers for _ in range(IN_FLIGHT))
        )
