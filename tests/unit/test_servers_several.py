"""Several servers of one model: which one takes a batch, and which is blamed for a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.pipeline_fakes import FakeEmbedder, rejected
from tests.unit.server_group import GONE, LOST, SOME, Group, Slow, joined, sent
from wikiembed.errors import EmbedderError, EmbedderThrottled
from wikiembed.pipeline.bisection import Bisection
from wikiembed.servers import channel as channel_module
from wikiembed.servers.channel import RECHECK_AFTER_S
from wikiembed.servers.classify import BatchSuspect, PausedMeanwhile


async def test_one_server_is_its_channel() -> None:
    """With one address nothing is between a batch and the channel, which waits for it."""
    group = Group(FakeEmbedder())
    assert group.channels.for_batch() is group.channels.all[0]


async def test_batches_take_the_free_slots_of_all_servers() -> None:
    """Eight batches are in flight to two servers of four slots, and the ninth waits."""
    a, b = Slow(0.01), Slow(0.01)
    group = await joined(a, b)
    await asyncio.gather(*(group.embed() for _ in range(9)))
    assert min(sent(a, b)) >= 4
    assert sum(sent(a, b)) == 9


async def test_a_free_slot_at_the_faster_server_is_taken_first() -> None:
    """One batch at a time goes there, once both are known."""
    a, b = Slow(0.2), Slow(0.001)
    group = await joined(a, b)
    for _ in range(8):
        await group.embed()
    assert sent(a, b) == [1, 7]


async def test_batch_limit_is_learned_per_server() -> None:
    """One takes 4 texts at most, the other all 8."""
    a, b = FakeEmbedder(max_batch=4), FakeEmbedder()
    group = await joined(a, b)
    bisections = [Bisection(group.channels.for_batch(), SOME) for _ in range(8)]
    await asyncio.gather(*(bisection.run() for bisection in bisections))
    assert [len(bisection.vectors) for bisection in bisections] == [8] * 8
    assert {len(texts) for texts in a.requests} <= {1, 2, 3, 4}
    assert 8 in {len(texts) for texts in b.requests}


async def test_batch_that_only_one_server_throttles_becomes_smaller_there() -> None:
    """TEI answers 429 for ever to more texts than it has permits: half as many are tried."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.judge = lambda texts: EmbedderThrottled("429") if len(texts) > 4 else None
    group = await joined(a, b, slots=1)
    b.down = GONE
    bisection = Bisection(group.channels.for_batch(), SOME)
    await bisection.run()
    assert len(bisection.vectors) == 8
    assert group.channels.all[0].max_batch == 4


async def test_bad_text_is_blamed_by_the_server_that_refused_it() -> None:
    """All requests of its search, and the probes between them, are that server's."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.bad = b.bad = {SOME[3]: rejected()}
    group = await joined(a, b)
    before = [embedder.probes for embedder in (a, b)]
    bisection = Bisection(group.channels.for_batch(), SOME)
    await bisection.run()
    assert list(bisection.blamed) == [3]
    searched, idle = (a, b) if a.requests else (b, a)
    assert idle.requests == []
    assert idle.probes == before[(a, b).index(idle)]
    assert searched.probes > 3


async def test_row_without_a_usable_vector_is_probed_where_it_came_from() -> None:
    """A server whose probe fails too is left out, and the other embeds the batch."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.script = [np.zeros((8, 4), np.float32)]
    a.probe_script = [np.zeros((1, 4), np.float32)] * 1000
    bisection = Bisection(group.channels.for_batch(), SOME)
    await bisection.run()
    assert len(bisection.vectors) == 8
    assert group.in_reach == ["b"]


async def test_batch_during_which_a_server_crashed_is_a_suspect_at_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits a while for its server, then is sent alone, behind a probe."""
    monkeypatch.setattr(channel_module, "SUSPECT_S", 0.01)
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.down = LOST
    probes = b.probes
    batches = [asyncio.create_task(group.embed()) for _ in range(4)]
    await asyncio.gather(*batches)
    assert b.probes > probes
    assert group.in_reach == ["b"]
    assert len(b.requests) == 4


async def test_text_that_crashes_every_server_is_found() -> None:
    """It takes down the server that it is sent to; the rest is embedded, by either."""
    a, b = FakeEmbedder(), FakeEmbedder()

    def crash(embedder: FakeEmbedder) -> Callable[[object], EmbedderError | None]:
        def judge(texts: object) -> EmbedderError | None:
            if SOME[3] not in texts:  # type: ignore[operator]
                return None
            embedder.probe_script = [LOST, None]  # its probe fails once, then it is back
            return LOST

        return judge

    a.judge, b.judge = crash(a), crash(b)
    group = await joined(a, b)
    good = [Bisection(group.channels.for_batch(), [f"good {n}"] * 8) for n in range(6)]
    bad = Bisection(group.channels.for_batch(), SOME)
    await asyncio.gather(bad.run(), *(one.run() for one in good))
    assert (list(bad.blamed), len(bad.vectors)) == ([3], 7)
    assert all(len(one.vectors) == 8 for one in good)


async def test_long_wait_for_a_slot_checks_for_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time before a server was chosen counts."""

    async def paused() -> None:
        raise PausedMeanwhile("It was.")

    a, b = Slow(3 * RECHECK_AFTER_S), Slow(3 * RECHECK_AFTER_S)
    a.seconds = b.seconds = 0
    group = await joined(a, b, slots=1)
    a.seconds = b.seconds = 3 * RECHECK_AFTER_S
    busy = [asyncio.create_task(group.embed()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(PausedMeanwhile):
        await group.channels.for_batch().embed(SOME, may_begin=paused)
    await asyncio.gather(*busy)


async def test_suspect_batch_is_raised_by_its_server() -> None:
    """The error of the texts reaches the batch unchanged."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.script = b.script = [rejected()]
    with pytest.raises(BatchSuspect):
        await group.embed()
