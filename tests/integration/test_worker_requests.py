"""A worker reports with its heartbeats what it has in flight to each server."""

from __future__ import annotations

from tests.support.chunks import add, without_vector
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import settings_of, working

REQUESTS = "select requests from wikiembed.workers"
WRITTEN = "select requests_at from wikiembed.worker_processes order by worker_id"
REGISTERED = "select count(*) from wikiembed.worker_processes"


async def test_heartbeat_reports_what_has_changed(docs_table: Database, standin: StandIn) -> None:
    """View workers has it once per process; without a change nothing is written."""
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: docs_table.one(REGISTERED) == 2)
        add(docs_table, "one")
        await worker.wait_for(lambda: without_vector(docs_table) == 0)
        ids = [
            row[0] for row in docs_table.rows("select worker_id from wikiembed.worker_processes")
        ]
        for worker_id in ids:
            await worker.app.job_manager.update_heartbeat(worker_id)
        ((requests,),) = docs_table.rows(REQUESTS)
        (sent,) = requests
        assert sent["server"] == standin.url
        assert (sent["throttled"], sent["in_flight"] <= sent["limit"]) == (0, True)
        settled = {**sent, "in_flight": 0}
        worker.app.job_manager.requests = lambda: [settled]
        for worker_id in ids:
            await worker.app.job_manager.update_heartbeat(worker_id)
        written = docs_table.rows(WRITTEN)
        for worker_id in ids:
            await worker.app.job_manager.update_heartbeat(worker_id)
        assert docs_table.rows(WRITTEN) == written


async def test_heartbeat_survives_a_report_that_postgres_refuses(
    docs_table: Database, standin: StandIn
) -> None:
    """Only pages show it."""
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: docs_table.one(REGISTERED) == 2)
        docs_table.execute("alter function wikiembed.report_requests(bigint, jsonb) rename to away")
        worker.app.job_manager.requests = lambda: [{"server": "x"}]
        worker_id = docs_table.one("select max(worker_id) from wikiembed.worker_processes")
        before = "select last_heartbeat from wikiembed_queue.procrastinate_workers where id = %s"
        seen = docs_table.one(before, [worker_id])
        await worker.app.job_manager.update_heartbeat(worker_id)
        assert docs_table.one(before, [worker_id]) > seen
