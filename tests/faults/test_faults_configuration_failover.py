"""A server that is temporarily read-only, under a running worker."""

from __future__ import annotations

import logging

import pytest

from tests.support.chunks import add_chunks, counts, jobs_by_status
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import settings_of, working


async def test_configuration_worker_waits_for_the_end_of_a_read_only_mode(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a failover to a standby: logged once, waited for, no loss, no failure."""
    caplog.set_level(logging.INFO, "wikiembed")
    mode = f"alter database {docs_table.name} set default_transaction_read_only = "
    async with working(settings_of(docs_table, standin.url)) as worker:
        add_chunks(docs_table, 1)
        await worker.wait_for(lambda: counts(docs_table).embedded == 1)
        # Otherwise the finish of its job may fail first, and the loss has another reason.
        await worker.wait_for(lambda: jobs_by_status(docs_table) == {})
        docs_table.execute(mode + "on")
        docs_table.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        add_chunks(docs_table, 2)
        await worker.wait_for(
            lambda: any("is read-only there" in str(vars(r)) for r in caplog.records)
        )
        docs_table.execute(mode + "off")
        await worker.wait_for(lambda: counts(docs_table) == (3, 0, 0, 0))
    docs_table.check_invariants()
