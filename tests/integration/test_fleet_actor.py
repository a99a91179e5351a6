"""What an actor runs, without Ray: a worker for each database that the fleet names."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from tests.support.chunks import add_chunks, counts, make_source
from tests.support.database import Database, create_database
from tests.support.eventually import eventually_async
from tests.support.refused import no_database
from tests.support.server import TestServer
from tests.support.standin import StandIn
from tests.support.workers import drain, environment_of, settings_of
from wikiembed.worker import supervisor
from wikiembed.worker.fleet.actor import FleetWorker
from wikiembed.worker.fleet.order import Environment, Order

CHUNKS = 40


@pytest.fixture
def databases(postgres: TestServer, template: str) -> Iterator[tuple[Database, Database]]:
    """Two databases with so many chunks to embed in each."""
    with (
        create_database(postgres, template) as first,
        create_database(postgres, template) as second,
    ):
        for one in (first, second):
            make_source(one, batch_size=4)
            add_chunks(one, CHUNKS)
        yield first, second


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    """What an actor does to its process is undone."""
    root, ours = logging.getLogger(), logging.getLogger("wikiembed")
    kept = (list(root.handlers), root.level, ours.level)
    yield
    root.handlers[:], level, our_level = kept
    root.setLevel(level)
    ours.setLevel(our_level)


def actor_for(
    databases: tuple[Database, Database],
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    *,
    second: str | None = None,
    **changed: object,
) -> FleetWorker:
    """An actor for both; `second` instead of the second one's URL, empty: for the first alone."""
    given = environment_of(settings_of(databases[0], standin.url, **changed))
    values = {name: value for name, value in given.items() if name.startswith("WIKIEMBED_")}
    values["WIKIEMBED_DATABASE_URL"] = (
        f"{databases[0].url} {databases[1].url if second is None else second}"
    )
    for name, value in values.items():
        monkeypatch.setenv(name, value)  # so that it is unset after the test
    order = Order(environment=Environment(values), concurrency=2, poll_s=0.2)
    return FleetWorker(order, node="n1", actor="a1")


def embedded(database: Database) -> bool:
    return counts(database).embedded == CHUNKS


async def test_actor_works_on_both_and_reports_the_sum(
    databases: tuple[Database, Database], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It registers with both as one process, on one node, and a stop ends both."""
    actor = actor_for(databases, standin, monkeypatch)
    run = asyncio.create_task(actor.run())
    await eventually_async(lambda: run.done() or all(embedded(one) for one in databases))
    rows = [
        one.rows("select distinct process_id, node, actor from wikiembed.worker_processes")
        for one in databases
    ]
    assert rows[0] == rows[1]
    assert [row[1:] for row in rows[0]] == [("n1", "a1")]
    await actor.stop()
    ended = await asyncio.wait_for(run, 20)
    assert (ended.exit_code, ended.report is not None) == (0, True)
    assert ended.report is not None
    assert ended.report.chunks == 2 * CHUNKS
    assert ended.report.jobs >= 2 * CHUNKS // 4  # and some of the upkeep
    for one in databases:
        one.check_invariants()
        assert one.one("select count(*) from wikiembed.workers where alive") == 0


async def test_actor_polls_as_often_as_its_order_says(
    databases: tuple[Database, Database], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that become due notify no worker: an ordinary worker's poll would not find them here."""
    monkeypatch.setattr(supervisor, "POLL_S", 3600.0)
    actor = actor_for(databases, standin, monkeypatch)
    run = asyncio.create_task(actor.run())
    await eventually_async(lambda: run.done() or all(embedded(one) for one in databases))
    for one in databases:  # in one transaction: the notification comes before they are due
        one.execute(
            "update public.docs set body = body || ' again';"
            " update wikiembed_queue.procrastinate_jobs"
            " set scheduled_at = now() + interval '2 s' where task_name = 'wikiembed.embed'"
        )
        assert not embedded(one)
    await eventually_async(lambda: run.done() or all(embedded(one) for one in databases))
    await actor.stop()
    assert (await asyncio.wait_for(run, 20)).exit_code == 0


async def test_actor_says_which_database_is_away(
    databases: tuple[Database, Database], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And works on the other one."""
    away = no_database()
    actor = actor_for(databases, standin, monkeypatch, second=away)
    run = asyncio.create_task(actor.run())
    await eventually_async(lambda: run.done() or embedded(databases[0]))
    report = await actor.report()
    first, second = report.trouble_of(0), report.trouble_of(1)
    assert (first.seconds, second.exit_code, second.seconds > 0) == (0.0, 3, True)
    assert "Postgres is out of reach" in (second.reason or "")
    await actor.abort()
    assert (await asyncio.wait_for(run, 20)).exit_code == 0


async def test_actor_says_which_database_is_pinned_to_another_model(
    databases: tuple[Database, Database], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between two tries, in which it is connected and has not failed yet."""
    await drain(settings_of(databases[1], standin.url, model="another"))
    add_chunks(databases[1], CHUNKS, begin=CHUNKS)
    actor = actor_for(databases, standin, monkeypatch)
    run = asyncio.create_task(actor.run())
    await eventually_async(lambda: run.done() or embedded(databases[0]))
    await eventually_async(lambda: actor._workers and actor._workers.troubles[1].exit_code)
    for _ in range(20):
        await asyncio.sleep(0.1)
        assert (await actor.report()).trouble_of(1).exit_code == 2
    await actor.stop()
    assert (await asyncio.wait_for(run, 20)).exit_code == 0


async def test_actor_that_is_stopped_before_it_runs_ends_at_once(
    databases: tuple[Database, Database], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray may deliver the stop first; the jobs wait on. Also with one database."""
    for second in (None, ""):
        actor = actor_for(databases, standin, monkeypatch, second=second)
        await actor.stop()
        assert (await asyncio.wait_for(actor.run(), 20)).exit_code == 0
        assert counts(databases[0]).embedded == 0


async def test_outage_is_reported_of_the_database_with_jobs(
    databases: tuple[Database, Database], standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is away from both, but only one has asked it."""
    databases[1].execute("select wikiembed.pause(null, 'a test')")
    away = actor_for(databases, standin, monkeypatch, embedder_url="http://127.0.0.1:1/v1")
    run = asyncio.create_task(away.run())
    await eventually_async(lambda: away._workers and away._workers.troubles[0].seconds)
    first, second = (await away.report()).troubles
    assert (first.exit_code, first.seconds > 0, second.seconds) == (None, True, 0.0)
    await away.stop()
    assert (await asyncio.wait_for(run, 20)).exit_code == 0
