"""A batch that waits for its turn, and what the limit learns from the server."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pipeline_fakes import FAST, Clock, FakeEmbedder, Sleeper, texts_of
from wikiembed.errors import EmbedderError, EmbedderThrottled, EmbedderTimeout
from wikiembed.servers.adaptive_limit import AdaptiveLimit
from wikiembed.servers.channel import RECHECK_AFTER_S, Channel
from wikiembed.servers.classify import BatchSuspect, PausedMeanwhile, Stopping
from wikiembed.servers.concurrency_limit import ConcurrencyLimit, FixedLimit

SOME = texts_of(8)


class Turns:
    """A channel with one slot, which is occupied for a while; `clock` is the test's."""

    def __init__(self, concurrency_limit: ConcurrencyLimit | None = None) -> None:
        self.embedder = FakeEmbedder()
        self.clock = Clock()
        self.channel = Channel(
            self.embedder, server="fake", times=FAST, sleep=Sleeper(), clock=self.clock,
            concurrency_limit=concurrency_limit or FixedLimit(1, clock=self.clock),
        )  # fmt: skip
        self.checks = 0

    async def paused(self) -> None:
        """Raise as if the source was paused meanwhile."""
        self.checks += 1
        raise PausedMeanwhile("It was.")

    async def late_by(self, seconds: float) -> asyncio.Task[object]:
        """Embed a batch whose turn comes after so many seconds."""
        await self.channel.describe()
        async with self.channel.concurrency_limit.slot():
            waiting: asyncio.Task[object] = asyncio.create_task(
                self.channel.embed(SOME, may_begin=self.paused)
            )
            await asyncio.sleep(0.01)
            self.clock.now += seconds
        await asyncio.wait([waiting])
        return waiting


async def test_batch_whose_turn_comes_late_checks_for_a_pause() -> None:
    """Its source was paused: no request is made for it, and the slot is free again."""
    turns = Turns()
    late = await turns.late_by(2 * RECHECK_AFTER_S)
    assert isinstance(late.exception(), PausedMeanwhile)
    assert (turns.embedder.requests, turns.checks) == ([], 1)
    assert turns.channel.concurrency_limit.free == 1


async def test_batch_whose_turn_comes_soon_checks_nothing() -> None:
    """A check per batch would cost a statement each."""
    turns = Turns()
    soon = await turns.late_by(RECHECK_AFTER_S / 2)
    assert soon.exception() is None
    assert (len(turns.embedder.requests), turns.checks) == (1, 0)


async def test_batch_whose_turn_comes_after_the_stop_is_requeued() -> None:
    """The worker ends with the requests that are in flight."""
    turns = Turns()
    turns.channel.breaker.stop()
    late = await turns.late_by(2 * RECHECK_AFTER_S)
    assert isinstance(late.exception(), Stopping)
    assert turns.embedder.requests == []


@pytest.mark.parametrize("error", [EmbedderThrottled("429"), EmbedderTimeout("No answer.")])
async def test_refusals_and_timeouts_lower_the_limit(error: EmbedderError) -> None:
    """Fewer requests are in flight from then on."""
    turns = Turns(AdaptiveLimit(start=8))
    turns.embedder.script = [error]
    try:
        await turns.channel.embed(SOME)
    except BatchSuspect as suspect:
        assert suspect.cause is error  # noqa: PT017 - a timeout ends the batch, a refusal waits
    assert turns.channel.concurrency_limit.limit < 8
    assert turns.channel.requests == {
        "server": "fake",
        "model": None,
        "in_flight": 0,
        "limit": turns.channel.concurrency_limit.limit,
        "throttled": int(isinstance(error, EmbedderThrottled)),
        "out": None,
        "waiting": 0,
    }
