"""The fleet on a cluster that is none: what it starts, replaces, ends, and says."""

from __future__ import annotations

import asyncio
from functools import partial

import psycopg
import pytest

from tests.support.eventually import eventually_async
from tests.support.fleet_fakes import (
    Actor,
    Ground,
    Said,
    ended,
    events_in,
    fleet_on,
    make_quick,
    source,
)
from wikiembed.errors import (
    ConfigurationError,
    DatabaseUnreachable,
    RayUnreachable,
    SourcePaused,
    WrongUsage,
)
from wikiembed.worker.fleet.cluster import MemberLost
from wikiembed.worker.fleet.order import Ended


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits."""
    make_quick(monkeypatch)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """The events of this test."""
    return events_in(caplog)


async def test_queue_decides_the_number_and_a_stop_ends_all(said: Said) -> None:
    """Ten times forty jobs, four at most; each is asked to end, and none is killed."""
    ground = Ground()
    fleet = fleet_on(ground)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(said("actor_started")) == 4)
    assert [one["node"] for one in said("actor_started")] == [f"node {n}" for n in range(4)]
    ground.actors[0].chunks = 64
    await eventually_async(lambda: fleet.stats.chunks == 64)
    await ended(run, fleet)
    assert [one.told for one in ground.actors] == [["stop"]] * 4
    assert ground.rescued > 0
    assert ground.closed


async def test_names_of_actors_are_of_the_fleet_alone() -> None:
    """Two fleets of a cluster do not meet, and a name is never used again."""
    names: list[str] = []
    for ground in (Ground(), Ground()):
        fleet = fleet_on(ground)
        run = asyncio.create_task(fleet.run())
        await eventually_async(partial(_has_actors, ground, 4))
        await ended(run, fleet)
        names += [actor.name for actor in ground.actors]
    assert len(set(names)) == 8


def _has_actors(ground: Ground, number: int) -> bool:
    return len(ground.living) == number


async def test_dead_actor_is_replaced(said: Said) -> None:
    """With the reason in an event."""
    ground = Ground()
    fleet = fleet_on(ground, most=2)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(said("actor_started")) == 2)
    ground.actors[0].die(MemberLost("The node died."))
    await eventually_async(lambda: len(ground.living) == 2 and len(ground.actors) == 3)
    assert [one["reason"] for one in said("actor_lost")] == ["The node died."]
    await ended(run, fleet)


async def test_pause_ends_all_and_their_end_brings_them_back(said: Said) -> None:
    """Also with a least number; the cooldown does not hold them."""
    ground = Ground()
    fleet = fleet_on(ground, least=1, cooldown_s=3600.0)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(said("actor_started")) == 4)
    ground.backlog_rows = [source(todo=400, paused=True)]
    await eventually_async(lambda: not ground.living)
    ground.backlog_rows = [source(todo=80)]
    await eventually_async(lambda: len(ground.living) == 2)
    await ended(run, fleet)
    assert len(said("actor_ended")) >= 4
    assert said("actor_lost") == []


async def test_actor_without_a_node_is_reported_once_and_given_up_first(said: Said) -> None:
    """It is killed, since it cannot be asked."""
    ground = Ground()
    ground.room = lambda number: "node" if number == 0 else None
    fleet = fleet_on(ground, most=2)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: said("actor_waiting"))
    ground.backlog_rows = [source(doing=1)]
    await eventually_async(lambda: len(ground.living) == 1)
    assert (ground.actors[1].told[:2], ground.actors[0].told) == (["stop", "kill"], [])
    (waiting,) = said("actor_waiting")
    assert waiting["reason"] == "no node of the Ray cluster has 1 CPU and 0.5 GPU free"
    await ended(run, fleet)


async def test_wrong_setting_ends_a_fleet_without_a_working_actor() -> None:
    """With the worker's own sentence and exit code."""
    ground = Ground()
    ground.room = lambda number: None
    run = asyncio.create_task(fleet_on(ground).run())
    await eventually_async(lambda: ground.actors)
    ground.actors[0].end.set_result(Ended(exit_code=2, sentence="The model is another."))
    with pytest.raises(WrongUsage, match="The model is another"):
        await asyncio.wait_for(run, 10)


async def test_missing_module_on_the_nodes_ends_it() -> None:
    """Not with the cluster's error, which has a page of text."""
    ground = Ground()
    ground.room = lambda number: None
    run = asyncio.create_task(fleet_on(ground).run())
    await eventually_async(lambda: ground.actors)
    ground.actors[0].die(ConfigurationError("The nodes have no Python module wikiembed."))
    with pytest.raises(WrongUsage, match="no Python module"):
        await asyncio.wait_for(run, 10)


async def test_wrong_node_does_not_end_the_others(said: Said) -> None:
    """It is reported, and tried again elsewhere."""
    ground = Ground()
    fleet = fleet_on(ground, most=2)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(said("actor_started")) == 2)
    ground.actors[0].end.set_result(Ended(exit_code=2, sentence="The key file is missing."))
    await eventually_async(lambda: len(ground.actors) == 3)
    await ended(run, fleet)


async def test_lost_postgres_leaves_the_actors_alone(said: Said) -> None:
    """They wait for it themselves; the fleet reports the loss once, and its end."""
    ground = Ground()
    fleet = fleet_on(ground)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(said("actor_started")) == 4)
    ground.error = psycopg.OperationalError("gone")
    await eventually_async(lambda: said("database_lost"))
    ground.error = None
    await eventually_async(lambda: said("database_back"))
    assert (len(ground.actors), len(ground.living), len(said("database_lost"))) == (4, 4, 1)
    await ended(run, fleet)


async def test_silent_head_is_reported_and_nothing_ends(said: Said) -> None:
    """Ray itself decides how long that may last."""
    ground = Ground()
    fleet = fleet_on(ground)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(said("actor_started")) == 4)
    ground.is_there = False
    await eventually_async(lambda: said("ray_lost"))
    ground.is_there = True
    await eventually_async(lambda: said("ray_back"))
    assert len(ground.living) == 4
    await ended(run, fleet)


async def test_drain_ends_with_the_queue() -> None:
    """Jobs that wait for later count; a reconcile does as well."""
    ground = Ground()
    fleet = fleet_on(ground, drain=True)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: len(ground.living) == 4)
    ground.backlog_rows, ground.upkeep = [source()], 1
    await asyncio.sleep(0)
    assert not run.done()
    ground.upkeep = 0
    await asyncio.wait_for(run, 10)
    assert ground.living == []


async def test_drain_names_a_pause() -> None:
    """Exit code 1, as of a worker."""
    ground = Ground()
    ground.backlog_rows = [source(todo=1, paused=True)]
    with pytest.raises(SourcePaused, match="paused by alice"):
        await asyncio.wait_for(fleet_on(ground, drain=True).run(), 10)
    assert ground.actors == []


async def test_drain_gives_up_where_no_actor_starts() -> None:
    """Past the outage limit, with what it waited for."""
    ground = Ground()
    ground.room = lambda number: None
    with pytest.raises(RayUnreachable, match="no node of the Ray cluster has 1 CPU"):
        await asyncio.wait_for(fleet_on(ground, drain=True, outage_limit_s=0.1).run(), 10)


async def test_drain_gives_up_on_a_lost_postgres() -> None:
    """Past the outage limit."""
    ground = Ground()
    ground.error = DatabaseUnreachable("Postgres is out of reach.")
    with pytest.raises(DatabaseUnreachable):
        await asyncio.wait_for(fleet_on(ground, drain=True, outage_limit_s=0.0).run(), 10)


async def test_second_stop_aborts() -> None:
    """Actors that still finish a batch give their jobs back."""

    class Slow(Actor):
        def stop(self) -> None:
            self.told.append("stop")

    ground = Ground()
    ground.make = Slow
    fleet = fleet_on(ground, most=1)
    run = asyncio.create_task(fleet.run())
    await eventually_async(lambda: ground.actors)
    await eventually_async(lambda: fleet._actors.running[0].place is not None)
    fleet.stop()
    await eventually_async(lambda: ground.actors[0].told == ["stop"])
    assert not run.done()
    fleet.abort()
    await asyncio.wait_for(run, 10)
    assert ground.actors[0].told == ["stop", "abort"]
