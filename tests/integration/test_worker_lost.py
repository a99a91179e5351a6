"""Jobs whose fetch or finish was lost with its connection, and what a drain excludes."""

from __future__ import annotations

import pytest

from tests.support.chunks import add_chunks, clear_jobs, counts, jobs_by_status
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, refuse_to_finish, settings_of, working
from wikiembed.backoff import Backoff
from wikiembed.worker.binding import job_manager


async def test_lost_fetch_of_a_live_worker_is_released(
    docs_table: Database, standin: StandIn
) -> None:
    """A fetch committed without an answer leaves a job doing: two checks find it."""
    settings = settings_of(docs_table, standin.url)
    async with working(settings, rescue_every_s=0.3) as worker:
        await worker.wait_for(
            lambda: docs_table.one("select max(cardinality(worker_ids)) = 2 from wikiembed.workers")
        )
        docs_table.execute("select wikiembed.pause('docs')")
        add_chunks(docs_table, 3)
        with docs_table.connect(autocommit=False) as connection:
            connection.execute("set local session_replication_role = replica")
            connection.execute(
                "update wikiembed_queue.procrastinate_jobs set status = 'doing',"
                " worker_id = (select worker_ids[1] from wikiembed.workers)"
                " where task_name = 'wikiembed.embed'"
            )
            connection.commit()
        docs_table.execute("select wikiembed.resume()")
        await worker.wait_for(lambda: counts(docs_table).embedded == 3)
    assert jobs_by_status(docs_table) == {}
    docs_table.check_invariants()


async def test_drain_does_what_was_queued_and_no_more(
    docs_table: Database, standin: StandIn
) -> None:
    """Only lasting workers run the periodic reconcile, which would queue the rest."""
    add_chunks(docs_table, 50)
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs', 20, 5)")
    standin.controls.latency_s = 0.3
    await drain(settings_of(docs_table, standin.url), concurrency=1)
    assert counts(docs_table) == (20, 30, 0, 0)


@pytest.mark.parametrize("code", ["P0001", "XX000", "57014"], ids=["raised", "internal", "cancel"])
async def test_lost_finish_of_a_live_worker_is_released(
    docs_table: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """However it fails, even beyond the retries: not doing forever, no text embedded again."""
    monkeypatch.setattr(job_manager, "BACKOFF", Backoff(first_s=0.01, longest_s=0.01))
    refuse_to_finish(docs_table, code)
    async with working(settings_of(docs_table, standin.url), rescue_every_s=0.3) as worker:
        add_chunks(docs_table, 3)
        await worker.wait_for(lambda: counts(docs_table).embedded == 3)
        await worker.wait_for(lambda: docs_table.one("select last_value from public.refused") >= 2)
        assert jobs_by_status(docs_table).total() == 1
        docs_table.execute("drop trigger refuse on wikiembed_queue.procrastinate_jobs")
        await worker.wait_for(lambda: jobs_by_status(docs_table) == {})
    assert standin.stats.repeated == 0
    docs_table.check_invariants()
