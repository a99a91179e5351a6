"""Several scripted servers of one model, as a worker sees them."""

from __future__ import annotations

import asyncio

import numpy as np

from tests.support.eventually import eventually_async
from tests.support.pipeline_fakes import FakeEmbedder, Sleeper, texts_of
from wikiembed.errors import EmbedderError, EmbedderLost, EmbedderMisconfigured, EmbedderUnavailable
from wikiembed.servers.channel import Channel
from wikiembed.servers.circuit_breaker import BreakerTimes
from wikiembed.servers.concurrency_limit import FixedLimit
from wikiembed.servers.listener import Listener
from wikiembed.servers.several import Channels
from wikiembed.vectors import Matrix

GONE = EmbedderUnavailable("The embedding server cannot be reached.")
LOST = EmbedderLost("The embedding server broke off the connection.")
WRONG_KEY = EmbedderMisconfigured(
    "The embedding server refuses the API key (401).", http_status=401
)
FAST = BreakerTimes(first_s=0.001, longest_s=0.004, longest_outage_s=20.0, refused_s=0.002)
OTHER = np.array([[1.0, -1.0, 1.0, -1.0]], np.float32)
SOME = texts_of(8)


class Group:
    """Servers ``a``, ``b`` … with `slots` each; `reports` are the errors that listeners got."""

    def __init__(
        self, *embedders: FakeEmbedder, slots: int = 4, times: BreakerTimes = FAST
    ) -> None:
        self.channels = Channels()
        self.reports: list[tuple[str, EmbedderError | None]] = []
        for name, embedder in zip("abc", embedders, strict=False):
            self.channels.add(
                Channel(
                    embedder,
                    server=name,
                    times=times,
                    sleep=Sleeper() if times is FAST else asyncio.sleep,
                    listener=self._listener(name),
                    concurrency_limit=FixedLimit(slots),
                    one_of_several=len(embedders) > 1,
                    accept=self.channels.identity.check,
                )
            )

    def _listener(self, name: str) -> Listener:
        def listen(error: EmbedderError | None, outage_s: float) -> None:
            self.channels.wake()
            self.reports.append((name, error))

        return listen

    async def embed(self, texts: list[str] = SOME) -> Matrix:
        """Embed a batch of its own."""
        return await self.channels.for_batch().embed(texts)

    @property
    def in_reach(self) -> list[str]:
        """The names of the servers to which batches are sent."""
        return [channel.server for channel in self.channels.in_reach]

    async def wait_for(self, *names: str) -> None:
        """Wait until exactly these are in reach."""
        await eventually_async(lambda: self.in_reach == list(names))


def sent(*embedders: FakeEmbedder) -> list[int]:
    """The number of requests that each got."""
    return [len(embedder.requests) for embedder in embedders]


async def joined(*embedders: FakeEmbedder, slots: int = 4) -> Group:
    """A group whose servers are all in reach."""
    group = Group(*embedders, slots=slots)
    await group.channels.describe()
    await group.wait_for(*"abc"[: len(embedders)])
    return group


class Slow(FakeEmbedder):
    """A server that processes one request after another, of so many seconds each."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.turn = asyncio.Lock()

    async def embed(self, texts: list[str], *, role: object) -> Matrix:  # type: ignore[override]
        async with self.turn:
            await asyncio.sleep(self.seconds)
        return await super().embed(texts, role=role)  # type: ignore[arg-type]
