"""Stop, pause, resume, notification and upkeep of a running worker."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest

from tests.support.chunks import add_chunks, counts, jobs_by_status
from tests.support.cli import launch
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import environment_of, prove, settings_of, working
from wikiembed.errors import SourcePaused

BOTH_WORK = "select max(cardinality(worker_ids)) = 2 from wikiembed.workers"


async def test_stop_lets_batches_in_flight_finish(docs_table: Database, standin: StandIn) -> None:
    """After one signal four batches in flight are written, no other starts, none is left doing."""
    prove(docs_table)
    standin.controls.latency_s = 0.7
    add_chunks(docs_table, 1000)
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: standin.stats.max_concurrent == 4)
        await worker.stop()
    assert counts(docs_table).embedded == 256
    assert jobs_by_status(docs_table) == {"todo": 12}
    docs_table.check_invariants()


async def test_stop_by_a_second_signal_releases_the_batches_in_flight(
    docs_table: Database, standin: StandIn
) -> None:
    """A cancelled job ends as todo, never as failed or aborted."""
    standin.controls.latency_s = 60
    add_chunks(docs_table, 300)
    # The request outlasts the graceful stop: only the second signal cancels it.
    settings = settings_of(docs_table, standin.url, request_timeout_s=60.0)
    async with working(settings) as worker:
        await worker.wait_for(lambda: standin.stats.concurrent >= 1)
        worker.send_signal()
        await asyncio.sleep(0.2)
        await worker.stop()
    assert (counts(docs_table).embedded, jobs_by_status(docs_table)) == (0, {"todo": 5})
    docs_table.check_invariants()


async def test_stop_during_an_outage_releases_the_jobs(
    docs_table: Database, standin: StandIn
) -> None:
    """The stop does not wait for an unreachable server."""
    standin.controls.down = True
    add_chunks(docs_table, 1000)
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 4)
        await asyncio.sleep(0.5)
        await worker.stop()
    assert jobs_by_status(docs_table) == {"todo": 16}
    docs_table.check_invariants()


async def test_pause_gate_stops_the_fetch_and_drain_names_who(
    docs_table: Database, standin: StandIn
) -> None:
    """Batches in flight finish, no other starts; the drain reports role and reason."""
    prove(docs_table)
    standin.controls.latency_s = 0.3
    add_chunks(docs_table, 1000)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded > 0)
        docs_table.execute("select wikiembed.pause('docs', 'the index is rebuilt')")
        who = docs_table.one("select session_user")
        named = rf"paused by {re.escape(who)} .*the index is rebuilt"
        with pytest.raises(SourcePaused, match=named):
            await asyncio.wait_for(worker.run, 20)
    embedded = counts(docs_table).embedded
    assert 0 < embedded < 1000
    assert list(jobs_by_status(docs_table)) == ["todo"]
    docs_table.check_invariants()


async def test_pause_gate_resume_notifies_a_running_worker(
    docs_table: Database, standin: StandIn
) -> None:
    """With a poll of 60 s, paused jobs start at once after resume."""
    docs_table.execute("select wikiembed.pause('docs', 'not yet')")
    add_chunks(docs_table, 100)
    async with working(settings_of(docs_table, standin.url), poll_s=60) as worker:
        await asyncio.sleep(1)
        assert (standin.stats.texts, jobs_by_status(docs_table)) == (0, {"todo": 2})
        docs_table.execute("select wikiembed.resume('docs')")
        await worker.wait_for(lambda: counts(docs_table).embedded == 100, within_s=20)


async def test_notify_of_an_insert_reaches_an_idle_worker(
    docs_table: Database, standin: StandIn
) -> None:
    """With a poll of 60 s, single inserts and a burst of them are embedded without a poll."""
    async with working(settings_of(docs_table, standin.url), poll_s=60) as worker:
        await asyncio.sleep(0.5)
        for _ in range(3):
            add_chunks(docs_table, 1)
            await worker.wait_for(lambda: counts(docs_table).missing == 0, within_s=20)
            await asyncio.sleep(0.15)
        for _ in range(50):
            add_chunks(docs_table, 1)
        await worker.wait_for(lambda: counts(docs_table).embedded == 53, within_s=20)
    docs_table.check_invariants()


async def test_truncate_is_reconciled_by_the_upkeep(docs_table: Database, standin: StandIn) -> None:
    """The reconcile queued by a truncate runs in the worker's own slot, and counts are exact."""
    add_chunks(docs_table, 100)
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded == 100)
        docs_table.execute("truncate public.docs")
        add_chunks(docs_table, 5)
        left = "select count(*) from wikiembed_queue.procrastinate_jobs where status <> 'failed'"
        await worker.wait_for(lambda: docs_table.one(left) == 0)
        await worker.wait_for(lambda: counts(docs_table) == (5, 0, 0, 0))
    failed = "select count(*) from wikiembed_queue.procrastinate_jobs where status = 'failed'"
    assert docs_table.one(failed) == 0
    docs_table.check_invariants()


async def test_upkeep_is_registered_and_runs(docs_table: Database, standin: StandIn) -> None:
    """Rescue, fold, expiry and reconcile are periodic; an expired pause is cleared."""
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: docs_table.one(BOTH_WORK))
        periodic = {
            (task.task.name, task.cron)
            for task in worker.app.periodic_registry.periodic_tasks.values()
        }
        assert periodic == {
            ("wikiembed.rescue", "* * * * *"),
            ("wikiembed.fold_ledger", "* * * * *"),
            ("wikiembed.expire_pauses", "* * * * *"),
            ("wikiembed.reconcile", "*/10 * * * *"),
            ("wikiembed.reconcile", "17 3 * * *"),
            ("wikiembed.verify", "41 * * * *"),
        }
        docs_table.execute(
            "update wikiembed.sources set paused_at = now(), paused_by = 'me',"
            " resume_at = now() - interval '1 s'"
        )
        # Without the queueing lock, which the periodic one may hold at this moment.
        docs_table.execute(
            "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args)"
            """ values ('wikiembed_upkeep', 'wikiembed.expire_pauses', '{"timestamp": 0}')"""
        )
        tidied = "select count(*) from wikiembed.sources where paused_at is not null"
        await worker.wait_for(lambda: docs_table.one(tidied) == 0)


async def test_upkeep_that_fails_leaves_no_failed_job(
    docs_table: Database, standin: StandIn
) -> None:
    """The next periodic run follows anyway; the queue needs no cleanup."""
    docs_table.execute("alter function wikiembed.fold_ledger() rename to fold_ledger_away")
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: docs_table.one(BOTH_WORK))
        await (
            worker.app.tasks["wikiembed.fold_ledger"]
            .configure(queueing_lock="once more")
            .defer_async(timestamp=0)
        )
        left = (
            "select count(*) from wikiembed_queue.procrastinate_jobs"
            " where queueing_lock is not null and status in ('todo', 'doing')"
        )
        await worker.wait_for(lambda: docs_table.one(left) == 0)
    statuses = docs_table.rows("select status::text from wikiembed_queue.procrastinate_jobs")
    assert statuses == []


async def test_rescue_of_a_killed_workers_jobs(
    docs_table: Database, standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """kill -9 leaves four jobs doing; once rescued, another worker embeds them."""
    prove(docs_table)
    standin.controls.latency_s = 20
    add_chunks(docs_table, 300)
    settings = settings_of(docs_table, standin.url)
    command = [sys.executable, "-m", "wikiembed", "worker", "--drain", "--concurrency", "4"]
    folder = tmp_path_factory.mktemp("killed")
    running = launch(command, env=environment_of(settings), folder=folder)
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 4)
    running.process.kill()
    running.process.wait()
    standin.controls.latency_s = 0
    assert jobs_by_status(docs_table) == {"doing": 4, "todo": 1}
    docs_table.check_invariants()
    rescued = docs_table.rows("select rescued, split, lost from wikiembed.rescue_jobs(0.0)")
    assert rescued[0][0] >= 4
    assert jobs_by_status(docs_table) == {"todo": 5}
    async with working(settings, drain=True) as worker:
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (300, 0, 0, 0)
    docs_table.check_invariants()


@pytest.mark.parametrize("source", [None, "docs"])
async def test_drain_waits_for_the_jobs_of_a_queued_reconcile(
    docs_table: Database, standin: StandIn, source: str | None
) -> None:
    """As a truncate queues it: nothing else waits when the drain begins."""
    prove(docs_table)
    add_chunks(docs_table, 3)
    docs_table.execute("delete from wikiembed_queue.procrastinate_jobs")
    docs_table.execute("select wikiembed_private.queue_reconcile('docs')")
    assert docs_table.one("select wikiembed.reconciles_left()") == 1
    assert docs_table.one("select wikiembed.reconciles_left('docs')") == 1
    assert docs_table.one("select wikiembed.reconciles_left('other')") == 0
    # It cannot begin before the drain has looked for work.
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set scheduled_at = now() + interval '1 s'"
    )
    async with working(settings_of(docs_table, standin.url), drain=True, source=source) as worker:
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (3, 0, 0, 0)
    docs_table.check_invariants()


async def test_small_jobs_share_requests(docs_table: Database, standin: StandIn) -> None:
    """Two hundred statements of one row each: few requests for all texts, and every job ends."""
    prove(docs_table)
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: docs_table.one(BOTH_WORK))
        docs_table.execute("select wikiembed.pause('docs')")
        for n in range(200):
            docs_table.execute("insert into public.docs (body) values (%s)", [f"edit {n}"])
        docs_table.execute("select wikiembed.resume('docs')")
        await worker.wait_for(lambda: counts(docs_table) == (200, 0, 0, 0))
        await worker.wait_for(lambda: jobs_by_status(docs_table) == {})
    assert standin.stats.requests <= 12
    assert (standin.stats.distinct, standin.stats.repeated) == (200, 0)
    docs_table.check_invariants()


async def test_pause_during_an_outage_releases_fetched_batches(
    docs_table: Database, standin: StandIn
) -> None:
    """They waited for the server; after the outage they return to the queue without embedding."""
    prove(docs_table)
    standin.controls.down = True
    add_chunks(docs_table, 1000)
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 4)
        await asyncio.sleep(0.3)
        docs_table.execute("select wikiembed.pause('docs')")
        standin.controls.down = False
        await worker.wait_for(lambda: jobs_by_status(docs_table) == {"todo": 16})
        assert counts(docs_table).embedded == 0
        docs_table.execute("select wikiembed.resume('docs')")
        await worker.wait_for(lambda: counts(docs_table) == (1000, 0, 0, 0))
    docs_table.check_invariants()


async def test_pause_with_a_slow_server_starts_no_further_batch(
    docs_table: Database, standin: StandIn
) -> None:
    """Not even of fetched jobs: only the requests at the server complete."""
    prove(docs_table)
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 64 * 30)
    async with working(settings_of(docs_table, standin.url), concurrency=2) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded > 0)
        docs_table.execute("select wikiembed.pause('docs')")
        await asyncio.sleep(0.1)
        before = standin.stats.requests
        await worker.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 0)
        assert standin.stats.requests == before
        docs_table.execute("select wikiembed.resume('docs')")
    docs_table.check_invariants()


async def test_worker_counts_its_jobs_of_sources_and_no_upkeep(
    docs_table: Database, standin: StandIn
) -> None:
    """A worker that cannot embed does upkeep all the same, and has finished nothing."""
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: worker.app.runtime.opened)
        reconcile = worker.app.configure_task("wikiembed.reconcile", queue="wikiembed_upkeep")
        await reconcile.defer_async(source="docs", recount=False)
        jobs = "select count(*) from wikiembed_queue.procrastinate_jobs"
        await worker.wait_for(lambda: docs_table.one(f"{jobs} where status <> 'succeeded'") == 0)
        assert worker.app.job_manager.finished == 0
        add_chunks(docs_table, 1)
        await worker.wait_for(lambda: worker.app.job_manager.finished == 1)
