"""The fleet: as many actors as the queue needs, replaced when they die, ended in good order."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from wikiembed.backoff import Backoff, Waits
from wikiembed.errors import RayUnreachable, WikiembedError, WrongUsage
from wikiembed.pipeline.stats import Stats
from wikiembed.store.chunks import ChunkStore
from wikiembed.telemetry import emit
from wikiembed.worker.connection_loss import LOST, ConnectionLoss, unreachable
from wikiembed.worker.drain import OnProgress, WorkerOptions, drained
from wikiembed.worker.fleet.cluster import Cluster, Member, MemberLost
from wikiembed.worker.fleet.order import Ended, Order, Place, Report
from wikiembed.worker.fleet.policy import Demand, Limits, Observed, Policy, Rate, Standing, to_end

TICK_S = 2.0
DRAIN_TICK_S = 0.5
RESCUE_EVERY_S = 5.0
HEAD_EVERY_S = 5.0
PLACED_WITHIN_S = 30.0
"""An actor that no node has room for in this time is reported."""
ABORTED_WITHIN_S = 15.0
UNPLACED_S = 5.0
"""An actor that is to end and does not answer may have just begun: it is killed after that time."""
SOUND_AFTER_S = 60.0
"""An actor that worked for so long has not failed at its start."""
RESTART = Backoff(first_s=1.0, longest_s=60.0)


class Watch(Protocol):
    """What the fleet reads of Postgres; see QueueWatch."""

    async def store(self) -> ChunkStore: ...

    async def read(self) -> Demand: ...

    async def rescue(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Actor:
    """An actor as the fleet knows it; `place` None: it has not started yet."""

    member: Member
    task: asyncio.Task[Ended]
    report: Report | None = None
    stopping_s: float | None = None
    warned: bool = False

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self.stopping_s is not None

    @property
    def place(self) -> Place | None:
        return None if self.report is None else self.report.place


@dataclass(frozen=True, slots=True)
class _Watched:
    """What `drained` asks of a runtime."""

    store: ChunkStore
    outage_s: float
    outage_reason: str | None


class Fleet:
    """Actors on a cluster, by the demand of a queue.

    With `drain` it ends when no job waits or runs; `on_progress` receives what is left meanwhile.
    `stats` counts what the actors did. Nothing that it knows needs to be kept: another fleet, or
    this one after a restart, goes by the queue again.
    """

    def __init__(
        self,
        cluster: Cluster,
        watch: Watch,
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
        self._watch = watch
        self._order = order
        self._policy = Policy(limits)
        self._rate = Rate()
        self._drain = WorkerOptions(
            drain=drain,
            concurrency=order.concurrency,
            poll_s=0.0,
            rescue_every_s=RESCUE_EVERY_S,
            outage_limit_s=outage_limit_s,
            on_progress=on_progress,
        )
        self._tick_s = tick_s or (DRAIN_TICK_S if drain else TICK_S)
        self.stats = stats or Stats()
        self._id = secrets.token_hex(3)
        self._number = 0
        self._actors: dict[str, _Actor] = {}
        self._stop = asyncio.Event()
        self._abort = asyncio.Event()
        self._loss = ConnectionLoss()
        self._restarts = Waits(RESTART)
        self._not_before_s = 0.0
        self._worked_at = time.monotonic()
        self._trouble: str | None = None
        self._rescued_at = self._asked_at = time.monotonic()
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

        Raises: SourcePaused, EmbedderUnavailable, DatabaseUnreachable, RayUnreachable, and the
        error of a worker that no node can run.
        """
        emit("fleet_started", fleet=self._id, each=str(self._cluster.resources))
        try:
            while not self._stop.is_set():
                if await self._tick():
                    break
                await self._wait()
        finally:
            await self._shut_down()
        emit("fleet_stopped", chunks=self.stats.chunks, failed=self.stats.failed.total())

    async def _tick(self) -> bool:
        """Observe, decide, act once; True when a drain is done."""
        await self._observe()
        self._end_unplaced()
        self._reap()
        demand = await self._read()
        await self._ask_head()
        if demand is None:
            return False
        now_s = time.monotonic()
        running = self._running()
        self._rate.observe(
            now_s,
            [(a.member.name, a.report.jobs) for a in running if a.report is not None],
            waiting=demand.todo > 0,
        )
        seen = Observed(
            present=len(running),
            jobs_per_s=self._rate.jobs_per_s,
            outage=self._outage()[0] > 0,
        )
        self._scale(self._policy.decide(now_s, demand, seen), demand)
        return self._drain.drain and await self._is_drained()

    async def _wait(self) -> None:
        """Until the next tick, a stop, or the end of an actor."""
        stopped = asyncio.ensure_future(self._stop.wait())
        tasks = [actor.task for actor in self._actors.values()]
        try:
            await asyncio.wait(
                [stopped, *tasks], timeout=self._tick_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopped.cancel()

    async def _observe(self) -> None:
        """Ask each actor for its report, and report those that have just started."""
        actors = list(self._actors.values())
        for actor, report in zip(
            actors, await asyncio.gather(*(a.member.report() for a in actors)), strict=True
        ):
            now_s = time.monotonic()
            if report is None:
                if actor.place is None and not actor.warned and (
                    now_s - actor.member.started_s > PLACED_WITHIN_S
                ):  # fmt: skip
                    actor.warned = True
                    self._trouble = f"no node of the Ray cluster has {self._cluster.resources} free"
                    emit("actor_waiting", level=30, actor=actor.member.name, reason=self._trouble)
                continue
            if actor.place is None:
                place = report.place
                emit(
                    "actor_started",
                    actor=actor.member.name,
                    actor_id=place.actor,
                    node=place.node,
                    host=place.host,
                    pid=place.pid,
                    seconds=round(now_s - actor.member.started_s, 1),
                )
            self._count(actor, report)
            if not report.outage_s:
                self._worked_at = now_s

    def _count(self, actor: _Actor, report: Report) -> None:
        """Add to `stats` what the actor did since its last report."""
        before = actor.report or Report(place=report.place)
        self.stats.chunks += report.chunks - before.chunks
        self.stats.documents += report.documents - before.documents
        self.stats.failed += Counter(report.failed) - Counter(before.failed)
        self.stats.documents_failed += Counter(report.documents_failed) - Counter(
            before.documents_failed
        )
        actor.report = report

    def _running(self) -> list[_Actor]:
        """The actors that run or start, without those that were asked to end."""
        return [actor for actor in self._actors.values() if not actor.stopping]

    def _reap(self) -> None:
        """Remove the actors that have ended.

        Raises: WrongUsage, what a worker says of its settings when no other one works.
        """
        for name, actor in list(self._actors.items()):
            if not actor.task.done():
                continue
            del self._actors[name]
            error = actor.task.exception()
            if isinstance(error, MemberLost):
                ended = Ended(exit_code=3, sentence=str(error))
            elif isinstance(error, WikiembedError):
                ended = Ended(exit_code=error.exit_code, sentence=str(error))
            elif error is not None:
                raise error
            else:
                ended = actor.task.result()
            if ended.report is not None:
                self._count(actor, ended.report)
            self._ended(actor, ended)

    def _ended(self, actor: _Actor, ended: Ended) -> None:
        if actor.stopping:
            emit("actor_ended", actor=actor.member.name)
            return
        emit(
            "actor_lost",
            level=30,
            actor=actor.member.name,
            reason=ended.sentence or "its worker was stopped",
        )
        self._trouble = ended.sentence.rstrip(".") or None
        if time.monotonic() - actor.member.started_s > SOUND_AFTER_S:
            self._restarts.reset()
        elif time.monotonic() >= self._not_before_s:  # once for a node that took several with it
            self._not_before_s = time.monotonic() + self._restarts.next_s()
        if ended.exit_code == WrongUsage.exit_code and not any(
            other.place is not None for other in self._running()
        ):
            raise WrongUsage(ended.sentence)

    async def _read(self) -> Demand | None:
        """The demand; None while Postgres is lost: the actors wait for it themselves.

        Raises: DatabaseUnreachable past the outage limit of a drain.
        """
        try:
            demand = await self._watch.read()
            if time.monotonic() - self._rescued_at > RESCUE_EVERY_S:
                self._rescued_at = time.monotonic()
                await self._watch.rescue()
        except LOST as error:
            self._loss.began(error)
            if self._drain.drain and self._loss.seconds > self._drain.outage_limit_s:
                raise unreachable(error) from error
            return None
        self._loss.over()
        return demand

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

    def _scale(self, target: int, demand: Demand) -> None:
        """Start or end actors, up to `target`."""
        running = self._running()
        missing = target - len(running)
        if missing > 0 and time.monotonic() < self._not_before_s:
            return
        if missing:
            emit(
                "fleet_scaled",
                actors=target,
                before=len(running),
                todo=demand.todo,
                doing=demand.doing,
                jobs_per_s=self._rate.jobs_per_s and round(self._rate.jobs_per_s, 2),
            )
        for _ in range(missing):
            self._start()
        standing = [
            Standing(
                name=actor.member.name,
                node=actor.place.node if actor.place else None,
                started_s=actor.member.started_s,
            )
            for actor in running
        ]
        for name in to_end(standing, max(0, -missing)):
            self._end(self._actors[name])

    def _start(self) -> None:
        self._number += 1
        name = f"wikiembed-{self._id}-{self._number}"
        member = self._cluster.start(name, self._order)
        self._actors[name] = _Actor(member, asyncio.create_task(member.run(), name=name))

    def _end(self, actor: _Actor) -> None:
        """Ask an actor to end."""
        actor.stopping_s = time.monotonic()
        actor.member.stop()

    def _end_unplaced(self) -> None:
        """No longer request those that were asked to end and have no node."""
        for actor in self._actors.values():
            if (
                actor.stopping_s is not None
                and actor.place is None
                and time.monotonic() - actor.stopping_s > UNPLACED_S
            ):
                actor.member.kill()

    def _outage(self) -> tuple[float, str | None]:
        """Seconds since the server is out of reach of every actor, and why; 0 when it is not."""
        reports = [actor.report for actor in self._running() if actor.report is not None]
        if not reports:
            return 0.0, None
        least = min(reports, key=lambda one: one.outage_s)
        return least.outage_s, least.outage_reason

    async def _is_drained(self) -> bool:
        """True when no job is left.

        Raises: SourcePaused, EmbedderUnavailable, RayUnreachable, DatabaseUnreachable.
        """
        outage_s, reason = self._outage()
        try:
            store = await self._watch.store()
            done = await drained(_Watched(store, outage_s, reason), self._drain)
        except LOST as error:
            self._loss.began(error)
            return False
        idle_s = time.monotonic() - self._worked_at
        if not done and not outage_s and idle_s > self._drain.outage_limit_s:
            raise RayUnreachable(
                f"No actor has worked for {idle_s:.0f} s ({self._trouble or 'none has started'}):"
                " the jobs wait in the queue; run the command again when the cluster is well."
            )
        return done

    async def _shut_down(self) -> None:
        """End all actors; those in flight finish unless `abort` was called."""
        for actor in self._running():
            self._end(actor)
        aborted = asyncio.ensure_future(self._abort.wait())
        try:
            while pending := [a.task for a in self._actors.values() if not a.task.done()]:
                if self._abort.is_set():
                    await self._abort_all()
                    break
                await asyncio.wait(
                    [aborted, *pending],
                    timeout=self._tick_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                await self._observe()
                self._end_unplaced()
        finally:
            aborted.cancel()
            for actor in self._actors.values():
                actor.member.kill()
                actor.task.cancel()
            await asyncio.gather(*(a.task for a in self._actors.values()), return_exceptions=True)
            with contextlib.suppress(WikiembedError):
                self._reap_last()

    async def _abort_all(self) -> None:
        tasks = [actor.task for actor in self._actors.values()]
        for actor in self._actors.values():
            actor.member.abort()
        await asyncio.wait(tasks, timeout=ABORTED_WITHIN_S)

    def _reap_last(self) -> None:
        """Count what the last actors did."""
        for actor in self._actors.values():
            if not actor.task.cancelled() and actor.task.exception() is None:
                report = actor.task.result().report
                if report is not None:
                    self._count(actor, report)
        self._actors.clear()
