"""Several servers of one model: which model that is, and which server is refused for another."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.eventually import eventually_async
from tests.support.pipeline_fakes import FakeEmbedder
from tests.unit.server_group import GONE, OTHER, WRONG_KEY, Group, Slow, joined, sent
from wikiembed.errors import EmbedderMisconfigured
from wikiembed.servers import several
from wikiembed.servers.channel import Channel


@pytest.mark.parametrize("wrong", ["dimensions", "vectors", "key"])
async def test_wrong_server_is_refused_alone(wrong: str) -> None:
    """Other dimensions, another model's vectors or a wrong key: it is named, and gets no batch."""
    a, b = FakeEmbedder(), FakeEmbedder(dimensions=8 if wrong == "dimensions" else 4)
    if wrong == "vectors":
        b.probe_script = [OTHER] * 1000
    if wrong == "key":
        b.down = WRONG_KEY
    group = Group(a, b)
    for _ in range(5):
        assert (await group.embed()).shape == (8, 4)
    await eventually_async(lambda: any(name == "b" and error for name, error in group.reports))
    assert (sent(a, b), group.in_reach) == ([5, 0], ["a"])
    reason = group.channels.all[1].requests["out"]
    words = {
        "dimensions": "It answers 8 dimensions, and a 4",
        "vectors": "Its vectors are another model's than those of a",
        "key": "refuses the API key",
    }
    assert words[wrong] in str(reason)
    b.dimensions, b.probe_script, b.down = 4, [], None
    await eventually_async(lambda: not group.channels.all[1].breaker.is_open)
    await group.embed()
    await group.wait_for("a", "b")


async def test_server_that_comes_back_with_another_model_is_refused() -> None:
    """The probe that would end its outage shows it."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    b.down = GONE
    await asyncio.gather(*(group.embed() for _ in range(6)))
    b.down, b.probe_script = None, [OTHER] * 1000
    await eventually_async(
        lambda: isinstance(group.channels.all[1].breaker.reason, EmbedderMisconfigured)
    )
    await asyncio.gather(*(group.embed() for _ in range(4)))
    assert group.in_reach == ["a"]


async def test_all_refused_is_a_misconfiguration_and_each_is_tried_again() -> None:
    """As with one server the error is raised; once the operator has corrected it, all join."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.down = b.down = WRONG_KEY
    results = await asyncio.gather(*(group.embed() for _ in range(4)), return_exceptions=True)
    assert {type(result) for result in results} == {EmbedderMisconfigured}
    for name in ("a: The", "b: The"):
        assert name in str(results[0])
    a.down = b.down = None
    await group.embed()
    await group.wait_for("a", "b")


async def test_both_refused_at_the_start_is_a_misconfiguration() -> None:
    """Nothing is asked again and again."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.down = b.down = WRONG_KEY
    group = Group(a, b)
    with pytest.raises(EmbedderMisconfigured, match="None of the 2 servers can be used"):
        await group.channels.describe()
    await asyncio.sleep(0.01)
    assert (a.log, b.log) == (["describe"], ["describe"])


async def test_first_server_says_the_model_unless_another_fits_the_column() -> None:
    """The column's dimensions decide; then the order of the addresses."""
    a, b = FakeEmbedder(dimensions=8), FakeEmbedder()
    info = await Group(a, b).channels.describe(dimensions=4, prove=_nothing_stored)
    assert info.dimensions == 4
    assert (await Group(a, b).channels.describe()).dimensions == 8


async def _nothing_stored(channel: Channel) -> str | None:
    return None


async def test_vectors_that_are_stored_decide_which_server_is_right() -> None:
    """The first one, which makes others, is refused; the other is the reference."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.probe_script = [OTHER] * 1000
    group = Group(a, b)

    async def prove(channel: Channel) -> str | None:
        return "Its vectors are others." if channel.server == "a" else None

    await group.channels.describe(dimensions=4, prove=prove)
    await asyncio.gather(*(group.embed() for _ in range(6)))
    assert (group.in_reach, sent(a, b)) == (["b"], [0, 6])


async def test_slow_first_server_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has its time to say what the model is, and joins later."""
    monkeypatch.setattr(several, "FIRST_S", 0.01)
    a, b = Slow(0.2), FakeEmbedder()
    group = Group(a, b)
    await group.embed()
    assert sent(a, b) == [0, 1]
    await group.wait_for("a", "b")
