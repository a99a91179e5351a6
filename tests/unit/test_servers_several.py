"""Several servers of one model: which one takes a batch, and which are left out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.eventually import eventually_async
from tests.support.pipeline_fakes import FakeEmbedder, Sleeper, rejected, texts_of
from wikiembed.errors import (
    EmbedderError,
    EmbedderLost,
    EmbedderMisconfigured,
    EmbedderThrottled,
    EmbedderUnavailable,
)
from wikiembed.pipeline.bisection import Bisection
from wikiembed.servers import channel as channel_module
from wikiembed.servers import several
from wikiembed.servers.channel import RECHECK_AFTER_S, Channel
from wikiembed.servers.circuit_breaker import BreakerTimes
from wikiembed.servers.classify import BatchSuspect, OutageTooLong, PausedMeanwhile, Stopping
from wikiembed.servers.concurrency_limit import FixedLimit
from wikiembed.servers.listener import Listener
from wikiembed.servers.several import Channels
from wikiembed.vectors import Matrix

GONE = EmbedderUnavailable("The embedding server cannot be reached.")
LOST = EmbedderLost("The embedding server broke off the connection.")
WRONG_KEY = EmbedderMisconfigured(
    "The embedding server refuses the API key (401).", http_status=401
)
FAST = BreakerTimes(first_s=0.001, longest_s=0.004, longest_outage_s=20.0, refused_s=0.002)
OTHER = np.array([[1.0, -1.0, 1.0, -1.0]], np.float32)
SOME = texts_of(8)


class Group:
    """Servers ``a``, ``b`` … with `slots` each; `reports` are the errors that listeners got."""

    def __init__(
        self, *embedders: FakeEmbedder, slots: int = 4, times: BreakerTimes = FAST
    ) -> None:
        self.channels = Channels()
        self.reports: list[tuple[str, EmbedderError | None]] = []
        for name, embedder in zip("abc", embedders, strict=False):
            self.channels.add(
                Channel(
                    embedder,
                    server=name,
                    times=times,
                    sleep=Sleeper() if times is FAST else asyncio.sleep,
                    listener=self._listener(name),
                    concurrency_limit=FixedLimit(slots),
                    one_of_several=len(embedders) > 1,
                    accept=self.channels.identity.check,
                )
            )

    def _listener(self, name: str) -> Listener:
        def listen(error: EmbedderError | None, outage_s: float) -> None:
            self.channels.wake()
            self.reports.append((name, error))

        return listen

    async def embed(self, texts: list[str] = SOME) -> Matrix:
        """Embed a batch of its own."""
        return await self.channels.for_batch().embed(texts)

    @property
    def in_reach(self) -> list[str]:
        """The names of the servers to which batches are sent."""
        return [channel.server for channel in self.channels.in_reach]

    async def wait_for(self, *names: str) -> None:
        """Wait until exactly these are in reach."""
        await eventually_async(lambda: self.in_reach == list(names))


def sent(*embedders: FakeEmbedder) -> list[int]:
    """The number of requests that each got."""
    return [len(embedder.requests) for embedder in embedders]


async def joined(*embedders: FakeEmbedder, slots: int = 4) -> Group:
    """A group whose servers are all in reach."""
    group = Group(*embedders, slots=slots)
    await group.channels.describe()
    await group.wait_for(*"abc"[: len(embedders)])
    return group


class Slow(FakeEmbedder):
    """A server that processes one request after another, of so many seconds each."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.turn = asyncio.Lock()

    async def embed(self, texts: list[str], *, role: object) -> Matrix:  # type: ignore[override]
        async with self.turn:
            await asyncio.sleep(self.seconds)
        return await super().embed(texts, role=role)  # type: ignore[arg-type]


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
    a, b = Slow(0.02), Slow(0.001)
    group = await joined(a, b)
    for _ in range(8):
        await group.embed()
    assert sent(a, b) == [1, 7]


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


async def test_batch_limit_is_learned_per_server() -> None:
    """One takes 4 texts at most, the other all 8."""
    a, b = FakeEmbedder(max_batch=4), FakeEmbedder()
    group = await joined(a, b)
    bisections = [Bisection(group.channels.for_batch(), SOME) for _ in range(8)]
    await asyncio.gather(*(bisection.run() for bisection in bisections))
    assert [len(bisection.vectors) for bisection in bisections] == [8] * 8
    assert {len(texts) for texts in a.requests} <= {1, 2, 3, 4}
    assert 8 in {len(texts) for texts in b.requests}


async def test_throttled_server_waits_while_the_other_works() -> None:
    """No batch fails or becomes smaller."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.down = EmbedderThrottled("429", retry_after_s=60)
    for _ in range(6):
        await group.embed()
    assert {len(texts) for texts in b.requests} == {8}
    assert group.channels.all[0].requests["throttled"] == 1


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


async def test_suspect_batch_is_raised_by_its_server() -> None:
    """The error of the texts reaches the batch unchanged."""
    a, b = FakeEmbedder(), FakeEmbedder()
    group = await joined(a, b)
    a.script = b.script = [rejected()]
    with pytest.raises(BatchSuspect):
        await group.embed()
