"""Which servers have a limit: asked by each process every few seconds, never per batch."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import psycopg

from wikiembed.errors import WikiembedError
from wikiembed.servers.rate_limit import Leases, RateLimit

EVERY_S = 5.0
RETRY_S = 1.0
CLOSE_S = 1.0


class Store(Leases, Protocol):
    """What is used of wikiembed.store.LimitStore."""

    async def limited(self) -> frozenset[tuple[str, str]]:
        """Servers and models that have a limit; an empty model: all of the server."""
        ...


class RateLimits:
    """The limits of one process; `of` is for a channel, `aclose` ends the asking."""

    def __init__(self, store: Store, *, every_s: float = EVERY_S) -> None:
        self._store = store
        self._every_s = every_s
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._is_known = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._limits: list[RateLimit] = []

    def of(self, server: str, model: str | None) -> RateLimit:
        """The limit of one model at one server."""
        limit = RateLimit(self._store, self, server=server, model=model or "")
        self._limits.append(limit)
        return limit

    async def has(self, server: str, model: str) -> bool:
        """Whether the model has a limit there; the first call waits until Postgres has said so."""
        if self._task is None:
            self._task = asyncio.create_task(self._ask_regularly(), name="wikiembed limits")
        await self._is_known.wait()
        return (server, model) in self._known or (server, "") in self._known

    def note(self, server: str, model: str, *, limited: bool) -> None:
        """Set what a lease or a report has shown, before it is asked again."""
        if limited:
            self._known |= {(server, model)}
        else:
            self._known -= {(server, model), (server, "")}

    async def aclose(self) -> None:
        """Settle what is left of leases, unless Postgres does not answer for `CLOSE_S`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                for limit in self._limits:
                    await limit.aclose()

    async def _ask_regularly(self) -> None:
        while True:
            wait_s = RETRY_S
            with contextlib.suppress(WikiembedError, psycopg.Error):
                self._known = await self._store.limited()
                self._is_known.set()
                wait_s = self._every_s
            await asyncio.sleep(wait_s)
