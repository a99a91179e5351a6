"""A scripted embedding server and a scripted store, for tests of the pipeline."""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, Cut, ModelInfo, Role
from wikiembed.error_class import ErrorClass
from wikiembed.errors import EmbedderError, EmbedderRejected
from wikiembed.pipeline.bisection import FAILURES_BEFORE_BLAME
from wikiembed.servers.channel import Channel
from wikiembed.servers.circuit_breaker import BreakerTimes
from wikiembed.store.chunks import Chunk, ChunkStore
from wikiembed.store.outcome import Outcome
from wikiembed.vectors import Matrix

Answer = EmbedderError | Matrix
FAST = BreakerTimes(first_s=0.001, longest_s=0.004, longest_outage_s=20.0)


def vector_of(text: str, dimensions: int = 4) -> Matrix:
    """A vector that identifies a text: `(dim,) float32`."""
    return np.full(dimensions, 1 + zlib.crc32(text.encode()) % 9973, dtype=np.float32)


class FakeEmbedder:
    """Answers as scripted; `requests` are the batches, `probes` the probes, in order of `log`.

    `roles`: the role of each text that came, probes included.
    """

    def __init__(self, *, dimensions: int = 4, max_batch: int | None = None) -> None:
        self.dimensions = dimensions
        self.max_batch = max_batch
        self.down: EmbedderError | None = None
        self.bad: dict[str, EmbedderError] = {}
        self.rows: dict[str, float] = {}
        self.script: list[Answer] = []
        self.probe_script: list[Answer | None] = []
        self.describe_script: list[EmbedderError] = []
        self.judge: Callable[[Sequence[str]], EmbedderError | None] = lambda texts: None
        self.cuts: Callable[[str], Cut | None] = lambda text: None
        self.requests: list[list[str]] = []
        self.roles: list[tuple[str, Role]] = []
        self.log: list[str] = []
        self.probes_at_once = 0
        self.most_probes_at_once = 0
        self.closed = False

    @property
    def probes(self) -> int:
        return self.log.count("probe")

    async def describe(self) -> ModelInfo:
        self.log.append("describe")
        await asyncio.sleep(0)
        if self.describe_script:
            raise self.describe_script.pop(0)
        if self.down is not None:
            raise self.down
        return ModelInfo(
            provider=Provider.TEI,
            model="fake",
            dimensions=self.dimensions,
            max_batch=self.max_batch,
        )

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        self.roles += [(text, role) for text in texts]
        if list(texts) == [PROBE_TEXT]:
            return await self._probe()
        self.log.append(f"embed {len(texts)}")
        self.requests.append(list(texts))
        await asyncio.sleep(0)
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, EmbedderError):
                raise answer
            return answer
        error = self.down or self.judge(texts)
        error = error or next((self.bad[t] for t in texts if t in self.bad), None)
        if error is not None:
            raise error
        matrix = np.stack([vector_of(text, self.dimensions) for text in texts])
        for row, text in enumerate(texts):
            if text in self.rows:
                matrix[row] = self.rows[text]
        return matrix

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        self.roles.append((text, role))
        self.log.append("cut")
        if self.down is not None:
            raise self.down
        return self.cuts(text)

    async def _probe(self) -> Matrix:
        self.log.append("probe")
        self.probes_at_once += 1
        self.most_probes_at_once = max(self.most_probes_at_once, self.probes_at_once)
        await asyncio.sleep(0)
        self.probes_at_once -= 1
        answer = self.probe_script.pop(0) if self.probe_script else self.down
        if isinstance(answer, EmbedderError):
            raise answer
        return np.ones((1, self.dimensions), np.float32) if answer is None else answer

    async def aclose(self) -> None:
        self.closed = True


class Sleeper:
    """A sleep that takes no time and records the requested seconds."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


class Clock:
    """A clock in seconds that only the test advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def channel_of(
    embedder: FakeEmbedder,
    times: BreakerTimes = FAST,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Channel:
    """Return a channel whose breaker waits for milliseconds."""
    return Channel(embedder, server="fake", times=times, sleep=Sleeper(), clock=clock)


def rejected(status: int = 500) -> EmbedderRejected:
    """An error answer whose cause the probe must determine."""
    return EmbedderRejected(
        f"The embedding server rejected the batch ({status}).", http_status=status
    )


def texts_of(n: int) -> list[str]:
    """Return `n` distinct texts."""
    return [f"text {i}" for i in range(n)]


def most_requests(n: int, k: int) -> int:
    """The most requests, probes included, for k bad texts of n.

    A bad text costs a group that fails and log2(n) halves at most, each followed by a probe;
    three tests alone with a probe each; and a group that passes, since each find halves the
    next group and each pass doubles it. One more group passes at the end.
    """
    halvings = math.ceil(math.log2(n)) if n > 1 else 0
    return 2 * k * halvings + k * (2 + 2 * FAILURES_BEFORE_BLAME + 1) + 1


class FakeStore(ChunkStore):
    """Stores what is written and recorded; a write fails on the keys in `refuses`."""

    def __init__(self) -> None:
        self.refuses: dict[str, Exception] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.written: dict[str, Matrix] = {}
        self.recorded: list[tuple[str, str, str]] = []
        self.writes = 0

    async def write_embeddings(
        self,
        source: str,
        keys: Sequence[str],
        versions: Sequence[int | None],
        matrix: Matrix,
        *,
        attempt: int,
    ) -> dict[str, Outcome]:
        self.writes += 1
        assert len(keys) == len(versions) == len(matrix)
        for key in keys:
            if key in self.refuses:
                raise self.refuses[key]
        self.written.update({key: matrix[i] for i, key in enumerate(keys)})
        return {key: self.outcomes.get(key, Outcome.WRITTEN) for key in keys}

    async def record_failures(
        self,
        source: str,
        chunks: Sequence[Chunk],
        *,
        error_class: ErrorClass,
        message: str = "",
        http_status: int | None = None,
        attempts: int = 1,
        job_id: int | None = None,
        attempt: int = 0,
    ) -> dict[str, Outcome]:
        self.recorded += [(chunk.key, error_class, message) for chunk in chunks]
        return {chunk.key: self.outcomes.get(chunk.key, Outcome.RECORDED) for chunk in chunks}
