"""Two servers of one model, one of them at fault: the other works on, and nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.final_counts import check_final_counts, failed, prepare
from tests.faults.report import Report
from tests.support.chunks import add_chunks, counts, pause_reason
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import BadText, Canned, StandIn
from tests.support.standin_process import StandInProcess
from tests.support.workers import KEY, drain, settings_of, working
from wikiembed.config import Settings
from wikiembed.errors import SourcePaused

LIMIT_S = 120.0
OUTAGES = "select server, ended_at is null, error_class, reason from wikiembed.outages order by id"


@pytest.fixture
def other() -> Iterator[StandIn]:
    """A second server of the same model."""
    with StandIn(dimensions=DIMENSIONS) as server:
        yield server


def both(database: Database, *servers: StandIn | StandInProcess, **more: object) -> Settings:
    """A worker's settings for these servers, in this order."""
    return settings_of(database, ", ".join(server.url for server in servers), **more)


def unpaused(database: Database) -> None:
    """Assert that all chunks have their vector, that none failed, and that nothing was paused."""
    assert (counts(database).missing, failed(database), pause_reason(database)) == (0, {}, None)


async def test_one_of_two_servers_killed_in_mid_run_and_back(
    docs_table: Database, report: Report
) -> None:
    """The other embeds meanwhile; the outage is recorded, and ends when the server is back."""
    prepare(docs_table, 600, batch_size=5)
    first, second = (
        StandInProcess(dimensions=DIMENSIONS, latency_s=0.05),
        StandInProcess(dimensions=DIMENSIONS, latency_s=0.05),
    )
    try:
        async with working(both(docs_table, first, second)) as worker:
            await worker.wait_for(lambda: first.stats()["texts"] > 50, LIMIT_S)
            first.kill()
            await worker.wait_for(lambda: counts(docs_table).missing == 0, LIMIT_S)
            await worker.wait_for(lambda: docs_table.rows(OUTAGES), LIMIT_S)
            assert [row[:2] for row in docs_table.rows(OUTAGES)] == [(first.url, True)]
            first.restart()
            await worker.wait_for(lambda: not docs_table.rows(OUTAGES)[0][1], LIMIT_S)
            add_chunks(docs_table, 300, begin=600)
            await worker.wait_for(lambda: counts(docs_table).missing == 0, LIMIT_S)
        assert first.stats()["texts"] > 0
        assert [row[:2] for row in docs_table.rows(OUTAGES)] == [(first.url, False)]
    finally:
        first.stop()
        second.stop()
    with StandIn() as nothing:
        check_final_counts(docs_table, report, "one of two servers is killed", stats=nothing.stats)
    unpaused(docs_table)


async def test_server_with_wrong_dimensions_is_left_out(
    docs_table: Database, standin: StandIn, other: StandIn, report: Report
) -> None:
    """Whichever is named first, the column says which one is right."""
    prepare(docs_table, 200, batch_size=10)
    standin.controls.dimensions = 2 * DIMENSIONS
    await drain(both(docs_table, standin, other))
    assert standin.stats.texts == 0
    check_final_counts(
        docs_table, report, "one of two servers: other dimensions", stats=other.stats
    )
    unpaused(docs_table)


@pytest.mark.parametrize("wrong", ["first", "second"])
async def test_server_with_vectors_of_another_model_is_left_out(
    docs_table: Database,
    standin: StandIn,
    other: StandIn,
    report: Report,
    caplog: pytest.LogCaptureFixture,
    wrong: str,
) -> None:
    """Stored vectors say which one is right; without any, the first that is named."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    prepare(docs_table, 100, batch_size=10)
    servers = [standin, other]
    if wrong == "first":
        await drain(settings_of(docs_table, other.url))
        servers = [other, standin]
        other.controls.salt, standin.controls.salt = "another model's", ""
    else:
        other.controls.salt = "another model's"
    liar = other
    before = liar.stats.texts
    add_chunks(docs_table, 200, begin=100)
    async with working(both(docs_table, *servers, verify_chunks=3)) as worker:
        await worker.wait_for(lambda: counts(docs_table).missing == 0, LIMIT_S)
        await worker.wait_for(lambda: docs_table.rows(OUTAGES), LIMIT_S)
    assert [row[:3] for row in docs_table.rows(OUTAGES)] == [(liar.url, True, "refused")]
    assert "another model's" in docs_table.rows(OUTAGES)[0][3]
    # The stored chunks that it was asked to embed again are not stored.
    assert liar.stats.texts - before <= (30 if wrong == "first" else 0)
    refused = [r for r in caplog.records if r.getMessage() == "server_refused"]
    assert len(refused) == 1
    check_final_counts(docs_table, report, "one of two servers: another model", stats=standin.stats)
    unpaused(docs_table)


async def test_rate_limited_server_waits_while_the_other_works(
    docs_table: Database, standin: StandIn, other: StandIn, report: Report
) -> None:
    """429 with a time to wait: it is asked again no sooner, and its batches go to the other."""
    prepare(docs_table, 300, batch_size=10)
    standin.controls.spare_probe = True
    standin.controls.status_for_all = Canned(status=429, headers={"retry-after": "60"})
    await drain(both(docs_table, standin, other))
    assert standin.stats.texts_embedded == 0
    assert standin.stats.statuses[429] <= 8, "those in flight at once, and no more"
    check_final_counts(docs_table, report, "one of two servers: 429", stats=other.stats)
    unpaused(docs_table)


async def test_wrong_key_at_one_server_does_not_pause_the_source(
    docs_table: Database, standin: StandIn, other: StandIn, report: Report
) -> None:
    """At both it does, and names them."""
    prepare(docs_table, 100, batch_size=10)
    standin.controls.api_key = "another"
    settings = both(docs_table, standin, other, api_key=KEY)
    await drain(settings)
    check_final_counts(docs_table, report, "one of two servers: wrong key", stats=other.stats)
    unpaused(docs_table)
    other.controls.api_key = "another"
    add_chunks(docs_table, 10, begin=100)
    with pytest.raises(SourcePaused, match=f"{standin.url}.*API key.*{other.url}.*API key"):
        await drain(settings)
    assert counts(docs_table).missing == 10


async def test_text_that_crashes_both_servers_fails_alone(
    docs_table: Database, standin: StandIn, other: StandIn, report: Report
) -> None:
    """Each server that gets it goes down for a moment; all other chunks are embedded."""
    prepare(docs_table, 200, batch_size=20)
    for server in (standin, other):
        server.controls.bad_texts = [BadText(regex="^body 64$", effect="crash")]
        server.controls.crash_s = 0.2
        server.controls.latency_s = 0.01
    await drain(both(docs_table, standin, other))
    check_final_counts(docs_table, report, "a text that crashes both servers", stats=standin.stats)
    assert list(failed(docs_table)) == ["body 64"]
    assert counts(docs_table) == (199, 1, 1, 0)


async def test_worker_reports_which_server_is_out(
    docs_table: Database, standin: StandIn, other: StandIn
) -> None:
    """With its heartbeat, and in wikiembed.outages; the drain is none the wiser."""
    prepare(docs_table, 40, batch_size=1)
    other.controls.down = True
    async with working(both(docs_table, standin, other)) as worker:
        await worker.wait_for(lambda: counts(docs_table).missing == 0 and docs_table.rows(OUTAGES))
        worker_id = docs_table.one("select max(worker_id) from wikiembed.worker_processes")
        await worker.app.job_manager.update_heartbeat(worker_id)
        requests = docs_table.one("select requests from wikiembed.workers")
        other.controls.down = False
        await worker.wait_for(lambda: not docs_table.rows(OUTAGES)[0][1], LIMIT_S)
    out = {one["server"]: one["out"] for one in requests}
    assert out[standin.url] is None
    assert "cannot be reached" in out[other.url] or "broke off" in out[other.url]
