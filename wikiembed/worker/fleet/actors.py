"""The actors of one fleet: requested, asked for reports, replaced when they die, ended."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from dataclasses import dataclass

from wikiembed.backoff import Backoff, Waits
from wikiembed.errors import WikiembedError, WrongUsage
from wikiembed.pipeline.stats import Stats
from wikiembed.telemetry import emit
from wikiembed.worker.fleet.cluster import Cluster, Member, MemberLost
from wikiembed.worker.fleet.order import Ended, Order, Place, Report
from wikiembed.worker.fleet.policy import Standing, to_end
from wikiembed.worker.several import Trouble

PLACED_WITHIN_S = 30.0
"""An actor that no node has room for in this time is reported."""
ABORTED_WITHIN_S = 15.0
UNPLACED_S = 5.0
"""An actor that is to end and does not answer may have just begun: it is killed after that time."""
SOUND_AFTER_S = 60.0
"""An actor that worked for so long has not failed at its start."""
RESTART = Backoff(first_s=1.0, longest_s=60.0)


@dataclass(slots=True, eq=False)
class Actor:
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
        """Where it runs."""
        return None if self.report is None else self.report.place


class Actors:
    """Those that run, start or end; what they have done is added to `stats`."""

    def __init__(self, cluster: Cluster, order: Order, stats: Stats) -> None:
        self._cluster = cluster
        self._order = order
        self._stats = stats
        self.fleet_id = secrets.token_hex(3)
        self._number = 0
        self._actors: dict[str, Actor] = {}
        self._restarts = Waits(RESTART)
        self._not_before_s = 0.0
        self._worked_at = time.monotonic()
        self.last_loss: str | None = None

    @property
    def running(self) -> list[Actor]:
        """Those that run or start, without those that were asked to end."""
        return [actor for actor in self._actors.values() if not actor.stopping]

    @property
    def tasks(self) -> list[asyncio.Task[Ended]]:
        """A task for each, which ends with it."""
        return [actor.task for actor in self._actors.values()]

    @property
    def finished(self) -> list[tuple[str, int]]:
        """Jobs that each running one has finished, by its name."""
        return [(a.member.name, a.report.jobs) for a in self.running if a.report is not None]

    @property
    def may_start(self) -> bool:
        """False for a while after one died at its start."""
        return time.monotonic() >= self._not_before_s

    @property
    def idle_s(self) -> float:
        """Seconds since one of them could work on a database."""
        return time.monotonic() - self._worked_at

    def trouble_of(self, position: int) -> Trouble:
        """What keeps all running ones from the database at `position`: that of the best off.

        One that waits for a server is better off than one whose worker has ended, and that
        better than one whose settings are wrong.
        """
        found = [a.report.trouble_of(position) for a in self.running if a.report is not None]
        return min(
            found,
            key=lambda one: (one.exit_code is not None, one.exit_code == WrongUsage.exit_code,
                             one.seconds),
            default=Trouble(),
        )  # fmt: skip

    def start(self) -> None:
        """Request one more."""
        self._number += 1
        name = f"wikiembed-{self.fleet_id}-{self._number}"
        member = self._cluster.start(name, self._order)
        self._actors[name] = Actor(member, asyncio.create_task(member.run(), name=name))

    def end(self, number: int) -> None:
        """Ask so many of the running ones to end; see `to_end`."""
        standing = [
            Standing(
                name=actor.member.name,
                node=actor.place.node if actor.place else None,
                started_s=actor.member.started_s,
            )
            for actor in self.running
        ]
        for name in to_end(standing, number):
            self._end(self._actors[name])

    def _end(self, actor: Actor) -> None:
        actor.stopping_s = time.monotonic()
        actor.member.stop()

    def end_unplaced(self) -> None:
        """No longer request those that were asked to end and have no node."""
        for actor in self._actors.values():
            if (
                actor.stopping_s is not None
                and actor.place is None
                and time.monotonic() - actor.stopping_s > UNPLACED_S
            ):
                actor.member.kill()

    async def observe(self) -> None:
        """Ask each for its report, and log those that have just started."""
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
                    reason = f"no node of the Ray cluster has {self._cluster.resources} free"
                    self.last_loss = reason
                    emit("actor_waiting", level=30, actor=actor.member.name, reason=reason)
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
            if not report.troubles or any(not one.seconds for one in report.troubles):
                self._worked_at = now_s

    def _count(self, actor: Actor, report: Report) -> None:
        """Add to `stats` what the actor did since its last report."""
        before = actor.report or Report(place=report.place)
        stats = self._stats
        stats.chunks += report.chunks - before.chunks
        stats.documents += report.documents - before.documents
        stats.failed += Counter(report.failed) - Counter(before.failed)
        stats.documents_failed += Counter(report.documents_failed) - Counter(
            before.documents_failed
        )
        actor.report = report

    def reap(self) -> None:
        """Remove those that have ended.

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
            self._has_ended(actor, ended)

    def _has_ended(self, actor: Actor, ended: Ended) -> None:
        if actor.stopping:
            emit("actor_ended", actor=actor.member.name)
            return
        emit(
            "actor_lost",
            level=30,
            actor=actor.member.name,
            reason=ended.sentence or "its worker was stopped",
        )
        self.last_loss = ended.sentence.rstrip(".") or None
        if time.monotonic() - actor.member.started_s > SOUND_AFTER_S:
            self._restarts.reset()
        elif self.may_start:  # once for a node that took several with it
            self._not_before_s = time.monotonic() + self._restarts.next_s()
        if ended.exit_code == WrongUsage.exit_code and not any(
            other.place is not None for other in self.running
        ):
            raise WrongUsage(ended.sentence)

    async def shut_down(self, abort: asyncio.Event, *, tick_s: float) -> None:
        """End all; those in flight finish unless `abort` is set. Looks at them each `tick_s`."""
        for actor in self.running:
            self._end(actor)
        aborted = asyncio.ensure_future(abort.wait())
        try:
            while pending := [task for task in self.tasks if not task.done()]:
                if abort.is_set():
                    await self._abort_all()
                    break
                await asyncio.wait(
                    [aborted, *pending], timeout=tick_s, return_when=asyncio.FIRST_COMPLETED
                )
                await self.observe()
                self.end_unplaced()
        finally:
            aborted.cancel()
            for actor in self._actors.values():
                actor.member.kill()
                actor.task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            with contextlib.suppress(WikiembedError):
                self._reap_last()

    async def _abort_all(self) -> None:
        for actor in self._actors.values():
            actor.member.abort()
        await asyncio.wait(self.tasks, timeout=ABORTED_WITHIN_S)

    def _reap_last(self) -> None:
        """Count what the last actors did."""
        for actor in self._actors.values():
            if not actor.task.cancelled() and actor.task.exception() is None:
                report = actor.task.result().report
                if report is not None:
                    self._count(actor, report)
        self._actors.clear()
