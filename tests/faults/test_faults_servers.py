"""Each column of the table of servers: what fails a text, is waited for, or pauses."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.columns import BAD, regex_of, run_with_bad, server_of, settings_for
from tests.faults.final_counts import check_final_counts, failed, prepare, recovery_s
from tests.faults.report import Report
from tests.support.chunks import add_chunks, counts, failures, pause_reason
from tests.support.database import Database
from tests.support.standin import BadText, Canned
from tests.support.standin.profiles import GATEWAYS, OPENAI, OPENAI_TOKENS, PROFILES, TEI, Profile
from tests.support.workers import KEY, drain, prove, working
from wikiembed.errors import SourcePaused

EACH = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: str(profile.name))
LARGEST = [*(p for p in PROFILES if p.batch_too_large is not None), OPENAI_TOKENS]


@EACH
async def test_text_that_crashes_its_request_fails_alone(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """Three texts with the server's crash status (or hang), and an outage between."""
    crash = profile.crash
    if crash is None:
        bad = BadText(regex=regex_of(BAD), effect="hang")
        expected: tuple[str, int | None, int] = ("timeout", None, 3)
    else:
        bad = BadText(regex=regex_of(BAD), status=crash.status, body=crash.body)
        expected = ("rejected", crash.status, 3)
    found = await run_with_bad(docs_table, report, profile, bad, "the server's crash status")
    assert found == dict.fromkeys(BAD, expected)


@EACH
async def test_row_of_nan_fails_alone(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """Null, zeros, NaN or an error, depending on the server: never stored."""
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
        check_final_counts(docs_table, report, "a text that gives NaN", stats=server.stats)
    assert failed(docs_table) == {"body 7": expected}
    assert counts(docs_table) == (39, 1, 1, 0)


@EACH
async def test_long_text_is_text_too_long_and_an_empty_one_is_never_sent(
    docs_table: Database, profile: Profile
) -> None:
    """One request reports that it is too long; a server that truncates silently embeds it."""
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
async def test_batch_beyond_the_limit_causes_no_failures(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """It is halved or split at the stated limit, and the limit is remembered."""
    prepare(docs_table, 120)
    with server_of(profile, max_batch=profile.max_batch) as server:
        await drain(settings_for(docs_table, server, profile), concurrency=1)
        check_final_counts(docs_table, report, "a batch too large", stats=server.stats)
        assert profile.batch_too_large is not None
        assert 1 <= server.stats.statuses[profile.batch_too_large.status] <= 2
    assert (counts(docs_table), failed(docs_table)) == ((120, 0, 0, 0), {})


@EACH
async def test_overload_and_loading_are_waited_for(
    docs_table: Database, report: Report, profile: Profile
) -> None:
    """The server first loads its model and then is overloaded: no failures."""
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
            seconds = await recovery_s(docs_table, worker)
            await asyncio.wait_for(worker.run, 60)
        fault = "loading, then overload"
        check_final_counts(docs_table, report, fault, stats=server.stats, seconds=seconds)
    assert (counts(docs_table), failed(docs_table)) == ((120, 0, 0, 0), {})
    assert pause_reason(docs_table) is None


@pytest.mark.parametrize("profile", [*PROFILES, *GATEWAYS], ids=lambda profile: str(profile.name))
@pytest.mark.parametrize("wrong", ["model", "key"])
async def test_wrong_model_or_key_pauses_the_source_if_refused(
    docs_table: Database, profile: Profile, wrong: str
) -> None:
    """No failures; a server that ignores the model embeds."""
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


async def test_batch_beyond_the_permits_is_split(docs_table: Database, report: Report) -> None:
    """TEI always answers 429 to more texts than it has permits: no failures."""
    prepare(docs_table, 120)
    with server_of(TEI, permits=12, max_batch=32) as server:
        await drain(settings_for(docs_table, server, TEI), concurrency=1)
        assert 1 <= server.stats.statuses[429] <= 8
        check_final_counts(
            docs_table, report, "more texts than TEI has permits", stats=server.stats
        )
    assert (counts(docs_table), failed(docs_table)) == ((120, 0, 0, 0), {})
    assert pause_reason(docs_table) is None


async def test_exhausted_quota_pauses_the_source(docs_table: Database) -> None:
    """OpenAI's 429 for an exhausted quota is not throttling: waiting would not help."""
    add_chunks(docs_table, 10)
    with (
        server_of(OPENAI, status_for_all=OPENAI.quota) as server,
        pytest.raises(SourcePaused, match="quota"),
    ):
        await drain(settings_for(docs_table, server, OPENAI))
    assert failures(docs_table) == []
