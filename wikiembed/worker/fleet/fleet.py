"""The fleet: as many actors as the queues need, replaced when they die, ended in good order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from wikiembed.errors import RayUnreachable
from wikiembed.pipeline.stats import Stats
from wikiembed.telemetry import emit
from wikiembed.worker.drain import OnProgress, WorkerOptions
from wikiembed.worker.fleet.actors import Actors
from wikiembed.worker.fleet.cluster import Cluster
from wikiembed.worker.fleet.order import Order
from wikiembed.worker.fleet.policy import Demand, Limits, Observed, Policy, Rate
from wikiembed.worker.fleet.queues import Queues, Watch

TICK_S = 2.0
DRAIN_TICK_S = 0.5
RESCUE_EVERY_S = 5.0
HEAD_EVERY_S = 5.0


class Fleet:
    """Actors on a cluster, by the demand of the queues of one or several databases.

    `watches` are by the names of the databases, in the order of the URLs that `order` has. With
    `drain` it ends when no job waits or runs; `on_progress` receives what is left meanwhile.
    `stats` counts what the actors did. Nothing that it knows needs to be kept: another fleet, or
    this one after a restart, goes by the queues again.
    """

    def __init__(
        self,
        cluster: Cluster,
        watches: Mapping[str, Watch],
        order: Order,
        limits: Limits,
        *,
        drain: bool = False,
        outage_limit_s: float = 300.0,
        on_progress: OnProgress | None = None,
        stats: Stats | None = None,
        tick_s: float | None = None,
    ) -> None:
        self._cluster = cluster
        self._policy = Policy(limits)
        self._rate = Rate()
        self._drain = drain
        self._outage_limit_s = outage_limit_s
        self._queues = Queues(
            watches,
            WorkerOptions(
                drain=drain,
                concurrency=order.concurrency,
                poll_s=0.0,
                rescue_every_s=RESCUE_EVERY_S,
                outage_limit_s=outage_limit_s,
                on_progress=on_progress,
            ),
        )
        self._number_of_databases = len(watches)
        self._tick_s = tick_s or (DRAIN_TICK_S if drain else TICK_S)
        self.stats = stats or Stats()
        self._actors = Actors(cluster, order, self.stats)
        self._stop = asyncio.Event()
        self._abort = asyncio.Event()
        self._asked_at = time.monotonic()
        self._head_lost_s: float | None = None

    def stop(self) -> None:
        """End when the batches in flight are done."""
        self._stop.set()

    def abort(self) -> None:
        """End now; the running jobs are requeued."""
        self._stop.set()
        self._abort.set()

    async def run(self) -> None:
        """Keep the actors until drained or stopped; then all of them have ended.

        Raises: RayUnreachable, and the error of a worker that no node can run. Of one database
        SourcePaused, EmbedderUnavailable, DatabaseUnreachable; of several DatabasesFailed, when
        the others are drained.
        """
        emit("fleet_started", fleet=self._actors.fleet_id, each=str(self._cluster.resources))
        try:
            while not self._stop.is_set():
                if await self._tick():
                    break
                await self._wait()
        finally:
            try:
                await self._actors.shut_down(self._abort, tick_s=self._tick_s)
            finally:
                await self._queues.aclose()
        emit("fleet_stopped", chunks=self.stats.chunks, failed=self.stats.failed.total())

    async def _tick(self) -> bool:
        """Observe, decide, act once; True when a drain is done."""
        await self._actors.observe()
        self._actors.end_unplaced()
        self._actors.reap()
        demand = await self._queues.read(self._actors.trouble_of)
        await self._ask_head()
        if self._queues.over:
            return True
        if demand is not None:
            self._scale(self._target(demand), demand)
            self._require_work()
        return False

    async def _wait(self) -> None:
        """Until the next tick, a stop, or the end of an actor."""
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait(
                [stopped, *self._actors.tasks],
                timeout=self._tick_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stopped.cancel()

    async def _ask_head(self) -> None:
        """Report when the head of the cluster does not answer, and when it does again.

        Actors work on meanwhile. Ray ends this process and them after its own timeout.
        """
        if time.monotonic() - self._asked_at < HEAD_EVERY_S:
            return
        self._asked_at = time.monotonic()
        answers = await self._cluster.answers()
        if answers and self._head_lost_s is not None:
            emit("ray_back", seconds=round(time.monotonic() - self._head_lost_s, 1))
            self._head_lost_s = None
        elif not answers and self._head_lost_s is None:
            self._head_lost_s = time.monotonic()
            emit("ray_lost", level=30, reason="The head does not answer; the actors work on.")

    def _target(self, demand: Demand) -> int:
        """The number of actors to have now."""
        now_s = time.monotonic()
        self._rate.observe(now_s, self._actors.finished, waiting=demand.todo > 0)
        seen = Observed(
            present=len(self._actors.running),
            jobs_per_s=self._rate.jobs_per_s,
            outage=self._all_in_trouble(self._queues.with_jobs),
        )
        return self._policy.decide(now_s, demand, seen)

    def _all_in_trouble(self, positions: list[int]) -> bool:
        """Whether something keeps all actors from each of these databases."""
        return bool(positions) and all(self._actors.trouble_of(n).seconds for n in positions)

    def _scale(self, target: int, demand: Demand) -> None:
        """Start or end actors, up to `target`."""
        before = len(self._actors.running)
        missing = target - before
        if missing > 0 and not self._actors.may_start:
            return
        if missing:
            emit(
                "fleet_scaled",
                actors=target,
                before=before,
                todo=demand.todo,
                doing=demand.doing,
                jobs_per_s=self._rate.jobs_per_s and round(self._rate.jobs_per_s, 2),
            )
        for _ in range(missing):
            self._actors.start()
        self._actors.end(max(0, -missing))

    def _require_work(self) -> None:
        """Check that a drain comes to its end.

        Raises: RayUnreachable when no actor works, past the outage limit.
        """
        idle_s = self._actors.idle_s
        if not self._drain or idle_s <= self._outage_limit_s:
            return
        if not self._all_in_trouble(list(range(self._number_of_databases))):
            raise RayUnreachable(
                f"No actor has worked for {idle_s:.0f} s"
                f" ({self._actors.last_loss or 'none has started'}):"
                " the jobs wait in the queue; run the command again when the cluster is well."
            )
