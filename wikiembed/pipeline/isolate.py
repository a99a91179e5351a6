"""Embed a batch and find the texts at fault by halving, in O(k log n) requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wikiembed.errors import EmbedderBadAnswer, EmbedderError, TextTooLong
from wikiembed.pipeline.channel import Channel
from wikiembed.pipeline.verdict import BatchOverLimit, BatchSuspect, Blame, blame_of
from wikiembed.vectors import Matrix, usable_rows

FAILURES_BEFORE_BLAME = 3


class Isolation:
    """The state of one batch: a vector or a blame for each text.

    Half of a batch that is known to fail needs no request when the other half passes. A text
    that stands alone is blamed after three failures, each followed by a probe that passes.
    """

    def __init__(self, channel: Channel, texts: Sequence[str]) -> None:
        self._channel = channel
        self._texts = texts
        self.vectors: dict[int, Matrix] = {}
        self.blamed: dict[int, Blame] = {}

    async def run(self) -> None:
        """Settle every text.

        Raises: EmbedderMisconfigured, Stopping, HeldTooLong.
        """
        await self._settle(list(range(len(self._texts))))

    async def _settle(self, indices: list[int]) -> None:
        if indices and not await self._passes(indices):
            await self._search(indices)

    async def _search(self, indices: list[int]) -> None:
        """Find the texts at fault among `indices`, of which one is at least."""
        if len(indices) == 1:
            await self._stand_alone(indices[0])
            return
        middle = len(indices) // 2
        left, right = indices[:middle], indices[middle:]
        if await self._passes(left):
            await self._search(right)
        else:
            await self._search(left)
            await self._settle(right)

    async def _passes(self, indices: list[int]) -> bool:
        try:
            matrix = await self._channel.embed([self._texts[i] for i in indices])
        except BatchSuspect:
            return False
        except BatchOverLimit as over:
            for start in range(0, len(indices), over.limit):
                await self._settle(indices[start : start + over.limit])
            return True
        usable = usable_rows(matrix)
        if len(indices) > 1 and not usable.any():
            # No row is usable: that is the batch's or the server's doing, not each text's.
            return await self._doubt(indices)
        for row, index in enumerate(indices):
            if usable[row]:
                self.vectors[index] = matrix[row]
        for row, index in enumerate(indices):
            if not usable[row]:
                await self._stand_alone(index)
        return True

    async def _doubt(self, indices: list[int]) -> bool:
        error = EmbedderBadAnswer("No vector of the answer is usable.")
        if await self._channel.breaker.passes(error):
            return False
        await self._settle(indices)
        return True

    async def _stand_alone(self, index: int) -> None:
        failures = 0
        error: EmbedderError
        while True:
            try:
                matrix = await self._channel.embed([self._texts[index]])
            except BatchSuspect as suspect:
                error = suspect.cause
            else:
                if usable_rows(matrix)[0]:
                    self.vectors[index] = matrix[0]
                    return
                error = EmbedderBadAnswer(
                    "The server answers this text with a vector that is not finite or all zeros."
                )
                if not await self._channel.breaker.passes(error):
                    continue
            failures += 1
            if failures >= FAILURES_BEFORE_BLAME or isinstance(error, TextTooLong):
                self.blamed[index] = blame_of(error, attempts=failures)
                return

    def matrix(self, indices: Sequence[int]) -> Matrix:
        """The vectors of `indices`: `(len(indices), dim) float32`."""
        return np.stack([self.vectors[i] for i in indices]).astype(np.float32, copy=False)
