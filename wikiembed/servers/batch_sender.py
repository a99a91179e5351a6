"""The requests of one batch: to one server, and on to another one of its model when that is out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from wikiembed.embedders.base import Cut
from wikiembed.errors import EmbedderError, EmbedderMisconfigured
from wikiembed.servers.channel import BeforeStart, Channel, always
from wikiembed.servers.classify import BatchSuspect, ServerAway
from wikiembed.servers.member import Member
from wikiembed.vectors import Matrix

Result = TypeVar("Result")


class Sender(Protocol):
    """What takes the requests of one batch: a channel, or the servers of a model."""

    async def embed(self, texts: Sequence[str], *, may_begin: BeforeStart = always) -> Matrix:
        """See `Channel.embed`."""
        ...

    async def embed_cut(self, text: str, *, may_begin: BeforeStart = always) -> Cut:
        """See `Channel.embed_cut`."""
        ...

    async def passes(self, error: EmbedderError) -> bool:
        """Probe the server that answered last, after `error`."""
        ...


class Servers(Protocol):
    """What chooses the servers of a batch; see Channels."""

    async def take(self, bound: Member | None) -> Member: ...

    def refuse(self, member: Member, error: EmbedderMisconfigured) -> None: ...

    def wake(self) -> None: ...


class BatchSender:
    """The requests of one batch.

    They stay with the server that has blamed the batch: its probes vouch for it alone. A batch
    during which a server went down is sent to another one as a suspect.
    """

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._bound: Member | None = None
        self._last: Member | None = None
        self._suspect: EmbedderError | None = None

    async def embed(self, texts: Sequence[str], *, may_begin: BeforeStart = always) -> Matrix:
        """See `Channel.embed`.

        Raises: BatchSuspect, BatchOverLimit, EmbedderMisconfigured, Stopping, OutageTooLong, and
        what `may_begin` raises.
        """
        return await self._send(
            len(texts),
            lambda channel, came_at: channel.embed(
                texts, may_begin=may_begin, came_at=came_at, suspect=self._suspect
            ),
        )

    async def embed_cut(self, text: str, *, may_begin: BeforeStart = always) -> Cut:
        """See `Channel.embed_cut`.

        Raises: what `embed` raises.
        """
        return await self._send(
            1,
            lambda channel, came_at: channel.embed_cut(
                text, may_begin=may_begin, came_at=came_at, suspect=self._suspect
            ),
        )

    async def passes(self, error: EmbedderError) -> bool:
        """Probe the server that answered last; False: it is left out, and another is to answer.

        Raises: EmbedderMisconfigured when all servers are refused.
        """
        member = self._last
        if member is None:
            return False
        try:
            return await member.channel.passes(error)
        except EmbedderMisconfigured as refusal:
            self._servers.refuse(member, refusal)
            return False

    async def _send(
        self, texts: int, send: Callable[[Channel, float], Awaitable[Result]]
    ) -> Result:
        came_at = time.monotonic()
        while True:
            member = self._last = await self._servers.take(self._bound)
            member.batches += 1
            began = time.monotonic()
            try:
                result = await send(member.channel, came_at)
            except ServerAway as away:
                self._bound, self._suspect = None, away.suspect or self._suspect
            except EmbedderMisconfigured as error:
                self._bound = None
                self._servers.refuse(member, error)
            except BatchSuspect:
                self._bound, self._suspect = member, None
                raise
            else:
                self._suspect = None
                member.speed.answered(texts, time.monotonic() - began)
                return result
            finally:
                member.batches -= 1
                self._servers.wake()
