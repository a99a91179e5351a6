"""Several servers of one model: which are in reach, and when none is."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.eventually import eventually_async
from tests.support.pipeline_fakes import FakeEmbedder
from tests.unit.server_group import GONE, SOME, Group, joined
from wikiembed.errors import EmbedderThrottled
from wikiembed.servers.circuit_breaker import BreakerTimes
from wikiembed.servers.classify import OutageTooLong, Stopping


async def test_a_server_that_goes_away_is_left_out_and_taken_back() -> None:
    """Its batch goes on to the other at once, nothing is an outage, and its probe ends it."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.down = GONE
    for _ in range(6):
        assert (await group.embed()).shape == (8, 4)
    assert group.in_reach == ["b"]
    assert (group.channels.outage_s, group.channels.outage_reason) == (0.0, None)
    assert ("a", GONE) in group.reports
    a.down = None
    await group.wait_for("a", "b")
    assert group.reports[-1] == ("a", None)


async def test_all_servers_away_is_an_outage_until_any_is_back() -> None:
    """A batch waits for the first of them, whichever it is."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.down = b.down = GONE
    waiting = asyncio.create_task(group.embed())
    await eventually_async(lambda: group.in_reach == [])
    assert group.channels.outage_reason == str(GONE)
    assert not waiting.done()
    b.down = None
    assert (await waiting).shape == (8, 4)
    assert b.requests[-1] == SOME


async def test_outage_of_all_ends_with_the_stop_or_the_deadline() -> None:
    """As with one server: the job is requeued."""
    down = FakeEmbedder(), FakeEmbedder()
    group = Group(*down, times=BreakerTimes(first_s=0.001, longest_outage_s=0.05))
    for embedder in down:
        embedder.down = GONE
    with pytest.raises(OutageTooLong):
        await group.embed()
    group = Group(*down)
    waiting = asyncio.create_task(group.embed())
    await asyncio.sleep(0.01)
    group.channels.stop()
    with pytest.raises(Stopping):
        await waiting
    await group.channels.aclose()
    assert all(embedder.closed for embedder in down)


async def test_server_that_was_away_at_the_start_joins_later() -> None:
    """It is described and compared then."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.down = GONE
    group = Group(a, b)
    await group.embed()
    assert group.in_reach == ["b"]
    a.down = None
    await eventually_async(lambda: not group.channels.all[0].breaker.is_open)
    await group.embed()
    await group.wait_for("a", "b")


async def test_throttled_server_waits_while_the_other_works() -> None:
    """No batch fails or becomes smaller."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.down = EmbedderThrottled("429", retry_after_s=60)
    for _ in range(6):
        await group.embed()
    assert {len(texts) for texts in b.requests} == {8}
    assert group.channels.all[0].requests["throttled"] == 1


async def test_limit_is_of_the_servers_in_reach() -> None:
    """No more batches begin than those can take; with none, as many as all could."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    assert group.channels.limit == 8
    a.down = GONE
    for _ in range(3):
        await group.embed()
    assert group.channels.limit == 4
    b.down = GONE
    waiting = asyncio.create_task(group.embed())
    await eventually_async(lambda: group.in_reach == [])
    assert group.channels.limit == 8
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
