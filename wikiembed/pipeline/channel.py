"""One model on one server, with its breaker and with the limits that were learned of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from wikiembed.embedders import PROBE_TEXT, Cut, Embedder, ModelInfo, Role, canary, of_probe
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderTimeout,
    TextTooLong,
)
from wikiembed.pipeline.breaker import Breaker, Waits
from wikiembed.pipeline.gate import Gate, Visit
from wikiembed.pipeline.level import Level
from wikiembed.pipeline.limit import BatchLimit
from wikiembed.pipeline.listener import Listener
from wikiembed.pipeline.verdict import (
    BatchOverLimit,
    BatchSuspect,
    Stopping,
    always_outage,
    may_have_died_of_it,
    needs_no_probe,
)
from wikiembed.telemetry import emit
from wikiembed.vectors import Matrix, usable_rows

THROTTLED_BEFORE_SMALLER = 3
"""TEI answers 429 for ever to a batch that exceeds its permits."""
THROTTLED_ANYWAY = 12
"""So often even where as many texts have passed before."""
ASK_AGAIN_AFTER_S = 0.05
"""A batch that waited longer for its turn asks whether it may still begin."""
Ask = Callable[[], Awaitable[None]]
Request = Callable[[Sequence[str]], Awaitable[Matrix]]


async def always() -> None:
    """A batch may begin whenever it has its turn."""


class Channel:
    """Asks the server, waits out its outages, and lets only its texts' faults through."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        server: str,
        asked: str | None = None,
        waits: Waits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        listener: Listener | None = None,
        level: Level | None = None,
    ) -> None:
        self._embedder = embedder
        self._clock = clock
        self._server = server
        self._asked = asked
        self._info: ModelInfo | None = None
        self._describing = asyncio.Lock()
        self._limit = BatchLimit()
        self._gate = Gate()
        self.level = level or Level()
        self.breaker = Breaker(
            self._probe, server=server, waits=waits, sleep=sleep, clock=clock, listener=listener
        )

    @property
    def max_batch(self) -> int | None:
        """The most texts that go into one request; None: no limit is known."""
        return self._limit.value

    async def _probe(self) -> None:
        try:
            matrix = await self._embedder.embed([PROBE_TEXT], role=Role.DOCUMENT)
        except EmbedderError as error:
            raise of_probe(error) from None
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
        until = self.breaker.hold_until()
        while self._info is None:
            await self.breaker.wait(until=until)
            await self._ask()
        return self._info

    def forget(self) -> None:
        """Ask the server again next time: what it said fits no column, and may be put right."""
        self._info = None

    async def _ask(self) -> None:
        """Ask the server what it embeds with, unless another job has done so meanwhile."""
        async with self._describing:
            if self._info is not None or self.breaker.is_open:
                return
            try:
                self._info = await self._embedder.describe()
            except EmbedderError as error:
                meant = of_probe(error)
                if isinstance(meant, EmbedderMisconfigured):
                    raise meant from None
                self.breaker.open(meant)
                return
        self.breaker.worked()
        if self._info.served is not None:
            emit(
                "model_not_listed",
                level=30,
                server=self._server,
                model=self._asked or self._info.model,
                served=self._info.served,
            )
        if self._info.max_batch is not None:
            self._limit.state(self._info.max_batch)

    async def embed(self, texts: Sequence[str], *, may_begin: Ask = always) -> Matrix:
        """One request for `texts`: `(n, dim) float32`; its rows may still be unusable.

        `may_begin` is asked when the turn was long in coming, and raises where it is too late.

        Raises: BatchSuspect, BatchOverLimit, EmbedderMisconfigured, Stopping, HeldTooLong, and
        what `may_begin` raises.
        """
        ask = partial(self._embedder.embed, role=Role.DOCUMENT)
        return await self._embed(texts, ask, may_begin)

    async def embed_cut(self, text: str, *, may_begin: Ask = always) -> Cut:
        """One request for as much of `text` as the model takes, where the server can be told.

        Raises: BatchSuspect with TextTooLong where it cannot; else as `embed`.
        """
        cuts: list[Cut] = []

        async def cut(texts: Sequence[str]) -> Matrix:
            made = await self._embedder.embed_cut(texts[0], role=Role.DOCUMENT)
            if made is None:
                raise TextTooLong("The embedding server cannot be told to truncate.")
            cuts.append(made)
            return made.matrix

        await self._embed([text], cut, may_begin)
        return cuts[-1]

    async def release_canary(self, *, chars: int, above: int) -> canary.Canary:
        """Find out whether the server truncates silently; no outage begins or ends by it.

        Raises: EmbedderError, at once while the server is out of reach; Stopping.
        """
        if self.breaker.is_open and self.breaker.reason is not None:
            raise self.breaker.reason
        work = canary.release_canary(self._embedder, chars=chars, above=above)
        return await self.breaker.until_stop(work)

    async def _embed(self, texts: Sequence[str], ask: Request, may_begin: Ask) -> Matrix:
        came_at = self._clock()
        info = await self.describe()
        visit = Visit(until=self.breaker.hold_until(), came_at=came_at)
        try:
            return await self._visit(texts, info.dimensions, visit, ask, may_begin)
        finally:
            self._gate.leave(visit)

    async def _visit(
        self, texts: Sequence[str], dimensions: int, visit: Visit, ask: Request, may_begin: Ask
    ) -> Matrix:
        n = len(texts)
        throttled = 0
        while True:
            if self.max_batch is not None and n > self.max_batch:
                raise BatchOverLimit(self.max_batch)
            await self.breaker.wait(until=visit.until)
            async with self.level.place() as request, self._gate.enter(visit):
                if self.breaker.is_open or (visit.careful and not await self._is_up()):
                    continue
                if self._clock() - visit.came_at > ASK_AGAIN_AFTER_S:
                    self._unless_stopping()
                    await may_begin()
                request.begin()
                try:
                    matrix = await ask(texts)
                    _check_shape(matrix, n, dimensions)
                except EmbedderError as error:
                    request.failed()
                    self._tell_level(error)
                    throttled += always_outage(error)
                    if n > 1 and self._throttles_size(throttled, n):
                        raise self._smaller(n) from error
                    await self._judge(error, n)
                    if may_have_died_of_it(error):
                        await self._suspect(error, visit)
                    continue
                request.passed(n)
                self._limit.passed(n)
                self._gate.passed()
                self.breaker.worked()
                return matrix

    def _unless_stopping(self) -> None:
        """Give up a turn that has come after the worker was asked to stop."""
        if self.breaker.is_stopping:
            raise Stopping("The worker stops before the batch has begun.")

    def _tell_level(self, error: EmbedderError) -> None:
        """Too much at once is answered by 429, or by no answer in time."""
        if always_outage(error):
            self.level.throttled()
        elif isinstance(error, EmbedderTimeout):
            self.level.timed_out()

    async def _is_up(self) -> bool:
        """Probe before a request that might be blamed for taking the server down."""
        cause = self._gate.cause
        return not self.breaker.is_open and (cause is None or await self.breaker.passes(cause))

    async def _suspect(self, error: EmbedderError, visit: Visit) -> None:
        """The server went down under this batch: its fault if it stood alone between two probes.

        Raises: BatchSuspect once the server is back; Stopping, HeldTooLong.
        """
        self._gate.went_down(visit, error)
        if visit.alone:
            await self.breaker.wait(until=visit.until)
            raise BatchSuspect(error) from error

    def _throttles_size(self, throttled: int, n: int) -> bool:
        enough = THROTTLED_ANYWAY if self._limit.has_passed(n) else THROTTLED_BEFORE_SMALLER
        return throttled >= enough

    async def _judge(self, error: EmbedderError, n: int) -> None:
        """Return when the server was at fault and is back; else raise what is at fault."""
        if isinstance(error, BatchTooLarge) and n > 1:
            raise self._smaller(n, stated=error.limit) from error
        if needs_no_probe(error):
            raise BatchSuspect(error) from error
        if always_outage(error):
            self.breaker.open(error)
            return
        if await self.breaker.passes(error):
            raise BatchSuspect(error) from error

    def _smaller(self, n: int, *, stated: int | None = None) -> BatchOverLimit:
        if stated and stated < n:
            self._limit.state(stated)
            learned = True
        else:
            learned = self._limit.refused(n)
        if learned:
            emit("batch_limit_learned", server=self._server, texts=self.max_batch)
        return BatchOverLimit(stated if stated and stated < n else n // 2)

    async def aclose(self) -> None:
        """Stop waiting and give back the connections."""
        await self.breaker.aclose()
        await self._embedder.aclose()


def _check_shape(matrix: Matrix, n: int, dimensions: int) -> None:
    if matrix.shape != (n, dimensions):
        raise EmbedderBadAnswer(
            f"The server answered {matrix.shape[0]} vectors of {matrix.shape[1]} dimensions"
            f" for {n} texts of {dimensions}."
        )
