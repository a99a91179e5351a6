"""Each column of the table of servers: who is blamed, who is waited for, what stops the line."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.reckon import failed, prepare, reckon
from tests.faults.report import LONG, Report
from tests.harness.database import DIMENSIONS, Database
from tests.integration.workshop import (
    KEY,
    add_chunks,
    counts,
    drain,
    failures,
    pause_of,
    prove,
    settings_of,
    working,
)
from tests.standin import BadText, Canned, StandIn
from tests.standin.faults import Effect
from tests.standin.profiles import OPENAI, PROFILES, Profile
from wikiembed.config import Settings
from wikiembed.errors import SourcePaused

CHUNKS = 600 if LONG else 120
BAD = ("body 3", "body 64", "body 119")
TIMEOUT_S = 0.5
EACH = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: str(profile.name))
# The servers differ in their statuses; a reset or a hang looks the same of all.
CUT_OFF = [p for p in PROFILES if LONG or p.name == "vllm"]
LARGEST = [p for p in PROFILES if p.batch_too_large is not None]


def server_of(profile: Profile, **controls: object) -> StandIn:
    """The stand-in as this server; a smaller batch is learned by its refusals alone."""
    server = StandIn(
        dialect=profile.dialect, dimensions=DIMENSIONS, profile=profile, knows_info=False
    )
    server.controls.update(controls)
    return server


def settings_for(database: Database, server: StandIn, profile: Profile, **more: object) -> Settings:
    """A worker's settings for this server."""
    return settings_of(database, server.url, embedder=profile.dialect, **more)


def regex_of(texts: tuple[str, ...]) -> str:
    """Matches these texts and no other."""
    return f"^({'|'.join(texts)})$"


async def run_with_bad(
    database: Database, report: Report, profile: Profile, bad: BadText, effect: str
) -> dict[str, tuple[str, int | None, int]]:
    """Embed all with three bad texts among them, and the server gone for a while in mid-run."""
    prepare(database, CHUNKS, batch_size=20)
    with server_of(profile, bad_texts=[bad], latency_s=0.02) as server:
        settings = settings_for(database, server, profile, request_timeout_s=TIMEOUT_S)
        async with working(settings, drain=True) as worker:
            await worker.until(lambda: counts(database)[0] > 0)
            server.controls.down = True
            await asyncio.sleep(0.7)
            server.controls.down = False
            await asyncio.wait_for(worker.run, 120)
        reckon(database, report, f"{profile.name}: {effect}", stats=server.stats, tried=len(BAD))
    assert counts(database) == (CHUNKS - len(BAD), len(BAD), len(BAD), 0)
    return failed(database)


@EACH
async def test_text_that_crashes_its_request_is_blamed_and_no_other(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """Three texts of the crash status (or the hang) of this server, and an outage between."""
    crash = profile.crash
    if crash is None:
        bad = BadText(regex=regex_of(BAD), effect="hang")
        expected: tuple[str, int | None, int] = ("timeout", None, 3)
    else:
        bad = BadText(regex=regex_of(BAD), status=crash.status, body=crash.body)
        expected = ("rejected", crash.status, 3)
    found = await run_with_bad(docs_table, report, profile, bad, "crash")
    assert found == dict.fromkeys(BAD, expected)


@pytest.mark.parametrize(
    ("effect", "error_class"), [("reset", "no_answer"), ("hang", "timeout"), ("crash", "no_answer")]
)
@pytest.mark.parametrize("profile", CUT_OFF, ids=lambda profile: str(profile.name))
async def test_text_that_hangs_resets_or_kills_the_server_is_blamed_and_no_other(
    docs_table: Database, report: Report, profile: Profile, effect: Effect, error_class: str
) -> None:
    """The request never ends, or is cut off, or the whole process dies for half a second."""
    bad = BadText(regex=regex_of(BAD), effect=effect)
    found = await run_with_bad(docs_table, report, profile, bad, effect)
    assert found == dict.fromkeys(BAD, (error_class, None, 3))


@EACH
async def test_row_of_nan_is_blamed_alone(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """Null, zeros, NaN or an error, as this server has it: never stored."""
    prepare(docs_table, 40)
    nan = profile.nan
    if isinstance(nan, Canned):
        bad = BadText(regex="^body 7$", status=nan.status, body=nan.body)
        expected: tuple[str, int | None, int] = ("rejected", nan.status, 3)
    else:
        bad = BadText(regex="^body 7$", effect=nan)
        expected = ("bad_answer", None, 3)
    with server_of(profile, bad_texts=[bad]) as server:
        await drain(settings_for(docs_table, server, profile))
        reckon(docs_table, report, f"{profile.name}: NaN", stats=server.stats)
    assert failed(docs_table) == {"body 7": expected}
    assert counts(docs_table) == (39, 1, 1, 0)


@EACH
async def test_long_text_is_named_so_and_an_empty_one_is_never_sent(
    docs_table: Database, profile: Profile
) -> None:
    """One request says that it is too long; a server that cuts silently embeds it."""
    add_chunks(docs_table, 40)
    docs_table.execute("update public.docs set body = repeat('x', 51) where id = 7")
    docs_table.execute("update public.docs set body = '' where id = 8")
    with server_of(profile, max_chars=50, record=True) as server:
        await drain(settings_for(docs_table, server, profile))
        assert "" not in server.stats.recorded
    long = profile.text_too_long
    expected = [("x" * 51, "failed", "text_too_long", long.status)] if long is not None else []
    assert failures(docs_table) == [*expected, ("", "skipped", "empty_text", None)]
    assert counts(docs_table) == (39 - len(expected), len(expected), len(expected), 1)


@pytest.mark.parametrize("profile", LARGEST, ids=lambda profile: str(profile.name))
async def test_batch_beyond_the_limit_blames_nobody(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """It is halved or cut to the limit that is stated, and the limit is kept."""
    prepare(docs_table, 120)
    with server_of(profile, max_batch=profile.max_batch) as server:
        await drain(settings_for(docs_table, server, profile), concurrency=1)
        reckon(docs_table, report, f"{profile.name}: batch too large", stats=server.stats)
        refusals = sum(n for status, n in server.stats.statuses.items() if status in {413, 422})
        assert refusals <= 2
    assert (counts(docs_table), failed(docs_table)) == ((120, 0, 0, 0), {})


@EACH
async def test_overload_and_loading_are_waited_for(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """The server loads its model at first and is overloaded then: nobody is blamed."""
    prepare(docs_table, 120)
    with server_of(profile) as server:
        if profile.loading is not None:
            server.controls.status_for_all = profile.loading
        else:
            server.controls.down = True
        async with working(settings_for(docs_table, server, profile), drain=True) as worker:
            await asyncio.sleep(0.2)
            if profile.overload is not None:
                server.controls.fail_next = [profile.overload]
            server.controls.status_for_all, server.controls.down = None, False
            await asyncio.wait_for(worker.run, 60)
        reckon(docs_table, report, f"{profile.name}: loading, overload", stats=server.stats)
    assert (counts(docs_table), failed(docs_table)) == ((120, 0, 0, 0), {})
    assert pause_of(docs_table) is None


@EACH
@pytest.mark.parametrize("wrong", ["model", "key"])
async def test_wrong_model_or_key_pauses_the_source_where_the_server_minds(
    docs_table: Database, profile: Profile, wrong: str
) -> None:
    """Nobody is blamed; a server that ignores the model embeds."""
    prove(docs_table)
    add_chunks(docs_table, 10)
    minds = profile.unknown_model if wrong == "model" else profile.wrong_key
    with server_of(profile) as server:
        if wrong == "model":
            server.controls.known_models = ["another"]
        elif minds is not None:
            server.controls.api_key = "another"
        settings = settings_for(docs_table, server, profile, api_key=KEY)
        if minds is None:
            await drain(settings)
        else:
            with pytest.raises(SourcePaused, match="no such model" if wrong == "model" else "key"):
                await drain(settings)
    assert counts(docs_table) == ((10, 0, 0, 0) if minds is None else (0, 10, 0, 0))
    assert failures(docs_table) == []
    docs_table.check_invariants()


async def test_quota_used_up_pauses_the_source(docs_table: Database) -> None:
    """OpenAI's 429 of an empty account is no throttling: waiting would not help."""
    add_chunks(docs_table, 10)
    with (
        server_of(OPENAI, status_for_all=OPENAI.quota) as server,
        pytest.raises(SourcePaused, match="quota"),
    ):
        await drain(settings_for(docs_table, server, OPENAI))
    assert failures(docs_table) == []
