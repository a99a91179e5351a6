"""The breaker: one probe knocks, all jobs wait, nobody is charged."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pipeline_fakes import FAST, Clock, FakeEmbedder, Sleeper, channel_of, rejected
from wikiembed.errors import EmbedderMisconfigured, EmbedderThrottled, EmbedderUnavailable
from wikiembed.servers.circuit_breaker import BreakerTimes, CircuitBreaker
from wikiembed.servers.classify import OutageTooLong, Stopping

GONE = EmbedderUnavailable("The embedding server cannot be reached.")


class Door:
    """A probe that fails with each of `answers` in turn, then passes."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.knocks = 0
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self) -> None:
        self.knocks += 1
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.answers:
            raise self.answers.pop(0)


async def test_wait_returns_at_once_while_the_server_is_in_reach() -> None:
    """A closed breaker holds nobody and asks nothing."""
    door = Door()
    await CircuitBreaker(door, server="fake").wait()
    assert door.knocks == 0


async def test_outage_holds_all_jobs_behind_one_probe_at_a_time() -> None:
    """Twenty jobs wait out an outage of five probes, and no two probes are under way at once."""
    door = Door(*[GONE] * 5)
    breaker = CircuitBreaker(door, server="fake", sleep=Sleeper())
    breaker.open(GONE)
    waiting = [asyncio.create_task(breaker.wait()) for _ in range(20)]
    for _ in range(4):
        breaker.open(GONE)
        assert breaker.is_open
        assert not any(task.done() for task in waiting)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert (door.knocks, door.most_at_once) == (6, 1)
    assert breaker.reason is None
    assert breaker.outage_s == 0


async def test_waits_between_probes_double_up_to_the_longest_with_jitter() -> None:
    """The backoff is within 60 to 100 % of 1, 2, 4, 5, 5, 5 seconds."""
    sleeper = Sleeper()
    waits = BreakerTimes(first_s=1, longest_s=5)
    breaker = CircuitBreaker(Door(*[GONE] * 5), server="fake", waits=waits, sleep=sleeper)
    breaker.open(GONE)
    await breaker.wait()
    assert len(sleeper.waits) == 6
    for waited, longest in zip(sleeper.waits, [1, 2, 4, 5, 5, 5], strict=True):
        assert 0.6 * longest <= waited <= longest


async def test_retry_after_is_obeyed_up_to_its_limit() -> None:
    """A stated wait replaces a shorter backoff; an absurd one is cut; a shorter one is not used."""
    sleeper = Sleeper()
    waits = BreakerTimes(first_s=1, longest_s=1, longest_retry_after_s=120)
    answers = [
        EmbedderUnavailable("503", retry_after_s=7),
        EmbedderThrottled("429", retry_after_s=3600),
        EmbedderUnavailable("503", retry_after_s=0),
    ]
    breaker = CircuitBreaker(Door(*answers), server="fake", waits=waits, sleep=sleeper)
    breaker.open(EmbedderThrottled("429", retry_after_s=5))
    await breaker.wait()
    assert sleeper.waits[:3] == [5, 7, 120]
    assert 0.6 <= sleeper.waits[3] <= 1


async def test_probe_that_says_misconfigured_ends_the_wait_for_everybody() -> None:
    """Whoever waits gets the probe's own reason; whoever comes later asks the server itself."""
    wrong = EmbedderMisconfigured("The key is wrong.")
    breaker = CircuitBreaker(Door(GONE, wrong), server="fake", sleep=Sleeper())
    breaker.open(GONE)
    results = await asyncio.gather(*[breaker.wait() for _ in range(3)], return_exceptions=True)
    assert results == [wrong] * 3
    await breaker.wait()


async def test_stop_frees_whoever_waits_and_ends_the_knocking() -> None:
    """A worker that is to end gives its jobs back instead of waiting for a server."""
    door = Door(*[GONE] * 1000)
    breaker = CircuitBreaker(door, server="fake", waits=FAST)
    breaker.open(GONE)
    waiting = asyncio.create_task(breaker.wait())
    await asyncio.sleep(0.01)
    breaker.stop()
    with pytest.raises(Stopping):
        await waiting
    with pytest.raises(Stopping):
        await breaker.wait()
    await breaker.aclose()
    knocks = door.knocks
    await asyncio.sleep(0.01)
    assert door.knocks == knocks


async def test_outage_after_stop_knocks_no_more() -> None:
    """A batch that fails during the shutdown goes back at once and starts no probe."""
    door = Door()
    breaker = CircuitBreaker(door, server="fake", waits=FAST)
    breaker.stop()
    await breaker.wait()
    breaker.open(GONE)
    with pytest.raises(Stopping):
        await breaker.wait()
    await asyncio.sleep(0.01)
    assert door.knocks == 0


async def test_job_is_held_no_longer_than_the_limit() -> None:
    """After the hold limit the job goes back to the queue, though the outage lasts."""
    breaker = CircuitBreaker(
        Door(*[GONE] * 1000), server="fake", waits=BreakerTimes(first_s=0.01, longest_outage_s=0.03)
    )
    breaker.open(GONE)
    with pytest.raises(OutageTooLong):
        await breaker.wait()
    assert breaker.is_open
    await breaker.aclose()


async def test_passing_probe_after_an_error_opens_nothing() -> None:
    """The referee says that the server is well: the batch is at fault."""
    breaker = CircuitBreaker(Door(), server="fake")
    assert await breaker.passes(rejected())
    assert not breaker.is_open


async def test_failing_probe_after_an_error_opens_the_breaker() -> None:
    """The referee fails too: it is an outage, and of many that ask only one probes."""
    door = Door(GONE, GONE)
    breaker = CircuitBreaker(door, server="fake", waits=BreakerTimes(first_s=60, longest_s=60))
    verdicts = await asyncio.gather(*[breaker.passes(rejected()) for _ in range(8)])
    assert verdicts == [False] * 8
    assert door.knocks == 1
    assert breaker.reason is GONE
    await breaker.aclose()


async def test_referee_that_says_misconfigured_raises() -> None:
    """A probe that is refused for its key concerns the source, not the batch."""
    breaker = CircuitBreaker(Door(EmbedderMisconfigured("The key is wrong.")), server="fake")
    with pytest.raises(EmbedderMisconfigured):
        await breaker.passes(rejected())
    assert not breaker.is_open


async def test_outage_that_begins_again_before_a_request_passed_is_the_same() -> None:
    """A server whose probe passes and whose batches never do counts as out of reach all along."""
    sleeper = Sleeper()
    clock = Clock()
    waits = BreakerTimes(first_s=1, longest_s=8)
    breaker = CircuitBreaker(Door(), server="fake", waits=waits, sleep=sleeper, clock=clock)
    breaker.open(GONE)
    await breaker.wait()
    clock.now = 5
    assert breaker.outage_s == 0
    breaker.open(GONE)
    assert breaker.outage_s == 5
    await breaker.wait()
    assert sleeper.waits[1] >= 1.2
    breaker.worked()
    breaker.open(GONE)
    assert breaker.outage_s == 0
    await breaker.wait()
    assert sleeper.waits[2] <= 1


async def test_probe_with_a_defect_lets_nobody_wait_for_ever() -> None:
    """An exception that no embedder may raise ends the wait; the jobs meet it themselves."""
    breaker = CircuitBreaker(Door(ZeroDivisionError()), server="fake", sleep=Sleeper())
    breaker.open(GONE)
    await asyncio.wait_for(breaker.wait(), 5)


async def test_outage_in_describe_is_waited_out() -> None:
    """A worker that starts before its server waits for it, and asks it once for all jobs."""
    embedder = FakeEmbedder()
    embedder.describe_script = [GONE, GONE]
    channel = channel_of(embedder)
    infos = await asyncio.gather(*[channel.describe() for _ in range(5)])
    assert {info.model for info in infos} == {"fake"}
    assert embedder.log == ["describe", "probe", "describe", "probe", "describe"]


async def test_misconfiguration_found_in_describe_is_raised() -> None:
    """An unknown model is no outage."""
    embedder = FakeEmbedder()
    embedder.describe_script = [EmbedderMisconfigured("404")]
    with pytest.raises(EmbedderMisconfigured):
        await channel_of(embedder).describe()


async def test_listener_is_told_of_begin_reasons_and_end() -> None:
    """And of each request that passed; nothing of it is an end while the breaker is open."""
    told: list[tuple[str | None, float]] = []
    clock = Clock()
    hanging = EmbedderUnavailable("Hangs.")
    breaker = CircuitBreaker(
        Door(hanging),
        server="fake",
        sleep=Sleeper(),
        clock=clock,
        listener=lambda error, outage_s: told.append((error and str(error), outage_s)),
    )
    breaker.worked()
    breaker.open(GONE)
    breaker.open(GONE)
    clock.now = 3
    await breaker.wait()
    assert told == [(None, 0), (str(GONE), 0), ("Hangs.", 3), (None, 0)]
    breaker.open(GONE)
    breaker.worked()
    breaker.stop()
    await breaker.aclose()
    assert told[4:] == [(str(GONE), 3)]


async def test_listener_with_a_defect_stands_in_nobodys_way() -> None:
    """The outage is waited out all the same."""

    def fail(error: object, outage_s: float) -> None:
        raise ZeroDivisionError

    breaker = CircuitBreaker(Door(GONE), server="fake", sleep=Sleeper(), listener=fail)
    breaker.open(GONE)
    await asyncio.wait_for(breaker.wait(), 5)
    breaker.worked()
    assert not breaker.is_open
