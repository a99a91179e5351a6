"""Measure the chunks per second of an embedding server by embedding some of them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from wikiembed.embedders.base import Embedder, Role
from wikiembed.embedders.probe import of_probe
from wikiembed.errors import EmbedderBadAnswer, EmbedderError, EmbedderRejected

LEAST_SAMPLED = 64
LEAST_S = 2.0
MOST_TIMES = 10
"""A rate of fewer texts in less time is extrapolated to at most so many times as many."""
PROBE_S = 5.0
"""After so long no further batch of a measurement starts."""
RateFrom = Literal["history", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Chunks per second, and where that is known from.

    For a probe, `sampled` texts were embedded in `seconds`; the server refused `refused` others,
    the last one with the message `refusal`.
    """

    chunks_per_s: float
    known_from: RateFrom
    sampled: int = 0
    seconds: float = 0.0
    refused: int = 0
    refusal: str | None = None

    def applies_to(self, chunks: int) -> bool:
        """Whether it may be extrapolated to `chunks`: not from a few to many times as many."""
        few = self.sampled < LEAST_SAMPLED and self.seconds < LEAST_S
        return self.known_from == "history" or not few or chunks <= MOST_TIMES * self.sampled


def together(rates: Sequence[Rate | BaseException]) -> Rate:
    """The rate of several servers that were measured at the same time; those that failed add none.

    Raises: the first error, when all failed or when it is no EmbedderError.
    """
    found = [rate for rate in rates if isinstance(rate, Rate)]
    for error in rates:
        if isinstance(error, BaseException) and not (found and isinstance(error, EmbedderError)):
            raise error
    return Rate(
        chunks_per_s=sum(rate.chunks_per_s for rate in found),
        known_from="probe",
        sampled=sum(rate.sampled for rate in found),
        seconds=max(rate.seconds for rate in found),
        refused=sum(rate.refused for rate in found),
        refusal=next((rate.refusal for rate in found if rate.refusal), None),
    )


async def measure(
    embedder: Embedder,
    texts: Sequence[str],
    *,
    batch_size: int,
    concurrency: int,
    clock: Callable[[], float] = time.monotonic,
) -> Rate:
    """Embed `texts` for a few seconds, each at most once, and return the rate.

    A batch that the server refuses is bisected until the texts at fault are alone; they are left
    out and counted. The time to load the model does not count: `describe` loads it.

    Raises: EmbedderError when no text is embedded.
    """
    try:
        info = await embedder.describe()
    except EmbedderError as error:
        raise of_probe(error) from None
    size = min(batch_size, info.max_batch or batch_size)
    waiting = deque(texts[i : i + size] for i in range(0, len(texts), size))
    began = clock()
    embedded: list[int] = []
    refused: list[EmbedderError] = []
    errors: list[EmbedderError] = []

    async def take() -> None:
        while waiting:
            batch = waiting.popleft()
            try:
                await embedder.embed(batch, role=Role.DOCUMENT)
                embedded.append(len(batch))
            except (EmbedderRejected, EmbedderBadAnswer) as error:
                if len(batch) == 1:
                    refused.append(error)
                else:
                    middle = len(batch) // 2
                    waiting.extendleft((batch[middle:], batch[:middle]))
            except EmbedderError as error:  # out of reach or misconfigured: no text's fault
                errors.append(error)
                return
            if clock() - began >= PROBE_S:
                return

    await asyncio.gather(*(take() for _ in range(concurrency)))
    if not embedded:
        raise (errors or refused or [EmbedderBadAnswer("No text is left to measure with.")])[-1]
    seconds = max(clock() - began, 1e-6)
    return Rate(
        chunks_per_s=sum(embedded) / seconds,
        known_from="probe",
        sampled=sum(embedded),
        seconds=seconds,
        refused=len(refused),
        refusal=str(refused[-1]) if refused else None,
    )
