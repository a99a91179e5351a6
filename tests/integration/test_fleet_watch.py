"""What a fleet reads of several real databases, while one of them is away or hangs."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.chunks import add_chunks, jobs_by_status
from tests.support.database import Database, create_database
from tests.support.eventually import eventually_async
from tests.support.fleet_fakes import Ground, Said, ended, events_in, fleet_on
from tests.support.refused import no_database
from tests.support.server import TestServer
from wikiembed.errors import SchemaMismatch
from wikiembed.worker.fleet import fleet as fleet_module
from wikiembed.worker.fleet import queues
from wikiembed.worker.fleet.queue_watch import QueueWatch

JOBS = 80
WAITING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


@pytest.fixture
def databases(postgres: TestServer, docs_template: str) -> Iterator[tuple[Database, Database]]:
    """Two databases, in each of which so many jobs wait."""
    with (
        create_database(postgres, docs_template) as first,
        create_database(postgres, docs_template) as second,
    ):
        for one in (first, second):
            fill(one)
        yield first, second


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """The events of this test."""
    return events_in(caplog)


def fill(database: Database) -> None:
    """Queue `JOBS` jobs, of one chunk each."""
    database.execute("update wikiembed.sources set batch_size = 1")
    for number in range(JOBS):
        add_chunks(database, 1, begin=number)


async def test_demand_of_two_is_read_and_their_dead_workers_jobs_are_rescued(
    databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause of one leaves that of the other."""
    monkeypatch.setattr(fleet_module, "RESCUE_EVERY_S", 0.0)
    one, two = databases
    for each in databases:
        lose_a_worker(each)
    ground = Ground()
    fleet = fleet_on(ground, {d.name: QueueWatch(d.url) for d in databases}, most=16)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    await eventually_async(lambda: all("doing" not in jobs_by_status(d) for d in databases))
    two.execute("select wikiembed.pause(null, 'a test')")
    await eventually_async(lambda: len(ground.living) == 2)
    one.execute("select wikiembed.pause(null, 'a test')")
    await eventually_async(lambda: not ground.living)
    await ended(run, fleet)


async def test_closed_port_is_left_out_until_it_answers(
    databases: tuple[Database, Database], said: Said
) -> None:
    """The other one has its actors meanwhile; nothing is in reach at that port."""
    ground = Ground()
    away = QueueWatch(no_database())
    fleet = fleet_on(ground, {"one": QueueWatch(databases[0].url), "away": away}, most=16)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 2 and said("database_lost"))
    away._url = databases[1].url
    await eventually_async(lambda: len(ground.living) == 4)
    assert [one["database"] for one in said("database_lost")] == ["away"]
    assert [one["database"] for one in said("database_back")] == ["away"]
    await ended(run, fleet)


async def test_socket_that_never_answers_delays_no_tick(
    databases: tuple[Database, Database], said: Said
) -> None:
    """Within seconds there are actors, and none when its jobs are paused."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/none?connect_timeout=5"
        ground = Ground()
        watches = {"hangs": QueueWatch(url), "one": QueueWatch(databases[0].url)}
        fleet = fleet_on(ground, watches, most=16)
        run = asyncio.create_task(fleet.run())
        await eventually_async(lambda: len(ground.living) == 2)
        databases[0].execute("select wikiembed.pause(null, 'a test')")
        await eventually_async(lambda: not ground.living)
        assert said("database_lost") == [], "it was waited for until its connection timed out"
        await eventually_async(lambda: said("database_lost"))
        assert [one["database"] for one in said("database_lost")] == ["hangs"]
        began = time.monotonic()
        await ended(run, fleet)
        assert time.monotonic() - began < queues.CLOSED_WITHIN_S


async def test_statement_that_hangs_is_given_up_and_asked_again(
    databases: tuple[Database, Database], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are closed; the database is back as soon as it answers."""
    monkeypatch.setattr(queues, "ANSWER_S", 0.2)
    monkeypatch.setattr(queues, "GIVE_UP_S", 1.0)
    two = databases[1]
    ground = Ground()
    fleet = fleet_on(ground, {d.name: QueueWatch(d.url) for d in databases}, most=16)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    blocker = two.connect(autocommit=False)
    blocker.execute("lock table wikiembed_queue.procrastinate_jobs in access exclusive mode")
    await eventually_async(lambda: said("database_lost"))
    await eventually_async(lambda: len(ground.living) == 2)
    await eventually_async(lambda: two.one(WAITING) >= 2)  # the first one still waits in Postgres
    blocker.rollback()
    await eventually_async(lambda: len(ground.living) == 4)
    assert [e["database"] for e in said("database_lost")] == [two.name]
    assert [e["database"] for e in said("database_back")] == [two.name]
    await ended(run, fleet)


async def test_watch_refuses_another_schema(docs_table: Database) -> None:
    """Also of a database that was away at the start, and it keeps no connection of it."""
    docs_table.execute("update wikiembed.alembic_version set version_num = '0001'")
    watch = QueueWatch(docs_table.url)
    with pytest.raises(SchemaMismatch):
        await watch.read()
    assert watch._pool is None


def lose_a_worker(database: Database) -> None:
    """Begin a job as a worker that then dies, long ago."""
    worker_id = database.one(
        "insert into wikiembed_queue.procrastinate_workers (last_heartbeat)"
        " values (now() - interval '1 hour') returning id"
    )
    database.execute(
        "update wikiembed_queue.procrastinate_jobs set status = 'doing', worker_id = %s"
        " where id = (select min(id) from wikiembed_queue.procrastinate_jobs)",
        [worker_id],
    )
    assert jobs_by_status(database)["doing"] == 1
