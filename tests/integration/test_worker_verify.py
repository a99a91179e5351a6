"""Each day a worker embeds a few chunks again, and records whether the model is still the same."""

from __future__ import annotations

import logging

import pytest

from tests.support.chunks import add_chunks, clear_jobs, counts
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import Working, drain, settings_of, working
from wikiembed.config import Settings
from wikiembed.worker.tasks import verify as task

CHECKS = "select source, model, sample, outcome from wikiembed.model_checks order by at"
JOBS = (
    "select count(*) from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.verify'"
)


@pytest.fixture(autouse=True)
def _no_other_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker defers what was due within the last ten minutes: here it is due on leap days."""
    monkeypatch.setattr(task, "CRON", "0 0 29 2 *")


async def check(worker: Working, database: Database, args: str = '{"timestamp": 0}') -> None:
    """Run the task once, to its end."""
    database.execute(
        "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args)"
        " values ('wikiembed_upkeep', 'wikiembed.verify', %s)",
        [args],
    )
    database.execute("select pg_notify('wikiembed_queue', '')")
    await worker.wait_for(lambda: database.one(JOBS) == 0)


async def embedded(database: Database, standin: StandIn, **changed: object) -> Settings:
    """Settings of a worker that has embedded twenty chunks."""
    settings = settings_of(database, standin.url, verify_chunks=3, **changed)
    add_chunks(database, 20)
    await drain(settings)
    assert counts(database).embedded == 20
    standin.reset_stats()
    return settings


async def test_check_is_recorded_once_a_day(docs_table: Database, standin: StandIn) -> None:
    """By three chunks in one request, and the probe; the next hour's job does nothing."""
    settings = await embedded(docs_table, standin)
    async with working(settings, poll_s=0.1) as worker:
        await check(worker, docs_table)
        assert docs_table.rows(CHECKS) == [("docs", "standin-model", 3, "same")]
        assert (standin.stats.texts, standin.stats.probes) == (3, 1)
        await check(worker, docs_table)
        assert (standin.stats.texts, standin.stats.probes) == (3, 1)
        docs_table.execute("update wikiembed.model_checks set at = at - interval '1 day'")
        await check(worker, docs_table)
    assert len(docs_table.rows(CHECKS)) == 2
    docs_table.check_invariants()


async def test_another_model_under_the_name_is_reported(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """By event model_drift, with the distances, and in the table that doctor reads."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    settings = await embedded(docs_table, standin)
    standin.controls.salt = "another model"
    async with working(settings, poll_s=0.1) as worker:
        await check(worker, docs_table)
    assert docs_table.rows(CHECKS) == [("docs", "standin-model", 3, "different")]
    (record,) = [r for r in caplog.records if r.message == "model_drift"]
    fields = record.fields  # type: ignore[attr-defined]
    assert (fields["source"], fields["outcome"], fields["sample"]) == ("docs", "different", 3)
    assert 0.06 < fields["median_distance"] <= fields["max_distance"]


async def test_prefix_is_the_one_that_made_the_vectors(
    docs_table: Database, standin: StandIn
) -> None:
    """Not that of a worker which is set to another: it could not write either."""
    settings = await embedded(docs_table, standin, document_prefix="passage: ")
    other = Settings.model_validate(settings.model_dump() | {"document_prefix": "query: "})
    async with working(other, poll_s=0.1) as worker:
        await check(worker, docs_table)
    assert [row[3] for row in docs_table.rows(CHECKS)] == ["same"]


async def test_nothing_is_checked_where_it_must_not(docs_table: Database, standin: StandIn) -> None:
    """Switched off, paused, another model in this worker, an unknown argument, no vector."""
    settings = await embedded(docs_table, standin)
    off = settings.model_copy(update={"verify_chunks": 0})
    async with working(off, poll_s=0.1) as worker:
        await check(worker, docs_table)
    async with working(settings, poll_s=0.1) as worker:
        docs_table.execute("select wikiembed.pause('docs')")
        await check(worker, docs_table)
        docs_table.execute("select wikiembed.resume('docs')")
        await check(worker, docs_table, '{"timestamp": 0, "sources": 1}')
    other = settings.model_copy(update={"model": "another"})
    async with working(other, poll_s=0.1) as worker:
        await check(worker, docs_table)
    assert standin.stats.texts == 0
    async with working(settings, poll_s=0.1) as worker:
        docs_table.execute("alter table public.docs disable trigger user")
        docs_table.execute("update public.docs set vec = null")
        clear_jobs(docs_table)
        await check(worker, docs_table)
    assert standin.stats.texts == 0
    assert docs_table.rows(CHECKS) == []


async def test_server_that_does_not_answer_costs_no_outage(
    docs_table: Database,
    standin: StandIn,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it is down or hangs: the other upkeep goes on, and the next hour tries again."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    monkeypatch.setattr(task, "SOURCE_S", 0.5)
    settings = await embedded(docs_table, standin)
    async with working(settings, poll_s=0.1) as worker:
        standin.controls.down = True
        await check(worker, docs_table)
        standin.controls.update({"down": False, "latency_s": 60.0})
        await check(worker, docs_table)
        standin.controls.latency_s = 0.0
        assert docs_table.rows(CHECKS) == []
        await check(worker, docs_table)
    failed = [r.fields for r in caplog.records if r.message == "model_check_failed"]  # type: ignore[attr-defined]
    assert [one["source"] for one in failed] == ["docs", "docs"]
    assert failed[1]["error"] == "TimeoutError"
    assert docs_table.one("select count(*) from wikiembed.outages") == 0
    assert [row[3] for row in docs_table.rows(CHECKS)] == ["same"]


async def test_database_that_refuses_the_check_is_reported(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """And leaves no failed job."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    settings = await embedded(docs_table, standin)
    docs_table.execute("alter function wikiembed.due_model_checks(interval) rename to away")
    async with working(settings, poll_s=0.1) as worker:
        await check(worker, docs_table)
    (record,) = [r for r in caplog.records if r.message == "model_check_failed"]
    assert record.fields["error"] == "UndefinedFunction"  # type: ignore[attr-defined]
