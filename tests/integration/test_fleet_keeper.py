"""What the process of a fleet orders of its actors, on a cluster that is none."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing

import pytest

from tests.support.chunks import add_chunks
from tests.support.database import Database
from tests.support.eventually import eventually_async
from tests.support.fleet_fakes import Actor, make_quick
from tests.support.workers import settings_of
from wikiembed.pipeline.stats import Stats
from wikiembed.worker.drain import DRAIN_POLL_S
from wikiembed.worker.fleet import keeper
from wikiembed.worker.fleet.cluster import Resources
from wikiembed.worker.fleet.order import Order
from wikiembed.worker.fleet.policy import Limits


class Cluster:
    """Has room for any actor, and keeps what they are to run."""

    def __init__(self, address: str, resources: Resources) -> None:
        self.resources = resources
        self.orders: list[Order] = []

    def start(self, name: str, order: Order) -> Actor:
        self.orders.append(order)
        return Actor(name, "node")

    async def answers(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("drain", "poll_s"), [(True, DRAIN_POLL_S), (False, None)])
async def test_actors_of_a_drain_poll_more_often(
    docs_table: Database,
    monkeypatch: pytest.MonkeyPatch,
    drain: bool,  # noqa: FBT001
    poll_s: float | None,
) -> None:
    """Jobs that are retried notify no worker, and a drain waits for each of them."""
    make_quick(monkeypatch)
    made: list[Cluster] = []

    def connect(address: str, resources: Resources) -> Cluster:
        made.append(Cluster(address, resources))
        return made[0]

    monkeypatch.setattr(keeper, "RayCluster", connect)
    add_chunks(docs_table, 10)
    options = keeper.FleetOptions(
        address="local",
        resources=Resources(cpus=1, gpus=0),
        limits=Limits(least=0, most=2, cooldown_s=0.0),
        concurrency=3,
        drain=drain,
    )
    ours, theirs = multiprocessing.Pipe()
    with contextlib.ExitStack() as opened:
        run = asyncio.create_task(
            keeper._run(
                settings_of(docs_table, "http://127.0.0.1:1"), options, theirs, Stats(), opened
            )
        )
        await eventually_async(lambda: run.done() or (made and made[0].orders))
        ours.send(keeper.STOP)
        await asyncio.wait_for(run, 20)
    assert (made[0].orders[0].poll_s, made[0].orders[0].concurrency) == (poll_s, 3)
    for end in (ours, theirs):
        end.close()
