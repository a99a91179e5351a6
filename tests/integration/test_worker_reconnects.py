"""A worker rescues other workers' jobs and replaces its dead connections."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import settings_of, working
from wikiembed import __version__
from wikiembed.db.pool import Pool, open_pool
from wikiembed.errors import DatabaseUnreachable
from wikiembed.store.chunks import ChunkStore
from wikiembed.worker.session import Session

RESCUE = "select * from wikiembed.rescue_jobs()"
END_ALL = (
    "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity"
    " where datname = current_database() and application_name like 'wikiembed%'"
)


@pytest.fixture
def rescues(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every rescue called by the supervisor itself."""
    called: list[str] = []
    upkeep = ChunkStore.upkeep

    async def counted(self: ChunkStore, statement: str, *given: tuple[object, ...]) -> object:
        # The periodic task passes its parameters, of which this one
        # has none, too.
        if statement == RESCUE and not given:
            called.append(statement)
        return await upkeep(self, statement, *given)

    monkeypatch.setattr(ChunkStore, "upkeep", counted)
    return called


async def test_rescue_is_run_by_the_supervisor_periodically(
    docs_table: Database, standin: StandIn, rescues: list[str]
) -> None:
    """At its start and at its own intervals, not only each minute."""
    async with working(settings_of(docs_table, standin.url), rescue_every_s=0.1) as worker:
        await worker.wait_for(lambda: len(rescues) >= 3)


async def test_rescue_after_a_reconnect_leaves_others_jobs_for_a_round(
    docs_table: Database,
    standin: StandIn,
    rescues: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a loss all heartbeats are stale, though workers are about to write their batches."""
    run, lost = Session.run, [DatabaseUnreachable("Postgres is gone.")]

    async def run_after_a_loss(self: Session) -> None:
        if lost:
            raise lost.pop()
        await run(self)

    monkeypatch.setattr(Session, "run", run_after_a_loss)
    slots = "select max(cardinality(worker_ids)) from wikiembed.workers where alive"
    async with working(settings_of(docs_table, standin.url), rescue_every_s=1000) as worker:
        await worker.wait_for(lambda: docs_table.one(slots) == 2)
        assert (lost, rescues) == ([], [RESCUE])


async def test_reconnected_worker_is_the_same_process(
    docs_table: Database, standin: StandIn
) -> None:
    """Its registrations from before the loss are not another process, and it identifies itself."""
    output = (
        "select host, pid, version, model, max(cardinality(worker_ids)) over (), max(worker_id)"
        " over () from wikiembed.workers where alive"
    )
    me = (socket.gethostname(), os.getpid(), __version__, "openai standin-model")

    def slots(*, after: int = 0) -> list[tuple[Any, ...]]:
        rows = docs_table.rows(output)
        return rows if rows and rows[0][4] >= 2 and rows[0][5] > after else []

    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: slots() != [])
        (before,) = slots()
        await worker.app.close_connections()
        await worker.wait_for(lambda: len(slots(after=before[5])) == 1)
        (after,) = slots(after=before[5])
    assert (before[:4], after[:4]) == (me, me)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The results of the liveness checks of connections, in order."""
    answers: list[bool] = []
    check = Pool.check_connection

    async def noted(connection: object) -> None:
        answers.append(False)
        await check(connection)  # type: ignore[arg-type]
        answers[-1] = True

    monkeypatch.setattr(Pool, "check_connection", staticmethod(noted))
    return answers


async def test_pool_finds_one_dead_connection_and_replaces_all(
    docs_table: Database, asked: list[bool]
) -> None:
    """One failed check is enough: each further one would take twice as long."""
    pool = await open_pool(docs_table.url, size=4)
    try:
        async with pool.connection(), pool.connection(), pool.connection(), pool.connection():
            pass
        assert docs_table.one(END_ALL) == 4
        async with pool.connection() as connection:
            await connection.execute("select 1")
        assert asked.count(False) == 1
    finally:
        await pool.close()


async def test_connection_in_use_is_not_checked(
    docs_table: Database, asked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only an idle one is: a check before each statement costs a round trip."""
    pool = await open_pool(docs_table.url, size=1)
    try:
        for _ in range(5):
            async with pool.connection() as connection:
                await connection.execute("select 1")
        assert asked == []
        monkeypatch.setattr("wikiembed.db.pool.IDLE_S", 0.0)
        async with pool.connection() as connection:
            await connection.execute("select 1")
        assert asked == [True]
    finally:
        await pool.close()
