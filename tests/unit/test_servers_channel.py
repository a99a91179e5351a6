"""The channel: what caused a failure, and which limits it learns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.pipeline_fakes import Clock, FakeEmbedder, channel_of, rejected, texts_of
from wikiembed.embedders.base import PROBE_TEXT, Cut, Role
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.servers.batch_limit import GROW_AFTER
from wikiembed.servers.circuit_breaker import BreakerTimes
from wikiembed.servers.classify import (
    BatchOverLimit,
    BatchSuspect,
    OutageTooLong,
    Stopping,
    may_have_died_of_it,
)
from wikiembed.vectors import Matrix

GONE = EmbedderUnavailable("The embedding server cannot be reached.")
THROTTLED = EmbedderThrottled("429")
SOME = texts_of(8)


async def test_embed_returns_a_row_per_text() -> None:
    """On success: one request and no probe."""
    embedder = FakeEmbedder()
    assert (await channel_of(embedder).embed(SOME)).shape == (8, 4)
    assert embedder.log == ["describe", "embed 8"]


async def test_chunks_are_embedded_as_documents() -> None:
    """Whole or cut, and so are the probe and the canary."""
    embedder = FakeEmbedder()
    embedder.script = [rejected(500)]
    embedder.cuts = lambda text: Cut(matrix=np.ones((1, 4), np.float32), chars_kept=None)
    channel = channel_of(embedder)
    with pytest.raises(BatchSuspect):
        await channel.embed(SOME)
    await channel.embed_cut("a long text")
    await channel.release_canary(chars=4000, above=0)
    texts = [text for text, _ in embedder.roles]
    assert texts[:8] == SOME
    assert {PROBE_TEXT, "a long text"} < set(texts)
    assert max(map(len, texts)) > 4000
    assert {role for _, role in embedder.roles} == {Role.DOCUMENT}


@pytest.mark.parametrize(
    "error",
    [
        rejected(400),
        rejected(500),
        EmbedderTimeout("No answer."),
        GONE,
        EmbedderBadAnswer("Not JSON."),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.http_status}",
)
async def test_channel_probe_distinguishes_an_outage_from_a_bad_batch(error: EmbedderError) -> None:
    """The batch is at fault when the probe passes, and nothing is blamed when it fails."""
    embedder = FakeEmbedder()
    embedder.script = [error]
    with pytest.raises(BatchSuspect) as suspect:
        await channel_of(embedder).embed(SOME)
    assert suspect.value.cause is error
    assert embedder.log[1:] == ["embed 8", "probe"]

    embedder = FakeEmbedder()
    embedder.script = [error]
    embedder.probe_script = [GONE, GONE]
    assert len(await channel_of(embedder).embed(SOME)) == 8
    # A server that may have crashed on the batch is probed once more before it gets it again.
    again = ["probe"] * may_have_died_of_it(error)
    assert embedder.log[1:] == ["embed 8", "probe", "probe", "probe", *again, "embed 8"]


async def test_channel_throttling_is_always_an_outage() -> None:
    """A 429 needs no probe to classify and blames no text, for one text as for many."""
    for texts in (SOME, SOME[:1]):
        embedder = FakeEmbedder()
        embedder.script = [THROTTLED, THROTTLED]
        assert len(await channel_of(embedder).embed(texts)) == len(texts)
        assert embedder.most_probes_at_once == 1


async def test_batch_that_is_always_throttled_is_made_smaller() -> None:
    """TEI always answers 429 to more texts than it has permits; the smaller size is kept."""
    embedder = FakeEmbedder()
    embedder.judge = lambda texts: THROTTLED if len(texts) > 4 else None
    channel = channel_of(embedder)
    with pytest.raises(BatchOverLimit) as over:
        await channel.embed(SOME)
    assert (over.value.limit, channel.max_batch) == (4, 4)
    assert len(embedder.requests) == 3
    with pytest.raises(BatchOverLimit):
        await channel.embed(SOME)
    assert len(embedder.requests) == 3


async def test_throttling_teaches_no_limit_once_such_a_batch_has_passed() -> None:
    """A rate limit is not a batch limit: a size that passed once only waits."""
    embedder = FakeEmbedder()
    channel = channel_of(embedder)
    await channel.embed(SOME)
    embedder.script = [THROTTLED] * 6
    assert len(await channel.embed(SOME)) == 8
    assert channel.max_batch is None


async def test_single_text_that_is_always_throttled_is_requeued() -> None:
    """It is never blamed; its job returns to the queue after the longest outage."""
    embedder = FakeEmbedder()
    embedder.judge = lambda texts: THROTTLED
    clock = Clock()
    times = BreakerTimes(first_s=0.001, longest_s=0.01, longest_outage_s=0.05)
    channel = channel_of(embedder, times, clock=clock)
    with pytest.raises(OutageTooLong):
        await channel.embed(SOME[:1])
    clock.now = 7
    channel.breaker.open(THROTTLED)
    assert channel.breaker.outage_s == 7
    await channel.aclose()


async def test_passing_request_ends_the_outage() -> None:
    """The next outage is a new one, and its time starts at zero."""
    embedder = FakeEmbedder()
    embedder.script = [THROTTLED]
    clock = Clock()
    channel = channel_of(embedder, clock=clock)
    await channel.embed(SOME)
    clock.now = 7
    channel.breaker.open(THROTTLED)
    assert channel.breaker.outage_s == 0
    await channel.aclose()


async def test_stated_batch_limit_is_learned_and_kept() -> None:
    """The next batch is refused without a request and without a probe."""
    embedder = FakeEmbedder()
    embedder.script = [BatchTooLarge("At most 3.", limit=3)]
    channel = channel_of(embedder)
    for _ in range(2):
        with pytest.raises(BatchOverLimit) as over:
            await channel.embed(SOME)
        assert over.value.limit == 3
    assert embedder.log == ["describe", "embed 8"]
    for _ in range(3 * GROW_AFTER):
        await channel.embed(SOME[:3])
    assert channel.max_batch == 3


async def test_limit_from_describe_needs_no_failed_request() -> None:
    """The limit in TEI's /info applies from the first batch on."""
    embedder = FakeEmbedder(max_batch=2)
    with pytest.raises(BatchOverLimit) as over:
        await channel_of(embedder).embed(SOME)
    assert (over.value.limit, embedder.requests) == (2, [])


async def test_unstated_batch_limit_is_halved_and_kept_for_a_while() -> None:
    """Only after many passes at the guess are twice as many texts tried once."""
    embedder = FakeEmbedder()
    embedder.judge = lambda texts: BatchTooLarge("413") if len(texts) > 4 else None
    channel = channel_of(embedder)
    with pytest.raises(BatchOverLimit):
        await channel.embed(SOME)
    assert (channel.max_batch, embedder.probes) == (4, 0)
    for _ in range(GROW_AFTER):
        assert channel.max_batch == 4
        await channel.embed(SOME[:4])
    assert channel.max_batch == 8
    with pytest.raises(BatchOverLimit):
        await channel.embed(SOME)
    for _ in range(2 * GROW_AFTER):
        assert channel.max_batch == 4
        await channel.embed(SOME[:4])
    assert channel.max_batch == 8


async def test_huge_text_does_not_make_all_batches_smaller() -> None:
    """A 413 to a size that has passed concerns this batch's bytes: nothing is learned."""
    embedder = FakeEmbedder()
    channel = channel_of(embedder)
    await channel.embed(SOME)
    embedder.script = [BatchTooLarge("413")]
    with pytest.raises(BatchOverLimit) as over:
        await channel.embed(SOME)
    assert (over.value.limit, channel.max_batch) == (4, None)


async def test_batch_too_large_of_one_text_is_that_texts_fault() -> None:
    """The batch cannot be made smaller, and no probe is needed."""
    embedder = FakeEmbedder()
    embedder.script = [BatchTooLarge("413")]
    with pytest.raises(BatchSuspect):
        await channel_of(embedder).embed(SOME[:1])
    assert embedder.probes == 0


async def test_text_too_long_needs_no_probe() -> None:
    """The answer itself reports that a text is at fault."""
    embedder = FakeEmbedder()
    embedder.script = [TextTooLong("Too long.")]
    with pytest.raises(BatchSuspect):
        await channel_of(embedder).embed(SOME)
    assert embedder.probes == 0


@pytest.mark.parametrize("shape", [(7, 4), (9, 4), (8, 5), (0, 4)])
async def test_answer_of_another_shape_is_a_failure(shape: tuple[int, int]) -> None:
    """Another count or dimension for this batch alone makes the batch suspect."""
    embedder = FakeEmbedder()
    embedder.script = [np.ones(shape, np.float32)]
    with pytest.raises(BatchSuspect) as suspect:
        await channel_of(embedder).embed(SOME)
    assert isinstance(suspect.value.cause, EmbedderBadAnswer)


async def test_channel_probe_of_other_dimensions_is_a_misconfiguration() -> None:
    """Another model runs on the server now: the source must be paused, no text blamed."""
    embedder = FakeEmbedder()
    channel = channel_of(embedder)
    await channel.embed(SOME)
    embedder.dimensions = 5
    with pytest.raises(EmbedderMisconfigured, match="5 dimensions instead of 4"):
        await channel.embed(SOME)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
async def test_probe_without_a_usable_vector_is_an_outage(bad: float) -> None:
    """A server that answers nonsense to a known text is at fault itself."""
    embedder = FakeEmbedder()
    embedder.script = [rejected()]
    embedder.probe_script = [np.full((1, 4), bad, np.float32), np.ones((2, 4), np.float32)]
    assert len(await channel_of(embedder).embed(SOME)) == 8
    assert embedder.log[1:] == ["embed 8", *["probe"] * 4, "embed 8"]


async def test_misconfiguration_of_a_batch_is_confirmed_by_the_probe() -> None:
    """The probe's 401 confirms a 401 to a batch; one stray 401 bisects the batch."""
    wrong = EmbedderMisconfigured("401", http_status=401)
    embedder = FakeEmbedder()
    channel = channel_of(embedder)
    embedder.script = [wrong]
    with pytest.raises(BatchSuspect):
        await channel.embed(SOME)
    embedder.down = wrong
    with pytest.raises(EmbedderMisconfigured):
        await channel.embed(SOME)


async def test_stop_during_an_outage_requeues_the_batch() -> None:
    """All waiting jobs raise Stopping."""
    embedder = FakeEmbedder()
    embedder.down = GONE
    channel = channel_of(embedder, BreakerTimes(first_s=60, longest_s=60))
    jobs = [asyncio.create_task(channel.embed(SOME)) for _ in range(4)]
    await asyncio.sleep(0.01)
    channel.breaker.stop()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert {type(result) for result in results} == {Stopping}
    await channel.aclose()
    assert embedder.closed


async def test_canary_does_not_delay_a_stop() -> None:
    """A slow canary over a long text is cancelled when the worker stops."""
    embedder = FakeEmbedder()
    begun = asyncio.Event()

    async def slow(texts: Sequence[str], *, role: Role) -> Matrix:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    embedder.embed = slow  # type: ignore[method-assign]
    channel = channel_of(embedder)
    released = asyncio.create_task(channel.release_canary(chars=4000, above=0))
    await begun.wait()
    channel.breaker.stop()
    with pytest.raises(Stopping):
        await released


async def test_canary_is_not_sent_during_an_outage() -> None:
    """The cause of the outage is reported instead."""
    embedder = FakeEmbedder()
    channel = channel_of(embedder)
    down = EmbedderUnavailable("Down.")
    embedder.down = down
    channel.breaker.open(down)
    with pytest.raises(EmbedderUnavailable):
        await channel.release_canary(chars=4000, above=0)
    assert embedder.requests == []
    await channel.aclose()
