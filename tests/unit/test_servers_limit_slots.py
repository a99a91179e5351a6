"""Slots for requests: who gets one, when it is freed, and what of it is measured."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.limit_simulation import (
    Run,
    Slots,
    drive,
    limits,
    now,
    simulate,
    watched,
)
from wikiembed.servers.adaptive_limit import AdaptiveLimit
from wikiembed.servers.concurrency_limit import FixedLimit


async def turns(n: int = 5) -> None:
    """Let all other tasks run until they wait."""
    for _ in range(n):
        await asyncio.sleep(0)


def test_slots_are_given_in_order_of_request() -> None:
    """One at a time, first come first served, latecomers included."""

    async def main() -> list[int]:
        limit, order = FixedLimit(1, clock=now), []

        async def one(i: int) -> None:
            async with limit.slot() as request:
                request.begin()
                order.append(i)
                await asyncio.sleep(1)
                request.passed(1)

        tasks = []
        for i in range(6):
            tasks.append(asyncio.create_task(one(i)))
            await asyncio.sleep(0.4)
        await asyncio.gather(*tasks)
        return order

    assert simulate(main()) == list(range(6))


def test_latecomer_does_not_overtake_a_waiter_that_just_got_its_slot() -> None:
    """Between release and resumption the slot is already taken."""

    async def main() -> list[str]:
        limit, order = FixedLimit(1, clock=now), []

        async def one(name: str) -> None:
            async with limit.slot():
                order.append(name)

        first = limit.slot()
        await first.__aenter__()
        waiter = asyncio.create_task(one("waiter"))
        await turns()
        await first.__aexit__(None, None, None)
        assert (limit.in_flight, limit.free) == (1, 0)
        await one("latecomer")
        await waiter
        return order

    assert simulate(main()) == ["waiter", "latecomer"]


@pytest.mark.parametrize("handed_out_first", [False, True])
def test_cancelled_waiter_leaks_no_slot(*, handed_out_first: bool) -> None:
    """Whether cancelled in the queue or just after it got its slot, the next one gets it."""

    async def main() -> None:
        limit = FixedLimit(1, clock=now)

        async def occupy() -> None:
            async with limit.slot():
                await asyncio.sleep(1)

        first = limit.slot()
        await first.__aenter__()
        cancelled, following = asyncio.create_task(occupy()), asyncio.create_task(occupy())
        await turns()
        if handed_out_first:
            await first.__aexit__(None, None, None)
            cancelled.cancel()
        else:
            cancelled.cancel()
            await first.__aexit__(None, None, None)
        await turns()
        assert cancelled.cancelled()
        assert limit.in_flight == 1
        await following
        assert (limit.in_flight, limit.free) == (0, 1)

    simulate(main())


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_exception_frees_the_slot(error: type[BaseException], *, begun: bool) -> None:
    """The error propagates to the caller, and the next one finds the slot free."""

    async def main() -> None:
        limit = AdaptiveLimit(start=2, clock=now)

        async def fail() -> None:
            async with limit.slot() as request:
                if begun:
                    request.begin()
                raise error

        for _ in range(5):
            with pytest.raises(error):
                await fail()
        assert (limit.in_flight, limit.free) == (0, 2)

    simulate(main())


def test_changed_limit_applies_to_waiters() -> None:
    """A higher limit gives slots to waiters immediately; above a lower one none are given."""

    async def main() -> None:
        limit, _ = watched(start=4)
        server = Slots(seconds=lambda n: 0.1, slots=1000)
        seen: list[tuple[int, int]] = []

        async def serve(texts: int) -> None:
            seen.append((limit.in_flight, limit.limit))
            await server.serve(texts)

        driving = asyncio.create_task(drive(limit, Run(limits=[]), serve, seconds=20))
        await asyncio.sleep(10.05)
        assert limit.in_flight == limit.limit >= 22
        limit.throttled()
        began = len(seen)
        assert limit.in_flight > limit.limit
        assert limit.free == 0
        await asyncio.sleep(0.2)
        assert all(in_flight <= limit for in_flight, limit in seen[began:])
        await driving
        assert limit.in_flight == 0

    simulate(main())


def test_waiter_gets_a_slot_of_a_raised_limit_though_none_is_freed() -> None:
    """A client that makes many requests in one slot does not block the others."""

    async def main() -> int:
        limit = AdaptiveLimit(start=4, clock=now)

        async def client() -> None:
            async with limit.slot() as request:
                while now() < 10:
                    request.begin()
                    await asyncio.sleep(0.1)
                    request.passed(64)

        clients = asyncio.gather(*(client() for _ in range(48)))
        await asyncio.sleep(9)
        in_flight = limit.in_flight
        await clients
        return in_flight

    assert simulate(main()) >= 22


@pytest.mark.parametrize(
    ("begins", "passes", "grows"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_only_requests_that_began_and_passed_are_measured(
    *, begins: bool, passes: bool, grows: bool
) -> None:
    """Failures are not throughput, and neither is a slot without an HTTP request."""

    async def main() -> list[int]:
        limit, run = watched()

        async def client() -> None:
            while now() < 10:
                async with limit.slot() as request:
                    if begins:
                        request.begin()
                    await asyncio.sleep(0.1)
                    if passes:
                        request.passed(64)

        await asyncio.gather(*(client() for _ in range(48)))
        return limits(run)

    assert (max(simulate(main())) > 4) == grows


def test_second_request_in_one_slot_is_measured_from_its_own_begin() -> None:
    """A failed try does not count into the time of the next one, and the slot stays one."""

    async def main() -> None:
        limit = AdaptiveLimit(clock=now)
        async with limit.slot() as request:
            request.begin()
            await asyncio.sleep(5)
            request.begin()
            await asyncio.sleep(1)
            request.passed(8)
            request.passed(8)
            assert limit.in_flight == 1
        assert (limit.in_flight, limit._begun) == (0, 0)
        # 1 s at first, then a quarter of the way to the measured time: still 1 s, not 1.25 or 2 s.
        assert limit._round_trip_s == pytest.approx(1)

    simulate(main())
