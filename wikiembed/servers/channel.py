"""One model on one server, with its circuit breaker and its learned limits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from wikiembed.embedders import canary
from wikiembed.embedders.base import Cut, Embedder, ModelInfo, Role
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderThrottled,
    EmbedderTimeout,
    TextTooLong,
)
from wikiembed.servers.adaptive_limit import AdaptiveLimit
from wikiembed.servers.batch_limit import BatchLimit
from wikiembed.servers.circuit_breaker import BreakerTimes, CircuitBreaker
from wikiembed.servers.classify import (
    BatchOverLimit,
    BatchSuspect,
    OutageTooLong,
    ServerAway,
    Stopping,
    always_outage,
    may_have_died_of_it,
    needs_no_probe,
)
from wikiembed.servers.concurrency_limit import ConcurrencyLimit
from wikiembed.servers.crash_quarantine import CrashQuarantine, Passage
from wikiembed.servers.described_model import DescribedModel, require_shape
from wikiembed.servers.listener import Listener
from wikiembed.servers.permit import Gate, OpenGate
from wikiembed.telemetry import emit
from wikiembed.vectors import Matrix

THROTTLED_BEFORE_SMALLER = 3
"""TEI answers 429 for ever to a batch that exceeds its permits."""
THROTTLED_ANYWAY = 12
"""Refusals by 429 before a smaller batch, even where as many texts have passed before."""
SUSPECT_S = 5.0
"""How long a batch that may have crashed one of several servers waits for it: another is spared."""
RECHECK_AFTER_S = 0.05
"""A batch that waited longer for its slot checks whether it may still begin."""
BeforeStart = Callable[[], Awaitable[None]]
Send = Callable[[Sequence[str]], Awaitable[Matrix]]
Result = TypeVar("Result")


async def always() -> None:
    """Let every batch begin."""


class Channel:
    """Sends requests, waits for the end of outages, and raises only errors of the texts.

    A server that is `one_of_several` of its model is not waited for: ServerAway is raised.
    `accept` receives the vector of each probe, `(1, dim) float32`, and raises EmbedderMisconfigured
    where it is another model's.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        server: str,
        requested_model: str | None = None,
        times: BreakerTimes | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        listener: Listener | None = None,
        concurrency_limit: ConcurrencyLimit | None = None,
        one_of_several: bool = False,
        accept: Callable[[Matrix], None] = lambda vector: None,
        gate: Gate | None = None,
    ) -> None:
        self._embedder = embedder
        self._one_of_several = one_of_several
        self._accept = accept
        self._clock = clock
        self._server = server
        self._batch_limit = BatchLimit()
        self._quarantine = CrashQuarantine()
        self._throttled = 0
        self._throttled_in_a_row = 0
        self._gate = gate or OpenGate()
        self._model = DescribedModel(
            embedder, server=server, requested_model=requested_model, gate=self._gate
        )
        self.concurrency_limit = concurrency_limit or AdaptiveLimit()
        self.breaker = CircuitBreaker(
            self._probe,
            server=server,
            times=times,
            sleep=sleep,
            clock=clock,
            listener=listener,
            one_of_several=one_of_several,
        )

    @property
    def server(self) -> str:
        """The server's name."""
        return self._server

    @property
    def max_batch(self) -> int | None:
        """The most texts per request; None: no limit is known."""
        return self._batch_limit.value

    @property
    def requests(self) -> dict[str, object]:
        """What is in flight, as view wikiembed.workers shows it."""
        reason = self.breaker.reason
        return {
            "server": self._server,
            "model": self._model.requested_model,
            "in_flight": self.concurrency_limit.in_flight,
            "limit": self.concurrency_limit.limit,
            "throttled": self._throttled,
            "out": None if reason is None else str(reason),
            "waiting": self._gate.waiting,
        }

    async def _probe(self) -> None:
        self._accept(await self.probe())

    async def probe(self) -> Matrix:
        """Embed the known text: `(1, dim) float32`; no outage begins or ends by it.

        Raises: EmbedderError.
        """
        return await self._model.probe()

    async def describe(self) -> ModelInfo:
        """The server's model, fetched once; waits during outages.

        Raises: EmbedderMisconfigured, Stopping, OutageTooLong, ServerAway.
        """
        until = self.breaker.deadline()
        while self._model.info is None:
            await self._wait(until)
            await self._describe()
        return self._model.info

    def forget(self) -> None:
        """Fetch the model again next time: it fits no column, and the operator may correct it."""
        self._model.info = None

    async def _describe(self) -> None:
        """Fetch the server's model, unless another job has done so meanwhile."""
        async with self._model.lock:
            if self._model.info is not None or self.breaker.is_open:
                return
            try:
                info = await self._model.fetch()
            except EmbedderMisconfigured:
                raise
            except EmbedderError as error:
                self.breaker.open(error)
                return
        self.breaker.worked()
        self._model.report_not_listed(info)
        if info.max_batch is not None:
            self._batch_limit.state(info.max_batch)

    async def embed(
        self,
        texts: Sequence[str],
        *,
        may_begin: BeforeStart = always,
        came_at: float | None = None,
        suspect: EmbedderError | None = None,
    ) -> Matrix:
        """Send one request for `texts`: `(n, dim) float32`; its rows may still be unusable.

        `may_begin` is called after a long wait for a slot, and each second of one for the server's
        limit; it raises where it is too late. `came_at`: since when it waits, by the channel's
        clock; None: now. `suspect`: with what another server went down during this batch.

        Raises: BatchSuspect, BatchOverLimit, EmbedderMisconfigured, Stopping, OutageTooLong,
        ServerAway, and what `may_begin` raises.
        """
        ask = partial(self._embedder.embed, role=Role.DOCUMENT)
        came_at = self._clock() if came_at is None else came_at
        return await self._embed(texts, ask, may_begin, came_at, suspect)

    async def embed_cut(
        self,
        text: str,
        *,
        may_begin: BeforeStart = always,
        came_at: float | None = None,
        suspect: EmbedderError | None = None,
    ) -> Cut:
        """Send one request for as much of `text` as the model takes, if the server can truncate.

        Raises: BatchSuspect with TextTooLong where it cannot; else as `embed`.
        """
        cuts: list[Cut] = []

        async def cut(texts: Sequence[str]) -> Matrix:
            made = await self._embedder.embed_cut(texts[0], role=Role.DOCUMENT)
            if made is None:
                raise TextTooLong("The embedding server has no option to truncate.")
            cuts.append(made)
            return made.matrix

        came_at = self._clock() if came_at is None else came_at
        await self._embed([text], cut, may_begin, came_at, suspect)
        return cuts[-1]

    async def release_canary(self, *, chars: int, above: int) -> canary.Canary:
        """Check whether the server truncates silently; this neither begins nor ends an outage.

        Raises: EmbedderError, at once while the server is out of reach; Stopping.
        """
        return await self.beside(
            lambda embedder: canary.release_canary(embedder, chars=chars, above=above)
        )

    async def beside(self, work: Callable[[Embedder], Coroutine[Any, Any, Result]]) -> Result:
        """Do `work` with the embedder, beside the batches: no outage begins or ends by it.

        Raises: EmbedderError, at once while the server is out of reach; Stopping; and what `work`
        raises.
        """
        if self.breaker.is_open and self.breaker.reason is not None:
            raise self.breaker.reason
        with self._gate.unleased():
            return await self.breaker.until_stop(work(self._embedder))

    async def passes(self, error: EmbedderError) -> bool:
        """Probe after `error`; see `CircuitBreaker.passes`.

        Raises: EmbedderMisconfigured.
        """
        return await self.breaker.passes(error)

    async def _wait(self, until: float, *, suspect: EmbedderError | None = None) -> None:
        """Wait until the server is in reach, unless it is one of several.

        Raises: Stopping, OutageTooLong, EmbedderMisconfigured; ServerAway, for a `suspect` batch
        after a while.
        """
        if self._one_of_several and self.breaker.is_open:
            if suspect is not None:
                with contextlib.suppress(OutageTooLong):
                    await self.breaker.wait(until=min(until, time.monotonic() + SUSPECT_S))
            if self.breaker.is_open:
                raise ServerAway(suspect=suspect)
        await self.breaker.wait(until=until)

    async def _embed(
        self,
        texts: Sequence[str],
        send: Send,
        may_begin: BeforeStart,
        came_at: float,
        suspect: EmbedderError | None,
    ) -> Matrix:
        info = await self.describe()
        passage = Passage(until=self.breaker.deadline(), came_at=came_at)
        if suspect is not None:
            self._quarantine.went_down(passage, suspect)
        try:
            return await self._send(texts, info.dimensions, passage, send, may_begin)
        finally:
            self._quarantine.leave(passage)

    async def _send(
        self,
        texts: Sequence[str],
        dimensions: int,
        passage: Passage,
        send: Send,
        may_begin: BeforeStart,
    ) -> Matrix:
        n = len(texts)
        throttled = self._throttled_in_a_row if self._one_of_several else 0
        while True:
            if self.max_batch is not None and n > self.max_batch:
                raise BatchOverLimit(self.max_batch)
            await self._wait(passage.until, suspect=passage.suspect)
            async with (
                self.concurrency_limit.slot() as slot,
                self._quarantine.enter(passage),
                self._gate.permit(
                    texts,
                    until=passage.until,
                    check=may_begin,
                    until_stop=self.breaker.until_stop,
                ) as permit,
            ):
                if self.breaker.is_open or (passage.serial and not await self._is_up()):
                    continue
                if self._clock() - passage.came_at > RECHECK_AFTER_S:
                    self._unless_stopping()
                    await may_begin()
                slot.begin()
                try:
                    with permit.sending():
                        matrix = await send(texts)
                    require_shape(matrix, n, dimensions)
                except EmbedderError as error:
                    slot.failed()
                    self._notify_limit(error)
                    throttled += always_outage(error)
                    self._throttled_in_a_row = throttled  # a batch that moves on takes no count
                    if n > 1 and self._throttles_size(throttled, n):
                        self._throttled_in_a_row = 0
                        raise self._smaller(n) from error
                    if isinstance(error, EmbedderThrottled) and await self._gate.refused(error):
                        continue
                    await self._classify(error, n)
                    if may_have_died_of_it(error):
                        await self._suspect(error, passage)
                    continue
                slot.passed(n)
                self._throttled_in_a_row = 0
                self._batch_limit.passed(n)
                self._quarantine.passed()
                self.breaker.worked()
                return matrix

    def _unless_stopping(self) -> None:
        """Give up a slot that became free after the worker was asked to stop."""
        if self.breaker.is_stopping:
            raise Stopping("The worker stops before the batch has begun.")

    def _notify_limit(self, error: EmbedderError) -> None:
        """Shrink the limit after a 429 or a timeout."""
        if always_outage(error):
            self._throttled += 1
            self.concurrency_limit.throttled()
        elif isinstance(error, EmbedderTimeout):
            self.concurrency_limit.timed_out()

    async def _is_up(self) -> bool:
        """Probe before a request that might be blamed for a crash of the server."""
        cause = self._quarantine.cause
        return not self.breaker.is_open and (cause is None or await self.breaker.passes(cause))

    async def _suspect(self, error: EmbedderError, passage: Passage) -> None:
        """Record that the server crashed during this batch: its fault if it was sent alone.

        Raises: BatchSuspect once the server is back; Stopping, OutageTooLong.
        """
        self._quarantine.went_down(passage, error)
        if passage.alone:
            await self.breaker.wait(until=passage.until)
            raise BatchSuspect(error) from error

    def _throttles_size(self, throttled: int, n: int) -> bool:
        enough = THROTTLED_ANYWAY if self._batch_limit.has_passed(n) else THROTTLED_BEFORE_SMALLER
        return throttled >= enough

    async def _classify(self, error: EmbedderError, n: int) -> None:
        """Return when the server was at fault; raise when the batch is.

        Raises: BatchOverLimit, BatchSuspect, EmbedderMisconfigured.
        """
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
            self._batch_limit.state(stated)
            learned = True
        else:
            learned = self._batch_limit.refused(n)
        if learned:
            emit("batch_limit_learned", server=self._server, texts=self.max_batch)
        return BatchOverLimit(stated if stated and stated < n else n // 2)

    async def aclose(self) -> None:
        """Stop waiting and close the connections."""
        await self.breaker.aclose()
        await self._embedder.aclose()
