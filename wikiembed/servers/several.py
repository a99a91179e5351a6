"""All servers of one model: which of them takes a batch, and which are left out.

With one server a batch is its channel's, which waits for the end of an outage. With several a
batch goes to the fastest one with a free slot, and on to another when that one is out of reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from wikiembed.embedders.base import ModelInfo
from wikiembed.errors import EmbedderError, EmbedderMisconfigured
from wikiembed.servers.batch_sender import BatchSender, Sender
from wikiembed.servers.channel import Channel
from wikiembed.servers.classify import OutageTooLong, ServerAway, Stopping
from wikiembed.servers.identity import Identity
from wikiembed.servers.member import Member

FIRST_S = 5.0
"""How long the servers that are named first are waited for, once another one has answered."""
Prove = Callable[[Channel], Awaitable[str | None]]
"""Why a server's vectors are not those that are stored; None: they are, or none is stored."""


class Channels:
    """The channels to one model, one per server, at least one; use from one event loop.

    Of several, each accepts probes by `identity`, is `one_of_several`, and has a listener that
    calls `wake`.
    """

    def __init__(self) -> None:
        self.identity = Identity()
        self._members: list[Member] = []
        self._reference: Member | None = None
        self._dimensions: int | None = None
        self._prove: Prove | None = None
        self._stopping = False
        self._turn = asyncio.Lock()
        self._choosing_reference = asyncio.Lock()
        self._met_at: float | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._refusals = 0
        self._refusal: EmbedderMisconfigured | None = None

    def add(self, channel: Channel) -> None:
        """Add a server; those that are added first are preferred as the reference."""
        self._members.append(Member(channel))

    @property
    def all(self) -> list[Channel]:
        """The channels, in the order of the servers' addresses."""
        return [member.channel for member in self._members]

    @property
    def in_reach(self) -> list[Channel]:
        """The channels to which batches are sent now; of one server, always that one."""
        if len(self._members) == 1:
            return self.all
        return [m.channel for m in self._members if m.admitted and not m.is_out]

    @property
    def limit(self) -> int:
        """Batches that may be in flight, those included that wait for a server that is out."""
        limits = [m.channel.concurrency_limit.limit for m in self._members if not m.is_out]
        if not limits:
            return sum(m.channel.concurrency_limit.limit for m in self._members)
        return sum(limits) + sum(m.batches for m in self._members if m.is_out)

    @property
    def outage_s(self) -> float:
        """Seconds for which no server has been in reach; 0 while one is."""
        return min(m.channel.breaker.outage_s for m in self._members)

    @property
    def outage_reason(self) -> str | None:
        """A server's last error, while none is in reach; of one that may come back by itself."""
        if not all(m.is_out for m in self._members):
            return None
        first = min(self._members, key=lambda member: member.is_refused)
        return str(first.channel.breaker.reason)

    def for_batch(self) -> Sender:
        """What sends the requests of one batch."""
        if len(self._members) == 1:
            return self._members[0].channel
        return BatchSender(self)

    async def describe(
        self, *, dimensions: int | None = None, prove: Prove | None = None
    ) -> ModelInfo:
        """The model that the servers run, found once; waits while none is in reach.

        Of several servers the first one that answers says it, in the order of their addresses,
        unless it gives others than `dimensions` or `prove` finds a reason against it.

        Raises: EmbedderMisconfigured, Stopping, OutageTooLong.
        """
        if len(self._members) == 1:
            return await self._members[0].channel.describe()
        if prove is not None:
            self._dimensions, self._prove = dimensions, prove
        return await self._described(self._refusals)

    def forget(self) -> None:
        """Describe the model again next time: it fits no column."""
        self.identity.forget()
        self._reference = self._met_at = None
        for member in self._members:
            member.forget()

    def stop(self) -> None:
        """Let no batch wait for a server any longer."""
        self._stopping = True
        for member in self._members:
            member.channel.breaker.stop()
        self.wake()

    def wake(self) -> None:
        """Let the batches that wait look again: a slot is free, or a server is back or gone."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def aclose(self) -> None:
        """Stop, and close the connections."""
        self.stop()
        meetings = [m.meeting for m in self._members if m.meeting is not None]
        for meeting in meetings:
            meeting.cancel()
        await asyncio.gather(*meetings, return_exceptions=True)
        for member in self._members:
            await member.channel.aclose()

    # Which server takes a batch.

    async def take(self, bound: Member | None) -> Member:
        """The server for the next request: `bound`, unless it is out; waits for a free slot.

        Raises: EmbedderMisconfigured, Stopping, OutageTooLong.
        """
        if bound is not None and bound.admitted and not bound.is_out:
            return bound
        until, seen = self._deadline(), self._refusals
        async with self._turn:
            while True:
                await self._described(seen)
                self._unless_refused(seen)
                self._meet()
                usable = [m for m in self._members if m.admitted and not m.is_out]
                free = [m for m in usable if m.channel.concurrency_limit.free > 0]
                if free:
                    return min(free, key=lambda member: member.speed.text_s)
                await self._change(until=None if usable else until)

    def refuse(self, member: Member, error: EmbedderMisconfigured) -> None:
        """Leave out a server that is misconfigured or runs another model, until a probe passes.

        Raises: EmbedderMisconfigured when all are refused; each is tried again then.
        """
        member.forget()
        if member is self._reference:
            self._reference = next((m for m in self._members if m.admitted), None)
        member.channel.breaker.open(error)
        self._unless_refused(self._refusals)

    def _unless_refused(self, seen: int) -> None:
        """Raise if all servers are refused, or were since there had been `seen` such refusals.

        Raises: EmbedderMisconfigured.
        """
        reasons = [m.channel.breaker.reason for m in self._members]
        refused = [one for one in reasons if isinstance(one, EmbedderMisconfigured)]
        if len(refused) == len(self._members):
            each = (f"{m.channel.server}: {m.channel.breaker.reason}" for m in self._members)
            self._refusals += 1
            self._refusal = EmbedderMisconfigured(
                f"None of the {len(refused)} servers can be used. {' '.join(each)}",
                http_status=refused[0].http_status,
            )
            self.forget()
            for member in self._members:
                member.channel.breaker.give_up()
        if seen != self._refusals and self._refusal is not None:
            raise self._refusal

    # Which model the servers run.

    async def _described(self, seen: int) -> ModelInfo:
        if self._reference is None:
            await self._choose_reference(seen)
        if self._reference is None or self._reference.info is None:
            raise AssertionError("a reference was chosen, and its model is known")
        return self._reference.info

    async def _choose_reference(self, seen: int) -> None:
        """Wait for the first server to answer, and admit those that give the same vectors.

        Raises: EmbedderMisconfigured, Stopping, OutageTooLong.
        """
        until = self._deadline()
        async with self._choosing_reference:
            while self._reference is None:
                self._unless_refused(seen)
                self._reference = next((m for m in self._members if m.admitted), None)
                self._meet()
                candidate = self._candidate()
                if self._reference is None and candidate is None:
                    await self._change(until=until, timeout_s=self._grace_s() or None)
                elif self._reference is None and candidate is not None:
                    await self._consider(candidate)
        self.wake()

    async def _consider(self, candidate: Member) -> None:
        """Take the vectors of `candidate` as the model's, or refuse it."""
        problem = await self._problem(candidate)
        if candidate.is_out or candidate.vector is None:
            return
        if problem is not None:
            self._refuse_quietly(candidate, EmbedderMisconfigured(problem))
            return
        self.identity.set(candidate.vector, server=candidate.channel.server)
        for member in self._members:
            self._admit(member)

    def _candidate(self) -> Member | None:
        """The first server that was met, once those named before it had their time."""
        for member in self._members:
            if member.is_met and not member.is_out:
                return member
            if member.meeting is not None and self._grace_s() != 0:
                return None
        return None

    def _grace_s(self) -> float | None:
        """Seconds left to the servers named first; None: no other one has answered."""
        if self._met_at is None:
            return None
        return max(0.0, self._met_at + FIRST_S - time.monotonic())

    async def _problem(self, member: Member) -> str | None:
        """Why `member` cannot say which model this is; None: it can."""
        found = None if member.info is None else member.info.dimensions
        if self._dimensions is not None and found not in (None, self._dimensions):
            return f"It answers {found} dimensions, and the column holds {self._dimensions}."
        if self._prove is None:
            return None
        try:
            return await self._prove(member.channel)
        except EmbedderMisconfigured as error:
            return str(error)
        except EmbedderError as error:
            member.channel.breaker.open(error)
            return None

    def _meet(self) -> None:
        """Begin to find out which model runs on servers of which that is not known."""
        for member in self._members:
            if not (member.is_met or member.is_out or member.meeting or self._stopping):
                member.meeting = asyncio.create_task(
                    self._meeting(member), name="wikiembed meeting"
                )

    async def _meeting(self, member: Member) -> None:
        channel = member.channel
        try:
            info = await channel.describe()
            vector = await channel.probe()
        except EmbedderMisconfigured as error:
            self._refuse_quietly(member, error)
        except EmbedderError as error:
            channel.breaker.open(error)
        except (ServerAway, Stopping, OutageTooLong):
            pass  # the breaker waits for it
        else:
            member.info, member.vector = info, vector
            self._met_at = self._met_at or time.monotonic()
            if self.identity.is_known:
                self._admit(member)
        finally:
            member.meeting = None
            self.wake()

    def _admit(self, member: Member) -> None:
        """Let batches go to `member`, if it was met, or refuse it for its vectors."""
        if member.vector is None:
            return
        try:
            self.identity.check(member.vector)
        except EmbedderMisconfigured as error:
            self._refuse_quietly(member, error)
        else:
            member.admitted = True

    def _refuse_quietly(self, member: Member, error: EmbedderMisconfigured) -> None:
        """Refuse `member`; that all are refused is raised by the batches that wait."""
        with contextlib.suppress(EmbedderMisconfigured):
            self.refuse(member, error)

    # Waiting.

    def _deadline(self) -> float:
        return self._members[0].channel.breaker.deadline()

    async def _change(self, *, until: float | None, timeout_s: float | None = None) -> None:
        """Return when something has changed, or after `timeout_s`.

        `until`: while no server is in reach, by time.monotonic(); None: one is.

        Raises: Stopping, OutageTooLong.
        """
        if until is not None:
            if self._stopping:
                raise Stopping("The worker stops while no server of the model is in reach.")
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise OutageTooLong("No server of the model is in reach; the job is requeued.")
            timeout_s = left_s if timeout_s is None else min(left_s, timeout_s)
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout_s)
        finally:
            self._waiters.discard(waiter)
