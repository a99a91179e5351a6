"""Outages cause no failures; misconfigurations pause the source with the reason."""

from __future__ import annotations

import asyncio
import logging

import pytest
from psycopg import sql

from tests.support.chunks import add_chunks, counts, failures, jobs_by_status, pause_reason
from tests.support.database import Database
from tests.support.server import TestServer
from tests.support.standin import BadText, Canned, StandIn
from tests.support.workers import KEY, drain, prove, settings_of, working
from wikiembed.errors import ConfigurationError, EmbedderUnavailable, SourcePaused
from wikiembed.worker.new_app import new_app


async def test_outage_in_mid_run_causes_no_failures(docs_table: Database, standin: StandIn) -> None:
    """An outage of 2 s amid 600 chunks, one of them bad: only that one fails."""
    prove(docs_table)
    add_chunks(docs_table, 600)
    standin.controls.bad_texts = [BadText(contains="body 599")]
    standin.controls.latency_s = 0.05
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded > 0)
        standin.controls.down = True
        await asyncio.sleep(2)
        embedded = counts(docs_table).embedded
        assert embedded < 600
        assert failures(docs_table) == []
        standin.controls.down = False
        await asyncio.wait_for(worker.run, 30)
    assert counts(docs_table) == (599, 1, 1, 0)
    assert docs_table.rows("select error_class, attempts from wikiembed.failures") == [
        ("rejected", 3)
    ]
    docs_table.check_invariants()


@pytest.mark.parametrize("status", [429, 503, 500])
async def test_outage_of_a_server_that_refuses_all_is_waited_for(
    docs_table: Database, standin: StandIn, status: int
) -> None:
    """Whatever it answers, to probes too: no chunk fails, and all is embedded in the end."""
    add_chunks(docs_table, 100)
    refusal = Canned(status=status, headers={"retry-after": "1"} if status == 503 else {})
    standin.controls.fail_next = [refusal] * (2 if status == 503 else 4)
    await drain(settings_of(docs_table, standin.url))
    assert (counts(docs_table), failures(docs_table)) == ((100, 0, 0, 0), [])
    assert pause_reason(docs_table) is None
    docs_table.check_invariants()


async def test_drain_ends_after_the_outage_limit(docs_table: Database, standin: StandIn) -> None:
    """Exit 3, with every job back in the queue, no pause and no failure."""
    add_chunks(docs_table, 300)
    standin.controls.down = True
    with pytest.raises(EmbedderUnavailable, match="the jobs wait in the queue") as raised:
        await drain(settings_of(docs_table, standin.url, outage_limit_s=1.0), timeout_s=20)
    assert raised.value.exit_code == 3
    assert jobs_by_status(docs_table) == {"todo": 5}
    assert (pause_reason(docs_table), failures(docs_table)) == (None, [])
    docs_table.check_invariants()


async def test_drain_outage_continues_when_only_the_probe_passes(
    docs_table: Database, standin: StandIn
) -> None:
    """429 to all but the probe exceeds the limit as well."""
    add_chunks(docs_table, 4)
    standin.controls.spare_probe = True
    standin.controls.status_for_all = Canned(status=429)
    with pytest.raises(EmbedderUnavailable):
        await drain(settings_of(docs_table, standin.url, outage_limit_s=1.5), timeout_s=30)
    assert (jobs_by_status(docs_table), failures(docs_table)) == ({"todo": 1}, [])
    docs_table.check_invariants()


async def test_misconfiguration_wrong_key_pauses_the_source(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is in the pause, and once in action log and events, for any number of batches.

    The drain exits 1 naming it; jobs wait.
    """
    caplog.set_level(logging.WARNING, logger="wikiembed")
    standin.controls.latency_s = 0.2  # so that four batches are in flight
    add_chunks(docs_table, 300)
    await drain(settings_of(docs_table, standin.url, api_key=KEY, concurrency=4))
    docs_table.execute("update public.docs set vec = null")
    standin.controls.api_key = "another"
    with pytest.raises(SourcePaused, match="API key") as raised:
        await drain(settings_of(docs_table, standin.url, api_key=KEY, concurrency=4))
    assert raised.value.exit_code == 1
    paused = [record for record in caplog.records if record.getMessage() == "source_paused"]
    assert len(paused) == 1
    log = "select count(*) from wikiembed.action_log where action = 'pause'"
    assert docs_table.one(log) == 1
    assert "WIKIEMBED_API_KEY" in (pause_reason(docs_table) or "")
    assert KEY not in (pause_reason(docs_table) or "")
    assert jobs_by_status(docs_table) == {"todo": 5}
    assert failures(docs_table) == []
    docs_table.check_invariants()

    standin.controls.api_key = KEY
    docs_table.execute("select wikiembed.resume('docs')")
    await drain(settings_of(docs_table, standin.url, api_key=KEY))
    assert counts(docs_table) == (300, 0, 0, 0)


async def test_misconfiguration_unknown_model_pauses_the_source(
    docs_table: Database, standin: StandIn
) -> None:
    """404 from the server: no failures."""
    standin.controls.known_models = ["another"]
    add_chunks(docs_table, 10)
    with pytest.raises(SourcePaused, match="no such model"):
        await drain(settings_of(docs_table, standin.url))
    assert (jobs_by_status(docs_table), failures(docs_table)) == ({"todo": 1}, [])


async def test_misconfiguration_wrong_dimensions_pause_the_source(
    docs_table: Database, standin: StandIn
) -> None:
    """The column has 4 dimensions and the model 8: the reason names both."""
    standin.controls.dimensions = 8
    add_chunks(docs_table, 10)
    with pytest.raises(SourcePaused, match="holds 4 dimensions"):
        await drain(settings_of(docs_table, standin.url))
    assert (jobs_by_status(docs_table), failures(docs_table)) == ({"todo": 1}, [])


async def test_misconfiguration_model_swapped_in_mid_run_pauses_the_source(
    docs_table: Database, standin: StandIn
) -> None:
    """The server restarts with another model: its vectors are never stored."""
    prove(docs_table)
    standin.controls.latency_s = 0.1
    add_chunks(docs_table, 640)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded > 0)
        standin.controls.dimensions = 8
        with pytest.raises(SourcePaused, match="8 dimensions instead of 4"):
            await asyncio.wait_for(worker.run, 30)
    assert failures(docs_table) == []
    docs_table.check_invariants()


async def test_operators_own_pause_is_not_overwritten(
    docs_table: Database, standin: StandIn
) -> None:
    """A batch in flight that fails on a wrong key keeps the operator's name and reason."""
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 64)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: jobs_by_status(docs_table) == {"doing": 1})
        docs_table.execute("select wikiembed.pause('docs', 'maintenance')")
        standin.controls.status_for_all = Canned(status=401)
        with pytest.raises(SourcePaused, match="maintenance"):
            await asyncio.wait_for(worker.run, 30)
    assert pause_reason(docs_table) == "maintenance"


async def test_unusable_setting_ends_the_worker(docs_table: Database, standin: StandIn) -> None:
    """A key that cannot be sent: exit 2 with a sentence, instead of endless retries."""
    add_chunks(docs_table, 10)
    with pytest.raises(ConfigurationError, match="WIKIEMBED_API_KEY") as raised:
        await drain(settings_of(docs_table, standin.url, api_key="two\nlines"), timeout_s=20)
    assert raised.value.exit_code == 2
    assert (pause_reason(docs_table), failures(docs_table)) == (None, [])
    docs_table.check_invariants()


async def test_compare_and_set_has_no_transaction_open_during_http(
    docs_table: Database, standin: StandIn
) -> None:
    """With four requests in flight, no connection of the worker is in a transaction."""
    standin.controls.latency_s = 1.0
    add_chunks(docs_table, 256)
    async with working(settings_of(docs_table, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: standin.stats.max_concurrent == 4)
        assert standin.stats.concurrent == 4
        states = docs_table.rows(
            "select application_name, state, xact_start is not null from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            " and application_name like 'wikiembed%'"
        )
        assert standin.stats.concurrent == 4
        await asyncio.wait_for(worker.run, 30)
    assert {name for name, _, _ in states} >= {"wikiembed worker", "wikiembed queue"}
    assert {(state, open_) for _, state, open_ in states} == {("idle", False)}


OUTAGES = (
    "select server, error_class, http_status, times, ended_at is null from wikiembed.outages"
    " order by id"
)


async def test_outages_of_workers_share_a_row_and_end_with_either(
    docs_table: Database, standin: StandIn
) -> None:
    """Two workers in one outage: one row, which stays open until the server answers."""
    add_chunks(docs_table, 128)
    standin.controls.status_for_all = Canned(status=503)
    settings = settings_of(docs_table, standin.url)
    async with working(settings, concurrency=1) as one, working(settings, concurrency=1) as other:
        await one.wait_for(lambda: jobs_by_status(docs_table) == {"doing": 2})
        await other.wait_for(lambda: docs_table.rows(OUTAGES))
        await asyncio.sleep(1.5)  # for the second report
        assert docs_table.rows(OUTAGES) == [(standin.url, "no_answer", 503, 1, True)]
        standin.controls.status_for_all = None
        await one.wait_for(lambda: counts(docs_table).embedded == 128)
        await other.wait_for(lambda: not docs_table.rows(OUTAGES)[0][4])
        await other.stop()
    assert len(docs_table.rows(OUTAGES)) == 1
    docs_table.check_invariants()


async def test_outage_is_written_after_a_loss_of_postgres(
    postgres: TestServer, docs_table: Database, standin: StandIn
) -> None:
    """Jobs are not affected; Postgres gets the outage once it is back."""
    add_chunks(docs_table, 64)
    standin.controls.latency_s = 0.2
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded == 64)
        add_chunks(docs_table, 64, begin=64)
        await worker.wait_for(lambda: jobs_by_status(docs_table) == {"doing": 1})
        name = sql.Identifier(docs_table.name)
        with postgres.admin() as admin:
            admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                [docs_table.name],
            )
            standin.controls.down = True
            await asyncio.sleep(2)
            admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
        docs_table._own = None
        await worker.wait_for(lambda: docs_table.rows(OUTAGES))
        standin.controls.down = False
        await worker.wait_for(lambda: counts(docs_table).embedded == 128)
    assert [lasts for *_, lasts in docs_table.rows(OUTAGES)] == [False]
    assert failures(docs_table) == []
    docs_table.check_invariants()


async def test_outage_of_a_stopped_worker_stays_open(
    docs_table: Database, standin: StandIn
) -> None:
    """Its end is unknown; a stock worker that gets an answer ends it."""
    add_chunks(docs_table, 4)
    standin.controls.down = True
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: docs_table.rows(OUTAGES))
    assert docs_table.rows(OUTAGES) == [(standin.url, "no_answer", None, 1, True)]
    standin.controls.down = False
    app = new_app()
    app.runtime.use(settings_of(docs_table, standin.url))
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False)
    assert docs_table.rows(OUTAGES) == [(standin.url, "no_answer", None, 1, False)]
    assert counts(docs_table).embedded == 4
