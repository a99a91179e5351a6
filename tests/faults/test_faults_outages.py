"""The server has an outage in mid-run, in every known way, and returns."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.faults.crew import Crew
from tests.faults.final_counts import check_final_counts, failed, prepare, recovery_s
from tests.faults.report import Report
from tests.support.chunks import counts
from tests.support.cli import wait_for
from tests.support.database import DIMENSIONS, Database
from tests.support.long_form import LONG
from tests.support.pipeline_fakes import Sleeper
from tests.support.standin import Canned, Controls
from tests.support.standin.server import Server
from tests.support.workers import settings_of, working
from wikiembed.errors import EmbedderUnavailable
from wikiembed.servers.circuit_breaker import BreakerTimes, CircuitBreaker

CHUNKS = 3000 if LONG else 300
AWAY_S = 10.0 if LONG else 1.5
LONGEST_AWAY_S = 60.0 if LONG else 2.5
IN_FLIGHT = 4
HTML = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


class Place:
    """A port with or without a listening server; controls and stats outlive the server."""

    def __init__(self) -> None:
        self.controls = Controls(dimensions=DIMENSIONS, latency_s=0.03)
        self.server = Server(controls=self.controls)

    async def close(self) -> None:
        await self.server.stop()

    async def reopen(self) -> None:
        stats, port = self.server.stats, int(self.server.url.rpartition(":")[2])
        self.server = Server(controls=self.controls)
        self.server.stats = stats
        await self.server.start(port=port)

    @property
    def seen(self) -> int:
        return self.server.stats.requests + self.server.stats.turned_away


@contextlib.asynccontextmanager
async def a_place() -> AsyncIterator[Place]:
    """A server in the test's event loop."""
    place = Place()
    await place.server.start()
    try:
        yield place
    finally:
        await place.close()


def canned(status: int, body: str = "", **headers: str) -> Canned:
    """An answer to all requests; header names with underscores."""
    return Canned(
        status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def in_a_second() -> str:
    """An HTTP date."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


STATUSES: dict[str, Callable[[], Canned]] = {
    "429 with seconds": lambda: canned(429, retry_after="1"),
    "429 with a date": lambda: canned(429, retry_after=in_a_second()),
    "408": lambda: canned(408),
    "500": lambda: canned(500, '{"error": "boom"}'),
    "502": lambda: canned(502, HTML),
    "503 with HTML": lambda: canned(503, HTML),
}


def most_probes(seconds: float) -> int:
    """The most probes of one worker in so many seconds: one per step of the shortest backoff."""
    waits = BreakerTimes()
    probes, step_s, left_s = 0, waits.first_s, seconds
    while left_s > 0:
        probes += 1
        left_s -= 0.6 * step_s
        step_s = min(2 * step_s, waits.longest_s)
    return probes


async def begin(place: Place, how: str) -> None:
    """Start the outage."""
    controls = place.controls
    match how:
        case "refused":
            await place.close()
        case "reset":
            controls.down = True
        case "reset in mid-answer":
            controls.garbage = "cut_connection"
        case "slow":
            controls.latency_s = 60.0
        case _:
            controls.status_for_all = STATUSES[how]()


async def end(place: Place, how: str) -> None:
    """End the outage."""
    place.controls.down, place.controls.garbage = False, None
    place.controls.latency_s, place.controls.status_for_all = 0.03, None
    if how == "refused":
        await place.reopen()


@pytest.mark.parametrize("how", ["refused", "reset", "reset in mid-answer", "slow", *STATUSES])
async def test_outage_in_mid_run_causes_no_failures_and_few_probes(
    docs_table: Database, report: Report, how: str
) -> None:
    """The requests in flight, one check, then one probe per step; finally each chunk once."""
    prepare(docs_table, CHUNKS, batch_size=10)
    away_s = LONGEST_AWAY_S if how == "refused" else AWAY_S
    async with a_place() as place:
        settings = settings_of(docs_table, place.server.url, request_timeout_s=1.0)
        async with working(settings, drain=True, concurrency=IN_FLIGHT) as worker:
            await worker.wait_for(lambda: counts(docs_table).embedded > 0)
            before, began = place.seen, time.monotonic()
            await begin(place, how)
            await asyncio.sleep(away_s)
            seen, seconds = place.seen - before, time.monotonic() - began
            assert counts(docs_table).embedded < CHUNKS
            assert failed(docs_table) == {}
            # A request in flight may have been answered and followed by one more.
            assert seen <= 2 * IN_FLIGHT + 1 + most_probes(seconds)
            await end(place, how)
            back_s = await recovery_s(docs_table, worker)
            await asyncio.wait_for(worker.run, 120)
        stats = place.server.stats
        fault = f"outage of {away_s:g} s: {how}"
        check_final_counts(docs_table, report, fault, stats=stats, seconds=back_s)
    assert (counts(docs_table), failed(docs_table)) == ((CHUNKS, 0, 0, 0), {})
    assert stats.distinct == CHUNKS
    if how in STATUSES:
        assert stats.texts_embedded == CHUNKS


def test_outage_is_probed_once_per_worker_and_step(crew: Crew, report: Report) -> None:
    """Three processes: each probes independently, and all continue."""
    crew.attach(batch_size=10)
    crew.standin.control(latency_s=0.5)
    crew.add(2 * CHUNKS)
    workers = [crew.worker(concurrency=IN_FLIGHT) for _ in range(3)]
    crew.wait_embedded(CHUNKS // 10, *workers)
    before, began = requests_so_far(crew), time.monotonic()
    crew.standin.control(down=True)
    time.sleep(LONGEST_AWAY_S)
    seen, seconds = requests_so_far(crew) - before, time.monotonic() - began
    assert seen <= len(workers) * (2 * IN_FLIGHT + 1 + most_probes(seconds))
    assert not any(worker.process.poll() for worker in workers)
    embedded, began = crew.embedded(), time.monotonic()
    assert embedded < 2 * CHUNKS
    crew.standin.control(down=False, latency_s=0.0)
    wait_for(lambda: crew.embedded() > embedded)
    seconds = time.monotonic() - began
    crew.drained(*workers)
    found = crew.final_counts()
    assert crew.database.one("select count(*) from wikiembed.failures") == 0
    report(
        f"outage of {LONGEST_AWAY_S:g} s: three workers",
        tried=1,
        chunks=found.chunks,
        lost=found.lost,
        stale=found.stale,
        repeated=found.repeated,
        seconds=seconds,
    )


def requests_so_far(crew: Crew) -> int:
    """The number of requests so far, resets included."""
    stats = crew.standin.stats()
    return int(stats["requests"]) + int(stats["turned_away"])


async def test_work_continues_within_the_longest_step_of_the_backoff() -> None:
    """Two probes of a long outage are at most 2.5 s apart, so work continues within 3 s."""
    sleeper, answers = Sleeper(), [EmbedderUnavailable("The server cannot be reached.")] * 50

    async def probe() -> None:
        if answers:
            raise answers.pop()

    breaker = CircuitBreaker(probe, server="fake", sleep=sleeper)
    breaker.open(answers[0])
    await breaker.wait()
    assert len(sleeper.waits) == 51
    assert max(sleeper.waits) <= 2.5
    assert min(sleeper.waits[-40:]) >= 1.5
