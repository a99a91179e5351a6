"""The adaptive limit: where it settles on simulated servers, and that it loses no slot."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.limit_simulation import (
    FOUR,
    GPU,
    LATENCY,
    REFUSING,
    SERIAL,
    Run,
    Slots,
    changing,
    drive,
    limits,
    simulate,
    watched,
)
from wikiembed.servers.adaptive_limit import AdaptiveLimit


def share(run: Run, least: int, most: int, *, from_s: float, to_s: float) -> float:
    """Share of the time in which the limit was from `least` to `most`."""
    shares = run.shares(from_s, to_s)
    return sum(part for limit, part in shares.items() if least <= limit <= most)


def driven(server: Slots, *, seconds: float, limit: dict[str, int], **how: Any) -> Run:
    """Run an adaptive limit with these options against that server."""

    async def main() -> Run:
        return await drive(*watched(**limit), server.serve, seconds=seconds, **how)

    return simulate(main())


def test_limit_for_a_serial_server_stays_low_without_idling_it() -> None:
    """More than two in flight gain nothing there, and one alone would leave it idle."""
    run, server = simulate(SERIAL.run())
    assert share(run, 2, 4, from_s=10, to_s=60) == pytest.approx(1)
    assert run.median(10, 60) == 2
    assert isinstance(server, Slots)
    assert 1 - server.idle_s / 60 >= 0.97


def test_limit_for_a_server_without_queueing_reaches_its_maximum_within_10_seconds() -> None:
    """Each further request adds as much throughput as the one before."""
    run, _ = simulate(LATENCY.run())
    assert next(at for at, limit in run.limits if limit == 32) <= 10
    assert share(run, 32, 32, from_s=10, to_s=60) >= 0.9
    assert max(limits(run)) == 32
    assert run.rate(10, 60) >= 0.95 * LATENCY.best


def test_limit_for_four_slots_settles_between_four_and_eight() -> None:
    """It probes three now and then, and returns."""
    run, _ = simulate(FOUR.run())
    assert share(run, 4, 8, from_s=10, to_s=60) >= 0.9
    assert share(run, 3, 8, from_s=10, to_s=60) == pytest.approx(1)
    assert run.rate(10, 60) >= 0.95 * FOUR.best


def test_limit_for_a_batching_server_settles_around_its_batch() -> None:
    """A batch of 8 takes as long as one of 1."""
    run, _ = simulate(GPU.run())
    assert share(run, 8, 12, from_s=10, to_s=60) >= 0.85
    assert share(run, 6, 13, from_s=10, to_s=60) == pytest.approx(1)
    assert run.rate(10, 60) >= 0.95 * GPU.best


def test_limit_for_a_refusing_server_seldom_exceeds_its_capacity() -> None:
    """After a refusal the next increase adds one, and waits longer each time."""
    run, server = simulate(REFUSING.run())
    assert isinstance(server, Slots)
    assert share(run, 5, 6, from_s=30, to_s=240) >= 0.9
    assert share(run, 7, 32, from_s=30, to_s=240) <= 0.01
    assert run.rate(30, 240) >= 0.9 * REFUSING.best
    settled = [at for at in server.refused_at if at >= 30]
    assert 1 <= len(settled) <= 20
    assert len(server.refused_at) <= 0.001 * server.answered


def test_limit_follows_a_changing_capacity_within_20_seconds() -> None:
    """From 4 slots to 16 and to 2, each for 60 seconds."""
    run = simulate(changing((4, 16, 2), each_s=60))
    for begins_s, slots, least, most in ((0, 4, 4, 8), (60, 16, 13, 24), (120, 2, 2, 4)):
        settled_s, ends_s = begins_s + 20, begins_s + 60
        assert share(run, least, most, from_s=settled_s, to_s=ends_s) >= 0.85
        assert run.rate(settled_s, ends_s) >= 0.95 * slots * 1280


NOISY: list[tuple[int, int, int]] = [(1, 2, 4), (4, 4, 8), (8, 6, 16), (1000, 22, 32)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("slots", "least", "most"), NOISY)
def test_limit_stays_off_both_bounds_despite_noise_and_uneven_sizes(
    slots: int, least: int, most: int, seed: int
) -> None:
    """Requests of 1 to 64 texts, with times off by 20 % either way."""
    dice = random.Random(seed)
    server = Slots(seconds=lambda n: 0.01 + 0.001 * n, slots=slots, noise=0.2, dice=dice)
    run = driven(server, seconds=40, limit={}, sizes=lambda: dice.randint(1, 64))
    assert share(run, least, most, from_s=20, to_s=40) >= 0.85
    assert least <= run.median(20, 40) <= most


@pytest.mark.parametrize("forming_s", [0.005, 0.02, 0.05])
def test_limit_ignores_the_time_before_begin(forming_s: float) -> None:
    """Up to half of a request's time may pass in a slot before it begins."""

    async def both() -> tuple[Run, Run]:
        never_queues = Slots(seconds=lambda n: 0.1, slots=1000)
        serial = Slots(seconds=lambda n: 0.1, slots=1)
        return await asyncio.gather(
            drive(*watched(), never_queues.serve, seconds=60, forming_s=forming_s),
            drive(*watched(), serial.serve, seconds=60, forming_s=forming_s),
        )

    fast, slow = simulate(both())
    assert fast.median(10, 60) == 32
    assert 2 <= slow.median(20, 60) <= 4
    assert slow.rate(20, 60) >= 0.97 * 640


LITTLE: list[tuple[int, int, float, float]] = [
    (2, 2, 0, 0),
    (4, 2, 0, 0),
    (4, 8, 0.4, 0),
    (8, 8, 1.0, 0),
    (4, 48, 0, 0.5),
]


@pytest.mark.parametrize(("start", "clients", "pause_s", "forming_s"), LITTLE)
def test_limit_does_not_change_for_a_client_with_little_to_send(
    start: int, clients: int, pause_s: float, forming_s: float
) -> None:
    """Few clients, long pauses, or slots occupied for long before a request is sent."""
    server = Slots(seconds=lambda n: 0.05, slots=1000)
    run = driven(
        server,
        seconds=60,
        limit={"start": start},
        clients=clients,
        pause_s=lambda: pause_s,
        forming_s=forming_s,
    )
    assert share(run, start, start, from_s=0, to_s=60) >= 0.9
    assert share(run, start, start + 1, from_s=0, to_s=60) == pytest.approx(1)


def test_fixed_limit_never_changes() -> None:
    """The operator's number stays, whatever the server refuses."""
    server = Slots(seconds=lambda n: 0.05, slots=1000, refuse_beyond=6)
    run = driven(server, seconds=30, limit={"fixed": 7})
    assert server.refused_at
    assert limits(run) == [7]


@pytest.mark.parametrize("later_s", [0.0, 0.013, 5.3, 30.0])
def test_two_processes_share_a_server_without_outbidding_each_other(later_s: float) -> None:
    """Eight slots: neither gets less than a third, and together they do not flood it."""

    async def both() -> tuple[Run, Run]:
        server = Slots(seconds=lambda n: 0.05, slots=8, noise=0.1)

        async def second() -> Run:
            limit, run = watched()
            await asyncio.sleep(later_s)
            return await drive(limit, run, server.serve, seconds=160 - later_s)

        return await asyncio.gather(drive(*watched(), server.serve, seconds=160), second())

    runs = simulate(both())
    rates = [run.rate(60, 160) for run in runs]
    assert min(rates) >= sum(rates) / 3
    assert sum(rates) >= 0.95 * 8 * 1280
    for run in runs:
        assert share(run, 1, 13, from_s=60, to_s=160) >= 0.9
        assert run.median(60, 160) <= 9


@pytest.mark.parametrize("call", [AdaptiveLimit.throttled, AdaptiveLimit.timed_out])
def test_refusal_lowers_the_limit_once_per_round_trip(
    call: Callable[[AdaptiveLimit], None],
) -> None:
    """Ten requests refused together count as one refusal."""

    async def main() -> list[int]:
        limit, run = watched(start=10)
        assert isinstance(limit, AdaptiveLimit)
        for _ in range(10):
            call(limit)
        await asyncio.sleep(1.1)
        call(limit)
        return limits(run)

    assert simulate(main()) == [10, 7, 5]


def test_refusals_lower_the_limit_to_one_and_not_further() -> None:
    """With one slot requests still pass, and the limit rises again once they do."""

    async def main() -> tuple[int, Run]:
        limit, run = watched()
        for _ in range(10):
            limit.throttled()
            await asyncio.sleep(2)
        lowest = limit.limit
        server = Slots(seconds=lambda n: 0.1, slots=1000)
        await drive(limit, run, server.serve, seconds=300)
        return lowest, run

    lowest, run = simulate(main())
    assert lowest == 1
    assert run.median(200, 320) == 32
