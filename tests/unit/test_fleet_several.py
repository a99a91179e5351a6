"""A fleet on several databases: one that is away, hangs or is paused does not stop the others."""

from __future__ import annotations

import asyncio
import pickle
from decimal import Decimal

import psycopg
import pytest

from tests.support.eventually import eventually_async
from tests.support.fleet_fakes import (
    Ground,
    QueueInMemory,
    Said,
    ended,
    events_in,
    fleet_on,
    make_quick,
    source,
)
from wikiembed.backoff import Backoff
from wikiembed.errors import (
    DatabasesFailed,
    DatabaseUnreachable,
    EmbedderUnavailable,
    SchemaMismatch,
    SourcePaused,
    WrongUsage,
)
from wikiembed.store.coverage import Coverage
from wikiembed.worker.fleet import queues
from wikiembed.worker.several import Trouble

ONE, TWO = "one on db:5432", "two on db:5432"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits."""
    make_quick(monkeypatch)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """The events of this test."""
    return events_in(caplog)


COVERAGE = Coverage(
    "docs", 1, 0, 1, 0, 0, None, Decimal(0), None,
    paused=False, pause_reason=None, ready=False, held_back=0, unused=False,
)  # fmt: skip


async def failed_of(run: asyncio.Task[None]) -> DatabasesFailed:
    with pytest.raises(DatabasesFailed) as raised:
        await asyncio.wait_for(run, 10)
    return raised.value


async def test_demand_is_the_sum_and_a_paused_one_counts_nothing() -> None:
    """Of 80 and 120 jobs five actors; of 80 alone two; with all paused none, whatever `least`."""
    ground, other = Ground(), QueueInMemory(source(todo=120))
    ground.backlog_rows = [source(todo=80)]
    fleet = fleet_on(ground, {ONE: ground, TWO: other}, most=16, least=1)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 5)
    other.backlog_rows = [source(todo=120, paused=True)]
    await eventually_async(lambda: len(ground.living) == 2)
    ground.backlog_rows = [source(todo=80, paused=True)]
    await eventually_async(lambda: not ground.living)
    await ended(run, fleet)
    assert (ground.rescued > 0, other.rescued > 0) == (True, True)
    assert (ground.closed, other.closed) == (1, 1)


async def test_most_is_of_all_databases() -> None:
    """Not of each."""
    ground = Ground()
    fleet = fleet_on(ground, {ONE: ground, TWO: QueueInMemory(source(todo=4_000))}, most=6)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 6)
    await asyncio.sleep(0.1)
    assert len(ground.actors) == 6
    await ended(run, fleet)


async def test_one_away_is_left_out_and_named_once(said: Said) -> None:
    """The actors of the others remain; its end is reported as well."""
    ground, other = Ground(), QueueInMemory(source(todo=80))
    ground.backlog_rows = [source(todo=80)]
    other.error = psycopg.OperationalError("gone")
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 2 and said("database_lost"))
    await asyncio.sleep(0.1)
    assert [one["database"] for one in said("database_lost")] == [TWO]
    assert len(ground.living) == 2
    other.error = None
    await eventually_async(lambda: len(ground.living) == 4)
    assert [one["database"] for one in said("database_back")] == [TWO]
    await ended(run, fleet)


async def test_all_away_leaves_the_actors_alone(said: Said) -> None:
    """As with one database: they wait for it themselves."""
    ground, other = Ground(), QueueInMemory()
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    ground.error = other.error = psycopg.OperationalError("gone")
    await eventually_async(lambda: len(said("database_lost")) == 2)
    await asyncio.sleep(0.1)
    assert len(ground.living) == 4
    await ended(run, fleet)


async def test_one_that_hangs_delays_no_tick(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for once; then its connections are closed, and it is reported."""
    monkeypatch.setattr(queues, "ANSWER_S", 0.2)
    monkeypatch.setattr(queues, "GIVE_UP_S", 3.0)
    ground, other = Ground(), QueueInMemory()
    ground.backlog_rows = [source(todo=80)]
    other.silent = True
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 2)
    ground.backlog_rows = [source(todo=160)]
    await eventually_async(lambda: len(ground.living) == 4)
    assert (said("database_lost"), other.closed) == ([], 0)
    await eventually_async(lambda: said("database_lost"))
    await eventually_async(lambda: other.closed >= 1)
    assert [one["database"] for one in said("database_lost")] == [TWO]
    other.silent = False
    await other.aclose()
    await eventually_async(lambda: said("database_back"))
    await ended(run, fleet)


async def test_late_answer_counts_with_the_last_one(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow query is no loss: no actor ends for it."""
    monkeypatch.setattr(queues, "ANSWER_S", 0.05)
    ground, other = Ground(), QueueInMemory(source(todo=160))
    ground.backlog_rows = []
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    other.silent = True
    await asyncio.sleep(0.3)
    assert (len(ground.living), said("database_lost")) == (4, [])
    await ended(run, fleet)


async def test_another_schema_is_waited_for(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be migrated; the others work on."""
    monkeypatch.setattr(queues, "AGAIN", Backoff(first_s=0.0, longest_s=0.0))
    ground, other = Ground(), QueueInMemory(source(todo=80))
    ground.backlog_rows = [source(todo=80)]
    other.error = SchemaMismatch("The database has no wikiembed schema.")
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 2)
    other.error = None
    await eventually_async(lambda: len(ground.living) == 4)
    (lost,) = said("database_lost")
    assert lost == {"database": TWO, "reason": "The database has no wikiembed schema."}
    await ended(run, fleet)


async def test_one_that_no_actor_can_work_on_is_reported_once(said: Said) -> None:
    """The fleet's own log says what is otherwise in those of the actors only."""
    ground, other = Ground(), QueueInMemory(source(todo=80))
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    wrong = Trouble(seconds=3.0, reason="The model is another.", exit_code=2)
    for actor in ground.actors[:3]:
        actor.troubles = (Trouble(), wrong)
    await asyncio.sleep(0.1)
    assert said("database_left_out") == []
    ground.actors[3].troubles = (Trouble(), wrong)
    await eventually_async(lambda: said("database_left_out"))
    await asyncio.sleep(0.1)
    (left_out,) = said("database_left_out")
    assert left_out == {"database": TWO, "reason": "The model is another."}
    await ended(run, fleet)


async def test_outage_of_one_databases_servers_holds_back_no_other() -> None:
    """Only where the servers of all that have jobs are away more actors would not help."""
    ground, other = Ground(), QueueInMemory()
    ground.backlog_rows = [source(todo=40)]
    fleet = fleet_on(ground, {ONE: ground, TWO: other})
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 1)
    ground.actors[0].troubles = (Trouble(seconds=9.0, reason="refused"), Trouble())
    await asyncio.sleep(0.05)
    ground.backlog_rows = [source(todo=160)]
    await asyncio.sleep(0.1)
    assert len(ground.living) == 1
    other.backlog_rows = [source(todo=40)]
    await eventually_async(lambda: len(ground.living) == 4)
    await ended(run, fleet)


async def test_drain_ends_when_each_is_drained() -> None:
    """One that is drained first does not end it; the progress is that of all."""
    rows: list[tuple[int, float]] = []
    ground, other = Ground(), QueueInMemory(source(todo=1))
    ground.backlog_rows = [source(todo=1)]
    ground.coverage_rows = other.coverage_rows = [COVERAGE]
    fleet = fleet_on(
        ground,
        {ONE: ground, TWO: other},
        drain=True,
        on_progress=lambda found, outage_s: rows.append((len(found), outage_s)),
    )
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: ground.living)
    other.backlog_rows = []
    await asyncio.sleep(0.1)
    assert not run.done()
    ground.backlog_rows = []
    await asyncio.wait_for(run, 10)
    assert ground.living == []
    assert rows[-1] == (2, 0.0)


async def test_drain_names_one_that_was_away_when_the_others_are_drained() -> None:
    """Exit code 3; its outage limit is over long before."""
    ground, other = Ground(), QueueInMemory()
    other.error = DatabaseUnreachable("Postgres is out of reach.")
    fleet = fleet_on(ground, {ONE: ground, TWO: other}, drain=True, outage_limit_s=0.1)
    run = asyncio.create_task(fleet.run())
    await asyncio.sleep(0.5)
    assert not run.done()
    ground.backlog_rows = []
    failed = await failed_of(run)
    assert (failed.exit_code, list(failed.errors)) == (3, [TWO])
    assert str(failed) == f"1 of 2 databases failed: {TWO}: Postgres is out of reach."
    sent = pickle.loads(pickle.dumps(failed))  # noqa: S301 - as the process below sends it
    assert (str(sent), sent.exit_code) == (str(failed), 3)


async def test_drain_waits_for_one_that_comes_back() -> None:
    """Within the outage limit; then its jobs are waited for, too."""
    ground, other = Ground(), QueueInMemory(source(todo=1))
    ground.backlog_rows = []
    other.error = psycopg.OperationalError("starting up")
    fleet = fleet_on(ground, {ONE: ground, TWO: other}, drain=True, outage_limit_s=30.0)
    run = asyncio.create_task(fleet.run())
    await asyncio.sleep(0.1)
    assert ground.actors == []
    other.error = None
    await eventually_async(lambda: ground.living)
    assert not run.done()
    other.backlog_rows = []
    await asyncio.wait_for(run, 10)


async def test_drain_names_a_paused_one_when_the_others_are_drained() -> None:
    """Exit code 1."""
    ground, other = Ground(), QueueInMemory(source(todo=1, paused=True))
    fleet = fleet_on(ground, {ONE: ground, TWO: other}, drain=True)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: ground.living)
    await asyncio.sleep(0.1)
    assert not run.done()
    ground.backlog_rows = []
    failed = await failed_of(run)
    assert failed.exit_code == 1
    assert isinstance(failed.errors[TWO], SourcePaused)
    assert list(failed.errors) == [TWO]


async def test_drain_gives_up_on_the_servers_of_one() -> None:
    """Exit code 3, when the other one is drained."""
    ground, other = Ground(), QueueInMemory(source(todo=1))
    fleet = fleet_on(ground, {ONE: ground, TWO: other}, drain=True, outage_limit_s=5.0)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    for actor in ground.actors:
        actor.troubles = (Trouble(), Trouble(seconds=6.0, reason="refused"))
    await asyncio.sleep(0.1)
    assert not run.done()
    ground.backlog_rows = []
    failed = await failed_of(run)
    assert failed.exit_code == 3
    assert isinstance(failed.errors[TWO], EmbedderUnavailable)


@pytest.mark.parametrize(("code", "seconds"), [(2, 1.0), (3, 6.0)])
async def test_drain_gives_up_on_one_that_no_actor_can_work_on(code: int, seconds: float) -> None:
    """A wrong setting at once; what may pass by itself after the outage limit."""
    ground, other = Ground(), QueueInMemory(source(todo=1))
    ground.backlog_rows = []
    fleet = fleet_on(ground, {ONE: ground, TWO: other}, drain=True, outage_limit_s=5.0)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: ground.living)
    ground.actors[0].troubles = (Trouble(), Trouble(seconds=4.0, reason="No.", exit_code=3))
    await asyncio.sleep(0.1)
    assert not run.done()
    ground.actors[0].troubles = (Trouble(), Trouble(seconds=seconds, reason="No.", exit_code=code))
    failed = await failed_of(run)
    assert (failed.exit_code, str(failed.errors[TWO])) == (code, "No.")


async def test_drain_fails_at_once_on_another_schema() -> None:
    """Exit code 2, when the other one is drained."""
    ground, other = Ground(), QueueInMemory()
    ground.backlog_rows = []
    other.error = SchemaMismatch("The database has no wikiembed schema.")
    run = asyncio.create_task(fleet_on(ground, {ONE: ground, TWO: other}, drain=True).run())
    failed = await failed_of(run)
    assert failed.exit_code == WrongUsage.exit_code
