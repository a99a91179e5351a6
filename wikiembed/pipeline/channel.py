"""One model on one server, with its breaker and with the limits that were learned of it."""

from __future__ import annotations

from collections.abc import Sequence

from wikiembed.embedders import PROBE_TEXT, Embedder, ModelInfo
from wikiembed.errors import BatchTooLarge, EmbedderBadAnswer, EmbedderError, EmbedderMisconfigured
from wikiembed.pipeline.breaker import Breaker
from wikiembed.pipeline.verdict import BatchOverLimit, BatchSuspect, always_outage, needs_no_probe
from wikiembed.telemetry import emit
from wikiembed.vectors import Matrix, usable_rows

THROTTLED_BEFORE_SMALLER = 3


class Channel:
    """Asks the server, waits out its outages, and lets only its texts' faults through."""

    def __init__(self, embedder: Embedder, *, server: str, hold_limit_s: float = 600.0) -> None:
        self._embedder = embedder
        self._server = server
        self._info: ModelInfo | None = None
        self.max_batch: int | None = None
        self.breaker = Breaker(self._probe, server=server, hold_limit_s=hold_limit_s)

    async def _probe(self) -> None:
        matrix = await self._embedder.embed([PROBE_TEXT])
        if matrix.shape[0] != 1 or not usable_rows(matrix).all():
            raise EmbedderBadAnswer("The server answers a known text without a usable vector.")
        if self._info is not None and matrix.shape[1] != self._info.dimensions:
            raise EmbedderMisconfigured(
                f"The server now answers {matrix.shape[1]} dimensions instead of"
                f" {self._info.dimensions}: another model runs there."
            )

    async def describe(self) -> ModelInfo:
        """What the server embeds with, asked once; outages are waited for.

        Raises: EmbedderMisconfigured, Stopping, HeldTooLong.
        """
        while self._info is None:
            await self.breaker.wait()
            try:
                self._info = await self._embedder.describe()
            except EmbedderMisconfigured:
                raise
            except EmbedderError as error:
                self.breaker.open(error)
        if self.max_batch is None:
            self.max_batch = self._info.max_batch
        return self._info

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """One request for `texts`: `(n, dim) float32`; its rows may still be unusable.

        Raises: BatchSuspect, BatchOverLimit, EmbedderMisconfigured, Stopping, HeldTooLong.
        """
        info = await self.describe()
        if self.max_batch is not None and len(texts) > self.max_batch:
            raise BatchOverLimit(self.max_batch)
        throttled = 0
        while True:
            await self.breaker.wait()
            try:
                matrix = await self._embedder.embed(texts)
            except EmbedderError as error:
                throttled += always_outage(error)
                if throttled >= THROTTLED_BEFORE_SMALLER and len(texts) > 1:
                    # TEI answers 429 for ever to a batch that exceeds its permits.
                    raise self._smaller(len(texts) // 2) from error
                await self._judge(error, len(texts))
                continue
            if matrix.shape != (len(texts), info.dimensions):
                error = EmbedderBadAnswer(
                    f"The server answered {matrix.shape[0]} vectors of {matrix.shape[1]} dimensions"
                    f" for {len(texts)} texts of {info.dimensions}."
                )
                await self._judge(error, len(texts))
                continue
            return matrix

    async def _judge(self, error: EmbedderError, n: int) -> None:
        """Return when the server was at fault and is back; else raise what is at fault."""
        if isinstance(error, BatchTooLarge) and n > 1:
            raise self._smaller(error.limit if error.limit and error.limit < n else n // 2)
        if needs_no_probe(error):
            raise BatchSuspect(error)
        if always_outage(error):
            self.breaker.open(error)
            return
        if await self.breaker.passes(error):
            raise BatchSuspect(error)

    def _smaller(self, limit: int) -> BatchOverLimit:
        if self.max_batch is None or limit < self.max_batch:
            self.max_batch = limit
            emit("batch_limit_learned", server=self._server, texts=limit)
        return BatchOverLimit(limit)

    async def aclose(self) -> None:
        """Stop waiting and give back the connections."""
        self.breaker.stop()
        await self._embedder.aclose()
