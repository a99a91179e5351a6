"""Shared by the tests of servers: the stand-in as one column of the table, and bad texts."""

from __future__ import annotations

import asyncio

from tests.faults.final_counts import check_final_counts, failed, prepare, recovery_s
from tests.faults.report import Report
from tests.support.chunks import counts
from tests.support.database import DIMENSIONS, Database
from tests.support.long_form import LONG
from tests.support.standin import BadText, StandIn
from tests.support.standin.profiles import Profile
from tests.support.workers import settings_of, working
from wikiembed.config import Settings

CHUNKS = 600 if LONG else 120
BAD = ("body 3", "body 64", "body 119")
TIMEOUT_S = 0.5


def server_of(profile: Profile, **controls: object) -> StandIn:
    """The stand-in as this server; only its refusals reveal its batch limit."""
    server = StandIn(
        dialect=profile.dialect, dimensions=DIMENSIONS, profile=profile, knows_info=False
    )
    server.controls.update(controls)
    return server


def settings_for(database: Database, server: StandIn, profile: Profile, **more: object) -> Settings:
    """A worker's settings for this server."""
    return settings_of(database, server.url, embedder=profile.dialect, **more)


def regex_of(texts: tuple[str, ...]) -> str:
    """A pattern that matches exactly these texts."""
    return f"^({'|'.join(texts)})$"


async def run_with_bad(
    database: Database,
    report: Report,
    profile: Profile,
    bad: BadText,
    effect: str,
    *,
    texts: tuple[str, ...] = BAD,
    **controls: object,
) -> dict[str, tuple[str, int | None, int]]:
    """Embed all chunks, `texts` of them bad, with an outage in mid-run."""
    prepare(database, CHUNKS, batch_size=20)
    with server_of(profile, bad_texts=[bad], latency_s=0.02, **controls) as server:
        settings = settings_for(database, server, profile, request_timeout_s=TIMEOUT_S)
        async with working(settings, drain=True) as worker:
            await worker.wait_for(lambda: counts(database).embedded > 0)
            server.controls.down = True
            await asyncio.sleep(0.7)
            server.controls.down = False
            seconds = await recovery_s(database, worker)
            await asyncio.wait_for(worker.run, 240)
        fault = f"bad texts: {effect}"
        check_final_counts(
            database, report, fault, stats=server.stats, tried=len(texts), seconds=seconds
        )
    assert counts(database) == (CHUNKS - len(texts), len(texts), len(texts), 0)
    return failed(database)
