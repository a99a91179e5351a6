"""A process's share of a limit: leases are used evenly, settled, and waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from tests.support.eventually import eventually_async
from wikiembed.embedders.usage import count_answer, count_failure
from wikiembed.errors import EmbedderThrottled
from wikiembed.servers.classify import BatchOverLimit, OutageTooLong, PausedMeanwhile
from wikiembed.servers.rate_limit import REFUSALS_BEFORE_OUTAGE, RateLimit
from wikiembed.servers.rate_limits import RateLimits
from wikiembed.store.limits import Lease, Settled

TEXTS = ["a" * 400]
"""100 tokens by the first estimate."""


class FakeLeases:
    """Gives `grants` in order, then no request; `asked` is what it was asked for."""

    def __init__(self, *grants: Lease | Exception | None) -> None:
        self.known = frozenset({("s", "m")})
        self.grants: list[Lease | Exception | None] = list(grants)
        self.asked: list[tuple[int, int, int]] = []
        self.settled: list[Settled] = []
        self.reported: list[tuple[int | None, int | None]] = []
        self.blocked: list[float] = []

    async def limited(self) -> frozenset[tuple[str, str]]:
        return self.known

    async def lease(
        self, server: str, model: str, settled: Settled, *, requests: int, tokens: int, first: int
    ) -> Lease | None:
        self.asked.append((requests, tokens, first))
        self.settled.append(settled)
        await asyncio.sleep(0)
        answer = self.grants.pop(0) if self.grants else granting(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def report(
        self, server: str, model: str, *, requests: int | None, tokens: int | None
    ) -> None:
        self.reported.append((requests, tokens))

    async def block(self, server: str, model: str, *, seconds: float) -> None:
        self.blocked.append(seconds)


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def granting(requests: int, *, tokens: int = 10**6, most: int | None = None) -> Lease:
    """A lease in slot 7, which ends in half a second, with requests 0.1 s apart."""
    return Lease(7, 0.5, 0.5, requests, tokens, 0.2, 0.1, most)


async def plainly(work: Coroutine[Any, Any, None]) -> None:
    """Await, as a breaker that is not stopped does."""
    await work


async def nothing() -> None:
    """Check nothing."""


def limit_of(store: FakeLeases) -> tuple[RateLimit, FakeClock]:
    """The limit of model m at server s, and its clock."""
    clock = FakeClock()
    limits = RateLimits(store)
    return RateLimit(store, limits, server="s", model="m", clock=clock, sleep=clock.sleep), clock


async def send(
    limit: RateLimit,
    texts: list[str] = TEXTS,
    *,
    tokens: int = 100,
    until: float = float("inf"),
    check: Callable[[], Awaitable[None]] = nothing,
) -> None:
    """Send one request, whose response counts `tokens`."""
    async with limit.permit(texts, until=until, check=check, until_stop=plainly) as permit:
        with permit.sending():
            count_answer(texts, b'{"usage": {"prompt_tokens": %d}}' % tokens)


async def test_without_a_limit_nothing_is_asked() -> None:
    """No lease, whatever is sent."""
    store = FakeLeases()
    store.known = frozenset()
    limit, _ = limit_of(store)
    for _ in range(5):
        await send(limit)
    assert store.asked == []


async def test_requests_of_a_lease_are_spread() -> None:
    """All that wait are asked for at once, and sent a tenth of a second apart."""
    store = FakeLeases(granting(3))
    limit, clock = limit_of(store)
    times: list[float] = []

    async def one() -> None:
        await send(limit)
        times.append(round(clock.now - 100, 3))

    await asyncio.gather(one(), one(), one())
    assert store.asked == [(3, 300, 100)]
    assert times == [0.0, 0.1, 0.2]


async def test_what_a_response_counts_is_settled_with_the_next_lease() -> None:
    """The tokens beyond the estimate, and what was left; then the estimate is right."""
    store = FakeLeases(granting(4, tokens=1000), granting(1))
    limit, clock = limit_of(store)
    await send(limit, tokens=150)
    clock.now += 1
    await send(limit, tokens=150)
    assert store.settled[0] == Settled()
    assert store.settled[1] == Settled(left=((7, 3, 900),), more_tokens=50)
    assert store.asked[1][2] == 150


async def test_probes_count_and_a_request_that_was_not_sent_does_not() -> None:
    """The one was never leased, the other is given back; a failed one stays used."""
    store = FakeLeases(granting(3), granting(1))
    limit, clock = limit_of(store)
    with limit.unleased():
        count_answer(["probe"], b'{"usage": {"prompt_tokens": 2}}')
    async with limit.permit(TEXTS, until=1e18, check=nothing, until_stop=plainly):
        pass
    async with limit.permit(TEXTS, until=1e18, check=nothing, until_stop=plainly) as permit:
        with permit.sending():
            count_failure()
    clock.now += 1
    await send(limit)
    assert (store.settled[0].more_requests, store.settled[0].more_tokens) == (1, 2)
    assert [requests for _, requests, _ in store.settled[1].left] == [2]


async def test_what_is_not_used_is_given_back_to_the_slot_of_its_lease() -> None:
    """Also when its response comes after another lease."""
    leases = (replace(granting(1, tokens=100), slot=slot) for slot in (7, 8, 9))
    store = FakeLeases(*leases)
    limit, clock = limit_of(store)
    answered = asyncio.Event()

    async def send_slowly() -> None:
        async with limit.permit(TEXTS, until=1e18, check=nothing, until_stop=plainly) as permit:
            with permit.sending():
                await answered.wait()
                count_answer(TEXTS, b'{"usage": {"prompt_tokens": 70}}')

    first = asyncio.create_task(send_slowly())
    await eventually_async(lambda: store.asked)
    clock.now += 1
    await send(limit)
    answered.set()
    await first
    clock.now += 1
    await send(limit)
    assert [one.left for one in store.settled] == [(), (), ((7, 0, 30),)]


async def test_a_batch_larger_than_the_limit_is_divided() -> None:
    """No lease would ever cover it."""
    store = FakeLeases(granting(1, most=150), granting(0, most=150))
    limit, clock = limit_of(store)
    await send(limit)
    clock.now += 1
    with pytest.raises(BatchOverLimit) as caught:
        await send(limit, TEXTS * 3)
    assert caught.value.limit == 1


async def test_who_waits_checks_each_second_and_not_for_ever() -> None:
    """A source may be paused meanwhile; past the deadline the job is requeued."""
    limit, clock = limit_of(FakeLeases())

    async def paused() -> None:
        raise PausedMeanwhile("Source 'docs' was paused.")

    with pytest.raises(PausedMeanwhile):
        await send(limit, check=paused)
    assert 101 <= clock.now < 103
    with pytest.raises(OutageTooLong):
        await send(limit, until=time.monotonic())
    assert limit.waiting == 0


async def test_while_postgres_is_away_the_lease_in_hand_is_used() -> None:
    """Then requests wait; what was used is added later, what was left is not given back."""
    lost = psycopg.OperationalError("gone")
    store = FakeLeases(granting(1), lost, lost, granting(1))
    limit, clock = limit_of(store)
    with limit.unleased():
        count_answer(["probe"], b"")
    await send(limit)
    with limit.unleased():
        count_answer(["probe"], b"")
    clock.now += 1
    await send(limit)
    assert [one.more_requests for one in store.settled] == [1, 1, 1, 1]
    assert not any(requests for one in store.settled for _, requests, _ in one.left)


async def test_a_limit_that_is_removed_lets_requests_pass() -> None:
    """As soon as a lease shows it."""
    store = FakeLeases(None)
    limit, _ = limit_of(store)
    await asyncio.gather(send(limit), send(limit))
    assert len(store.asked) == 1


async def test_a_refusal_blocks_and_many_in_a_row_are_an_outage() -> None:
    """As long as the server states; those of the same moment count once."""
    store = FakeLeases(granting(2))
    limit, clock = limit_of(store)
    refusal = EmbedderThrottled("429", http_status=429, retry_after_s=3.0)
    assert await limit.refused(refusal) is False
    await send(limit)
    assert [await limit.refused(refusal) for _ in range(3)] == [True] * 3
    assert store.blocked == [3.0]
    for _ in range(REFUSALS_BEFORE_OUTAGE - 1):
        clock.now += 5
        assert await limit.refused(refusal) is True
    clock.now += 5
    assert await limit.refused(refusal) is False


async def test_a_stated_limit_is_recorded_once_and_its_count_passed_on() -> None:
    """Then leases are asked for; a count of more than a second ago is not passed on."""
    store = FakeLeases(granting(1), granting(1), granting(1))
    store.known = frozenset()
    limits = RateLimits(store)
    clock = FakeClock()
    limit = RateLimit(store, limits, server="s", model="m", clock=clock, sleep=clock.sleep)
    await send(limit)
    headers = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "40"}
    for _ in range(3):
        limit.saw(headers)
    await eventually_async(lambda: store.reported)
    await send(limit)
    assert store.reported == [(60, None)]
    assert store.settled[0].seen_requests == 20
    clock.now += 20
    await send(limit)
    assert store.settled[1].seen_requests is None


async def test_the_process_settles_at_its_end() -> None:
    """What was left is given back, if Postgres answers."""
    store = FakeLeases(granting(4))
    limits = RateLimits(store)
    limit = limits.of("s", "m")
    await send(limit)
    await limits.aclose()
    assert store.asked[-1] == (0, 0, 0)
    assert [requests for _, requests, _ in store.settled[-1].left] == [3]
