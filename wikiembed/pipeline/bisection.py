"""Embed a batch and find the texts at fault by bisection, in O(k log n) requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wikiembed.errors import EmbedderBadAnswer, EmbedderError, TextTooLong
from wikiembed.servers.batch_sender import Sender
from wikiembed.servers.channel import BeforeStart, always
from wikiembed.servers.classify import BatchOverLimit, BatchSuspect, Blame, blame_of
from wikiembed.servers.truncate import Truncator
from wikiembed.vectors import Matrix, usable_rows

FAILURES_BEFORE_BLAME = 3
UNUSABLE = "The server returned a vector that is not finite or all zeros."


class Bisection:
    """The state of one batch: a vector or a blame for each text.

    Adaptive binary splitting: halving finds the first text at fault of a group that fails, and
    the next group of untested texts is half as large; twice as large after one that passes. So
    one bad text of n costs about log2(n) requests that fail and n bad ones about n, and a probe
    follows each that fails. A text sent alone is blamed after three failures, each followed by a
    probe that passes. With a `truncator` the beginning of a text that is too long is embedded;
    `prefix` characters of what it keeps are not the text's.

    Source: F. K. Hwang, A method for detecting all defective members in a population, 1972.
    """

    def __init__(
        self,
        sender: Sender,
        texts: Sequence[str],
        *,
        may_begin: BeforeStart = always,
        truncator: Truncator | None = None,
        prefix: int = 0,
    ) -> None:
        self._sender = sender
        self._texts = texts
        self._may_begin = may_begin
        self._truncator = truncator
        self._prefix = prefix
        self.vectors: dict[int, Matrix] = {}
        self.kept: dict[int, int | None] = {}
        self.blamed: dict[int, Blame] = {}

    async def run(self) -> None:
        """Embed or blame every text; results so far are kept when this raises.

        Raises: EmbedderMisconfigured, Stopping, OutageTooLong, and what `may_begin` raises.
        """
        at, size = 0, len(self._texts)
        while at < len(self._texts):
            group = range(at, min(at + size, len(self._texts)))
            try:
                error = await self._try(group)
            except BatchOverLimit as over:
                size = over.limit
                continue
            if error is None:
                at, size = group.stop, min(2 * size, len(self._texts))
            else:
                at, size = await self._find(group, error) + 1, max(1, size // 2)

    async def _find(self, group: range, error: EmbedderError | None) -> int:
        """Process `group`, which fails with `error`, up to and including its first bad text."""
        low, high = group.start, group.stop
        step = (high - low) // 2
        while high - low > 1:
            half = range(low, low + step)
            try:
                answer = await self._try(half)
            except BatchOverLimit as over:
                step = over.limit
                continue
            if answer is None:
                # The rest must fail, but has not been sent by itself.
                low, error = half.stop, None
            else:
                high, error = half.stop, answer
            step = (high - low) // 2
        await self._embed_alone(low, error)
        return low

    async def _try(self, group: range) -> EmbedderError | None:
        """Send one request for `group`: None when it passes, else the error.

        Raises: BatchOverLimit and what `run` raises.
        """
        while True:
            try:
                matrix = await self._sender.embed(
                    [self._texts[i] for i in group], may_begin=self._may_begin
                )
            except BatchSuspect as suspect:
                return suspect.cause
            usable = usable_rows(matrix)
            if usable.any():
                break
            # No row is usable: the cause may be the batch or the server.
            error = EmbedderBadAnswer(UNUSABLE)
            if await self._sender.passes(error):
                return error
        for row, i in enumerate(group):
            if usable[row]:
                self.vectors[i] = matrix[row]
        for row, i in enumerate(group):
            if not usable[row]:
                await self._embed_alone(i, None)
        return None

    async def _embed_alone(self, i: int, error: EmbedderError | None) -> None:
        """Embed text `i` by itself, or blame it; `error`: its first failure alone, if any."""
        failures = 0
        while True:
            error = error or await self._try(range(i, i + 1))
            if error is None:
                return
            if isinstance(error, TextTooLong) and self._truncator is not None:
                error = await self._truncate(i, error, self._truncator)
                if error is None:
                    return
            failures += 1
            if failures >= FAILURES_BEFORE_BLAME or isinstance(error, TextTooLong):
                self.blamed[i] = blame_of(error, attempts=failures)
                return
            error = None

    async def _truncate(
        self, i: int, error: TextTooLong, truncator: Truncator
    ) -> EmbedderError | None:
        """Embed the beginning of text `i`: None when that passes, else the error."""
        cut = await truncator.embed(
            self._sender,
            self._texts[i],
            error=error,
            least=self._prefix,
            may_begin=self._may_begin,
        )
        if isinstance(cut, EmbedderError):
            return cut
        if not usable_rows(cut.matrix).all():
            return EmbedderBadAnswer(UNUSABLE)
        self.vectors[i] = cut.matrix[0]
        self.kept[i] = None if cut.chars_kept is None else cut.chars_kept - self._prefix
        return None

    def matrix(self, indices: Sequence[int]) -> Matrix:
        """The vectors of `indices`: `(len(indices), dim) float32`."""
        return np.stack([self.vectors[i] for i in indices]).astype(np.float32, copy=False)
