"""The level: where it settles on simulated servers, and that no place is lost. Virtual time."""

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
    levels,
    simulate,
    watched,
)
from wikiembed.servers.adaptive_limit import AdaptiveLimit


def share(run: Run, least: int, most: int, *, from_s: float, to_s: float) -> float:
    """Share of the time in which the level was from `least` to `most`."""
    shares = run.shares(from_s, to_s)
    return sum(part for limit, part in shares.items() if least <= limit <= most)


def driven(server: Slots, *, seconds: float, limit: dict[str, int], **how: Any) -> Run:
    """What a Level of these options does on that server."""

    async def main() -> Run:
        return await drive(*watched(**limit), server.serve, seconds=seconds, **how)

    return simulate(main())


def test_serial_server_settles_low_and_is_never_idle() -> None:
    """More than two in flight bring nothing there, and one alone would let it wait."""
    run, server = simulate(SERIAL.run())
    assert share(run, 2, 4, from_s=10, to_s=60) == pytest.approx(1)
    assert run.median(10, 60) == 2
    assert isinstance(server, Slots)
    assert 1 - server.idle_s / 60 >= 0.97


def test_server_that_never_queues_reaches_most_within_10_seconds() -> None:
    """Each request more brings as much as the one before."""
    run, _ = simulate(LATENCY.run())
    assert next(at for at, limit in run.levels if limit == 32) <= 10
    assert share(run, 32, 32, from_s=10, to_s=60) >= 0.9
    assert max(levels(run)) == 32
    assert run.rate(10, 60) >= 0.95 * LATENCY.best


def test_four_slots_settle_from_four_to_eight() -> None:
    """Down to three it looks, now and then, and comes back."""
    run, _ = simulate(FOUR.run())
    assert share(run, 4, 8, from_s=10, to_s=60) >= 0.9
    assert share(run, 3, 8, from_s=10, to_s=60) == pytest.approx(1)
    assert run.rate(10, 60) >= 0.95 * FOUR.best


def test_batching_server_settles_around_its_batch() -> None:
    """A batch of 8 takes as long as one of 1."""
    run, _ = simulate(GPU.run())
    assert share(run, 8, 12, from_s=10, to_s=60) >= 0.85
    assert share(run, 6, 13, from_s=10, to_s=60) == pytest.approx(1)
    assert run.rate(10, 60) >= 0.95 * GPU.best


def test_refusing_server_is_seldom_asked_for_too_much() -> None:
    """After a refusal the next try upward adds one, and waits longer each time."""
    run, server = simulate(REFUSING.run())
    assert isinstance(server, Slots)
    assert share(run, 5, 6, from_s=30, to_s=240) >= 0.9
    assert share(run, 7, 32, from_s=30, to_s=240) <= 0.01
    assert run.rate(30, 240) >= 0.9 * REFUSING.best
    settled = [at for at in server.refused_at if at >= 30]
    assert 1 <= len(settled) <= 20
    assert len(server.refused_at) <= 0.001 * server.answered


def test_changing_capacity_is_followed_within_20_seconds() -> None:
    """From 4 slots to 16 and to 2, each for 60 seconds."""
    run = simulate(changing((4, 16, 2), each_s=60))
    for begins_s, slots, least, most in ((0, 4, 4, 8), (60, 16, 13, 24), (120, 2, 2, 4)):
        settled_s, ends_s = begins_s + 20, begins_s + 60
        assert share(run, least, most, from_s=settled_s, to_s=ends_s) >= 0.85
        assert run.rate(settled_s, ends_s) >= 0.95 * slots * 1280


NOISY: list[tuple[int, int, int]] = [(1, 2, 4), (4, 4, 8), (8, 6, 16), (1000, 22, 32)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("slots", "least", "most"), NOISY)
def test_noise_and_uneven_sizes_drive_it_to_neither_end(
    slots: int, least: int, most: int, seed: int
) -> None:
    """Requests of 1 to 64 texts, and times off by 20 % either way."""
    dice = random.Random(seed)
    server = Slots(seconds=lambda n: 0.01 + 0.001 * n, slots=slots, noise=0.2, dice=dice)
    run = driven(server, seconds=40, limit={}, sizes=lambda: dice.randint(1, 64))
    assert share(run, least, most, from_s=20, to_s=40) >= 0.85
    assert least <= run.median(20, 40) <= most


@pytest.mark.parametrize("forming_s", [0.005, 0.02, 0.05])
def test_time_before_begin_is_not_the_servers(forming_s: float) -> None:
    """Up to half of a request's time may pass in a place before it begins."""

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
def test_client_with_little_to_send_leaves_it_as_it_is(
    start: int, clients: int, pause_s: float, forming_s: float
) -> None:
    """Few clients, long pauses, or places held for long before anything is sent."""
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


def test_fixed_never_changes() -> None:
    """The operator's number stays, whatever the server refuses."""
    server = Slots(seconds=lambda n: 0.05, slots=1000, refuse_beyond=6)
    run = driven(server, seconds=30, limit={"fixed": 7})
    assert server.refused_at
    assert levels(run) == [7]


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
def test_refusal_shrinks_at_once_but_once_a_round_trip(
    call: Callable[[AdaptiveLimit], None],
) -> None:
    """Ten requests refused together say one thing."""

    async def main() -> list[int]:
        limit, run = watched(start=10)
        assert isinstance(limit, AdaptiveLimit)
        for _ in range(10):
            call(limit)
        await asyncio.sleep(1.1)
        call(limit)
        return levels(run)

    assert simulate(main()) == [10, 7, 5]


def test_refusals_lead_to_one_and_never_to_none() -> None:
    """With one place something still gets through, and it climbs again once it may."""

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
