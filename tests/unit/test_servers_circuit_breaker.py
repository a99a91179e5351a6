"""The circuit breaker: one probe at a time, all jobs wait, no text is blamed."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.pipeline_fakes import FAST, Clock, FakeEmbedder, Sleeper, channel_of, rejected
from wikiembed.errors import EmbedderMisconfigured, EmbedderThrottled, EmbedderUnavailable
from wikiembed.servers.circuit_breaker import BreakerTimes, CircuitBreaker
from wikiembed.servers.classify import OutageTooLong, Stopping

GONE = EmbedderUnavailable("The embedding server cannot be reached.")


class Probe:
    """A probe that fails with each of `answers` in turn, then passes."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self) -> None:
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.answers:
            raise self.answers.pop(0)


async def test_wait_returns_immediately_while_the_server_is_reachable() -> None:
    """A closed breaker delays no job and makes no request."""
    probe = Probe()
    await CircuitBreaker(probe, server="fake").wait()
    assert probe.calls == 0


async def test_outage_blocks_all_jobs_behind_one_probe_at_a_time() -> None:
    """Twenty jobs wait out an outage of five probes, and no two probes are in flight together."""
    probe = Probe(*[GONE] * 5)
    breaker = CircuitBreaker(probe, server="fake", sleep=Sleeper())
    breaker.open(GONE)
    waiting = [asyncio.create_task(breaker.wait()) for _ in range(20)]
    for _ in range(4):
        breaker.open(GONE)
        assert breaker.is_open
        assert not any(task.done() for task in waiting)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert (probe.calls, probe.most_at_once) == (6, 1)
    assert breaker.reason is None
    assert breaker.outage_s == 0


async def test_waits_between_probes_double_up_to_the_longest_with_jitter() -> None:
    """The backoff is within 60 to 100 % of 1, 2, 4, 5, 5, 5 seconds."""
    sleeper = Sleeper()
    times = BreakerTimes(first_s=1, longest_s=5)
    breaker = CircuitBreaker(Probe(*[GONE] * 5), server="fake", times=times, sleep=sleeper)
    breaker.open(GONE)
    await breaker.wait()
    assert len(sleeper.waits) == 6
    for waited, longest in zip(sleeper.waits, [1, 2, 4, 5, 5, 5], strict=True):
        assert 0.6 * longest <= waited <= longest


async def test_retry_after_applies_up_to_its_limit() -> None:
    """A stated wait replaces a shorter backoff; a huge one is capped; a shorter one is ignored."""
    sleeper = Sleeper()
    times = BreakerTimes(first_s=1, longest_s=1, longest_retry_after_s=120)
    answers = [
        EmbedderUnavailable("503", retry_after_s=7),
        EmbedderThrottled("429", retry_after_s=3600),
        EmbedderUnavailable("503", retry_after_s=0),
    ]
    breaker = CircuitBreaker(Probe(*answers), server="fake", times=times, sleep=sleeper)
    breaker.open(EmbedderThrottled("429", retry_after_s=5))
    await breaker.wait()
    assert sleeper.waits[:3] == [5, 7, 120]
    assert 0.6 <= sleeper.waits[3] <= 1


async def test_probe_that_reports_misconfiguration_ends_the_wait_of_all_jobs() -> None:
    """Waiting jobs raise the probe's own error; later jobs probe the server again."""
    wrong = EmbedderMisconfigured("The key is wrong.")
    breaker = CircuitBreaker(Probe(GONE, wrong), server="fake", sleep=Sleeper())
    breaker.open(GONE)
    results = await asyncio.gather(*[breaker.wait() for _ in range(3)], return_exceptions=True)
    assert results == [wrong] * 3
    await breaker.wait()


async def test_stop_releases_waiting_jobs_and_ends_probing() -> None:
    """A worker that is stopping requeues its jobs instead of waiting for a server."""
    probe = Probe(*[GONE] * 1000)
    breaker = CircuitBreaker(probe, server="fake", times=FAST)
    breaker.open(GONE)
    waiting = asyncio.create_task(breaker.wait())
    await asyncio.sleep(0.01)
    breaker.stop()
    with pytest.raises(Stopping):
        await waiting
    with pytest.raises(Stopping):
        await breaker.wait()
    await breaker.aclose()
    calls = probe.calls
    await asyncio.sleep(0.01)
    assert probe.calls == calls


async def test_outage_after_stop_does_not_probe() -> None:
    """A batch that fails during the shutdown is requeued immediately and starts no probe."""
    probe = Probe()
    breaker = CircuitBreaker(probe, server="fake", times=FAST)
    breaker.stop()
    await breaker.wait()
    breaker.open(GONE)
    with pytest.raises(Stopping):
        await breaker.wait()
    await asyncio.sleep(0.01)
    assert probe.calls == 0


async def test_job_waits_no_longer_than_the_limit() -> None:
    """After the longest outage the job returns to the queue, though the outage lasts."""
    breaker = CircuitBreaker(
        Probe(*[GONE] * 1000),
        server="fake",
        times=BreakerTimes(first_s=0.01, longest_outage_s=0.03),
    )
    breaker.open(GONE)
    with pytest.raises(OutageTooLong):
        await breaker.wait()
    assert breaker.is_open
    await breaker.aclose()


async def test_passing_probe_after_an_error_keeps_the_breaker_closed() -> None:
    """The probe shows that the server works: the batch is at fault."""
    breaker = CircuitBreaker(Probe(), server="fake")
    assert await breaker.passes(rejected())
    assert not breaker.is_open


async def test_failing_probe_after_an_error_opens_the_breaker() -> None:
    """The probe fails too: it is an outage, and of many callers only one probes."""
    probe = Probe(GONE, GONE)
    breaker = CircuitBreaker(probe, server="fake", times=BreakerTimes(first_s=60, longest_s=60))
    passed = await asyncio.gather(*[breaker.passes(rejected()) for _ in range(8)])
    assert passed == [False] * 8
    assert probe.calls == 1
    assert breaker.reason is GONE
    await breaker.aclose()


async def test_probe_after_an_error_that_reports_misconfiguration_raises() -> None:
    """A probe that is refused for its key concerns the source, not the batch."""
    breaker = CircuitBreaker(Probe(EmbedderMisconfigured("The key is wrong.")), server="fake")
    with pytest.raises(EmbedderMisconfigured):
        await breaker.passes(rejected())
    assert not breaker.is_open


async def test_outage_that_resumes_before_a_request_passes_is_the_same() -> None:
    """A server whose probe passes and whose batches never do counts as one outage."""
    sleeper = Sleeper()
    clock = Clock()
    times = BreakerTimes(first_s=1, longest_s=8)
    breaker = CircuitBreaker(Probe(), server="fake", times=times, sleep=sleeper, clock=clock)
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


async def test_defective_probe_ends_the_wait() -> None:
    """An exception that no embedder may raise ends the wait; the jobs meet it themselves."""
    breaker = CircuitBreaker(Probe(ZeroDivisionError()), server="fake", sleep=Sleeper())
    breaker.open(GONE)
    await asyncio.wait_for(breaker.wait(), 5)


async def test_describe_waits_out_an_outage() -> None:
    """A worker that starts before its server waits for it, and probes it once for all jobs."""
    embedder = FakeEmbedder()
    embedder.describe_script = [GONE, GONE]
    channel = channel_of(embedder)
    infos = await asyncio.gather(*[channel.describe() for _ in range(5)])
    assert {info.model for info in infos} == {"fake"}
    assert embedder.log == ["describe", "probe", "describe", "probe", "describe"]


async def test_describe_raises_a_misconfiguration() -> None:
    """An unknown model is not an outage."""
    embedder = FakeEmbedder()
    embedder.describe_script = [EmbedderMisconfigured("404")]
    with pytest.raises(EmbedderMisconfigured):
        await channel_of(embedder).describe()


async def test_listener_is_notified_of_begin_reasons_and_end() -> None:
    """And each request that passed; none of these is an end while the breaker is open."""
    told: list[tuple[str | None, float]] = []
    clock = Clock()
    hanging = EmbedderUnavailable("Hangs.")
    breaker = CircuitBreaker(
        Probe(hanging),
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


async def test_defective_listener_does_not_affect_the_breaker() -> None:
    """The breaker still waits out the outage."""

    def fail(error: object, outage_s: float) -> None:
        raise ZeroDivisionError

    breaker = CircuitBreaker(Probe(GONE), server="fake", sleep=Sleeper(), listener=fail)
    breaker.open(GONE)
    await asyncio.wait_for(breaker.wait(), 5)
    breaker.worked()
    assert not breaker.is_open
