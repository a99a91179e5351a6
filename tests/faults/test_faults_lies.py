"""Invalid success answers: none is stored, and the source is not half-done."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest

from tests.faults.final_counts import check_final_counts, failed, prepare, recovery_s
from tests.faults.report import Report
from tests.support.chunks import counts, pause_reason
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn
from tests.support.standin.faults import Garbage
from tests.support.workers import KEY, drain, settings_of, working
from wikiembed.errors import SourcePaused

# `drip` is a timeout; the dialect can reorder `shuffled`.
LIES: list[Garbage] = [lie for lie in get_args(Garbage) if lie not in {"drip", "shuffled"}]
PAUSING: dict[str, str] = {"wrong_dimension": "5 dimensions instead of 4", "redirect": "redirects"}


@pytest.mark.parametrize("lie", LIES)
async def test_invalid_answers_to_all_are_waited_for_or_pause(
    docs_table: Database, standin: StandIn, report: Report, lie: Garbage
) -> None:
    """It starts in mid-run and ends: nothing false is stored, no failures, all is embedded."""
    prepare(docs_table, 200, batch_size=10)
    standin.controls.latency_s = 0.05
    settings = settings_of(docs_table, standin.url)
    async with working(settings, drain=True) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded > 0)
        standin.controls.garbage = lie
        if lie in PAUSING:
            with pytest.raises(SourcePaused, match=PAUSING[lie]):
                await asyncio.wait_for(worker.run, 30)
        else:
            await asyncio.sleep(0.5)
            assert not worker.run.done()
        docs_table.check_invariants()
        assert (failed(docs_table), counts(docs_table).embedded < 200) == ({}, True)
        standin.controls.garbage = None
        if lie not in PAUSING:
            seconds = await recovery_s(docs_table, worker)
            await asyncio.wait_for(worker.run, 60)
    if lie in PAUSING:
        docs_table.execute("select wikiembed.resume('docs')")
        async with working(settings, drain=True) as worker:
            seconds = await recovery_s(docs_table, worker)
            await asyncio.wait_for(worker.run, 60)
    check_final_counts(
        docs_table, report, f"lie to all: {lie}", stats=standin.stats, seconds=seconds
    )
    assert (counts(docs_table), failed(docs_table)) == ((200, 0, 0, 0), {})


@pytest.mark.parametrize("lie", LIES)
async def test_invalid_answers_to_all_but_the_probe_fail_each_chunk(
    docs_table: Database, standin: StandIn, report: Report, lie: Garbage
) -> None:
    """Each chunk gets a failure with class and message; a retry embeds it later."""
    prepare(docs_table, 2)
    standin.controls.spare_probe, standin.controls.garbage = True, lie
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (0, 2, 2, 0)
    words = {"cut_connection": "no_answer", "redirect": "refused"}
    assert {word for word, _, _ in failed(docs_table).values()} == {words.get(lie, "bad_answer")}
    assert pause_reason(docs_table) is None
    docs_table.check_invariants()
    standin.controls.garbage = None
    docs_table.execute("select wikiembed.retry_failures('docs')")
    await drain(settings_of(docs_table, standin.url))
    check_final_counts(
        docs_table, report, "any of these lies, to all but the probe", stats=standin.stats
    )
    assert counts(docs_table) == (2, 0, 0, 0)


async def test_worker_started_among_invalid_answers_probes_after_the_resume(
    docs_table: Database, standin: StandIn
) -> None:
    """It learned 5 dimensions at its start; once the model is correct, a resume is enough."""
    prepare(docs_table, 20, batch_size=10)
    standin.controls.garbage = "wrong_dimension"
    async with working(settings_of(docs_table, standin.url), concurrency=1) as worker:
        await worker.wait_for(lambda: pause_reason(docs_table))
        standin.controls.garbage = None
        docs_table.execute("select wikiembed.resume('docs')")
        await worker.wait_for(lambda: counts(docs_table).embedded == 20 or pause_reason(docs_table))
        assert (counts(docs_table), pause_reason(docs_table)) == ((20, 0, 0, 0), None)
    docs_table.check_invariants()


async def test_shuffled_answers_are_sorted(docs_table: Database, standin: StandIn) -> None:
    """OpenAI's `index` is the text's position."""
    prepare(docs_table, 200)
    standin.controls.garbage = "shuffled"
    await drain(settings_of(docs_table, standin.url))
    assert (counts(docs_table), standin.stats.resent) == ((200, 0, 0, 0), 0)
    docs_table.check_invariants()


async def test_redirect_to_another_host_gets_neither_key_nor_text(
    docs_table: Database, standin: StandIn
) -> None:
    """The other server gets no request; the source pauses with the reason."""
    prepare(docs_table, 100)
    with StandIn(dialect="all", dimensions=DIMENSIONS) as other:
        standin.controls.garbage = "redirect"
        standin.controls.redirect_to = f"{other.url}/v1/embeddings"
        with pytest.raises(SourcePaused, match="redirects"):
            await drain(settings_of(docs_table, standin.url, api_key=KEY))
        assert (other.stats.requests, other.stats.turned_away) == (0, 0)
    assert KEY not in (pause_reason(docs_table) or "")
    assert (counts(docs_table), failed(docs_table)) == ((0, 100, 0, 0), {})
    docs_table.check_invariants()
