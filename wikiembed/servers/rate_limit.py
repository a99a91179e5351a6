"""The limit of a provider on all workers together: each leases requests and tokens from Postgres.

How leases keep to the limit in any minute is in wikiembed.lease_requests. Here they are used, one
request after the other and evenly; what was not used, or was used beyond them, is settled with the
next lease. While Postgres is away the present lease is used, then requests wait.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol

import psycopg

from wikiembed.backoff import Backoff, Waits
from wikiembed.embedders.token_rate import TokenRate
from wikiembed.embedders.usage import Usage, metered_apart
from wikiembed.errors import EmbedderThrottled, WikiembedError
from wikiembed.servers.classify import BatchOverLimit, OutageTooLong
from wikiembed.servers.permit import Permit, UntilStop
from wikiembed.servers.stated_limit import Reports, StatedLimit
from wikiembed.store.limits import Lease, Left, Settled
from wikiembed.telemetry import emit

ASK_EVERY_SLOTS = 0.25
"""Least time between two statements of a process that got less than it asked for, in slots."""
LONGEST_WAIT_S = 5.0
"""A limit that is raised or removed is noticed within that."""
CHECK_EVERY_S = 1.0
"""How often a batch that waits checks whether it may still begin."""
REFUSALS_BEFORE_OUTAGE = 5
"""Refusals in a row under a limit, with no request passed, before they count as an outage."""
REFUSED = Backoff(first_s=0.5, longest_s=10.0)
"""Wait after a refusal that states none."""
POSTGRES = Backoff(first_s=0.25, longest_s=2.0, jitter=0.3)
"""Wait after a lease that Postgres did not give."""


class Leases(Reports, Protocol):
    """What a rate limit uses of wikiembed.store.LimitStore."""

    async def lease(
        self, server: str, model: str, settled: Settled, *, requests: int, tokens: int, first: int
    ) -> Lease | None:
        """Lease requests; None: no limit."""
        ...

    async def block(self, server: str, model: str, *, seconds: float) -> None:
        """Let no worker send for `seconds`."""
        ...


class Limited(Protocol):
    """Which servers have a limit, as far as this process knows."""

    async def has(self, server: str, model: str) -> bool:
        """Whether the model has a limit there."""
        ...

    def note(self, server: str, model: str, *, limited: bool) -> None:
        """The model has a limit now, or none any more."""
        ...


class RateLimit:
    """The limit of one model at one server, as one process uses it; of one event loop."""

    def __init__(
        self,
        store: Leases,
        limited: Limited,
        *,
        server: str,
        model: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._limited = limited
        self._server = server
        self._model = model
        self._clock = clock
        self._sleep = sleep
        self._rate = TokenRate()
        self._turn = asyncio.Lock()
        self._wanted: list[int] = []
        self._is_limited = False
        self._lease = Lease.empty()
        self._ends_at = self._next_at = self._ask_at = self._blocked_until = 0.0
        self._sent, self._was_short = 0, False
        self._more_requests = self._more_tokens = 0
        self._left: dict[int, Left] = {}
        self._refusals, self._failures = Waits(REFUSED), Waits(POSTGRES)
        self._stated = StatedLimit(
            store,
            server=server,
            model=model,
            clock=clock,
            on_report=lambda: limited.note(server, model, limited=True),
        )

    @property
    def waiting(self) -> int:
        """Requests that wait for a lease."""
        return len(self._wanted)

    def saw(self, headers: Mapping[str, str]) -> None:
        """Learn what the headers of a response state; their names are in lower case."""
        self._stated.saw(headers)

    @asynccontextmanager
    async def permit(
        self,
        texts: Sequence[str],
        *,
        until: float,
        check: Callable[[], Awaitable[None]],
        until_stop: UntilStop,
    ) -> AsyncIterator[Permit]:
        """See `Gate.permit`; without a limit at once.

        Raises: Stopping; OutageTooLong at `until`; BatchOverLimit when the texts have more tokens
        than the whole limit; what `check` raises.
        """
        self._is_limited = await self._limited.has(self._server, self._model)
        if not self._is_limited:
            self._forget()
            yield Permit()
            return
        tokens = self._rate.tokens(texts)
        permit = Permit(texts, lambda texts, usage: self._settle(texts, usage, tokens, permit.slot))
        await until_stop(self._wait(permit, tokens, len(texts), until, check))
        try:
            yield permit
        finally:
            if not permit.is_used:
                self._give_back(permit.slot, requests=1, tokens=tokens)

    @contextmanager
    def unleased(self) -> Iterator[None]:
        """Count what is sent without a permit."""
        with metered_apart() as usage:
            try:
                yield
            finally:
                self._more_requests += usage.requests
                self._more_tokens += usage.tokens

    def _settle(self, texts: Sequence[str], usage: Usage, tokens: int, slot: int | None) -> None:
        """Note what a request used beyond the `tokens` that were leased for it, or less."""
        self._more_requests += usage.requests - 1
        if usage.tokens > tokens:
            self._more_tokens += usage.tokens - tokens
        elif usage.tokens:
            self._give_back(slot, requests=0, tokens=tokens - usage.tokens)
        if usage.texts:
            self._rate.learn(texts, usage)
            self._refusals.reset()

    def _give_back(self, slot: int | None, *, requests: int, tokens: int) -> None:
        """Note what of a lease was not used; what had no lease used nothing."""
        if slot is not None and (requests or tokens):
            _, more_requests, more_tokens = self._left.get(slot, (slot, 0, 0))
            self._left[slot] = (slot, requests + more_requests, tokens + more_tokens)

    def _forget(self) -> None:
        """Owe nothing: there is no limit."""
        self._more_requests = self._more_tokens = 0
        self._left.clear()

    async def refused(self, error: EmbedderThrottled) -> bool:
        """Let all workers wait as long as the server says; False: it refuses for too long."""
        now = self._clock()
        if not self._is_limited:
            return False
        if now < self._blocked_until:  # another request of before
            return True
        if self._refusals.tries >= REFUSALS_BEFORE_OUTAGE:
            return False
        wait_s = self._refusals.next_s()
        if error.retry_after_s is not None:
            wait_s = error.retry_after_s
        self._blocked_until = self._ask_at = now + min(wait_s, LONGEST_WAIT_S)
        self._ends_at = now
        emit("limit_refused", level=30, server=self._server, seconds=round(wait_s, 1))
        with suppress(WikiembedError, psycopg.Error):
            await self._store.block(self._server, self._model, seconds=wait_s)
        return True

    async def aclose(self) -> None:
        """Settle what is left, unless Postgres does not answer."""
        await self._stated.aclose()
        owed = self._more_requests or self._more_tokens or self._lease.requests or self._left
        if self._is_limited and owed:
            await self._ask_for(0, 0, 0)

    async def _wait(
        self,
        permit: Permit,
        tokens: int,
        n: int,
        until: float,
        check: Callable[[], Awaitable[None]],
    ) -> None:
        """Wait for a turn, and in it for one request of `tokens`, first in, first out."""
        checked_at = self._clock()
        self._wanted.append(tokens)
        try:
            async with self._turn:
                while not await self._take(tokens, n):
                    if time.monotonic() >= until:
                        raise OutageTooLong(
                            "The server's limit leaves no room; the job is requeued."
                        )
                    if self._clock() - checked_at >= CHECK_EVERY_S:
                        await check()
                        checked_at = self._clock()
                permit.slot = self._lease.slot
        finally:
            self._wanted.remove(tokens)

    async def _take(self, tokens: int, n: int) -> bool:
        """Take one request of `tokens` of the lease, or do what it needs for that, once."""
        if not self._is_limited:  # found by who had the turn before
            return True
        now = self._clock()
        most = self._lease.most_tokens
        if most is not None and n > 1 and tokens > most:
            raise BatchOverLimit(max(1, n * most // tokens))
        enough = self._lease.requests > 0 and (most is None or self._lease.tokens >= tokens)
        if enough and now < self._ends_at:
            if self._next_at > now:
                await self._sleep(self._next_at - now)
                return False
            self._lease = self._lease.without(requests=1, tokens=tokens)
            self._sent += 1
            spacing_s = self._lease.spacing_s
            self._next_at = max(self._next_at, now - spacing_s) + spacing_s
            return True
        if self._ask_at > now:
            await self._sleep(min(self._ask_at - now, CHECK_EVERY_S))
            return False
        await self._ask(first=tokens)
        return not self._is_limited

    async def _ask(self, *, first: int) -> None:
        """Lease for all that wait, and for as many more as were sent of the last lease."""
        await asyncio.sleep(0)  # for those that begin to wait in the same moment
        ahead = 0 if self._was_short else max(0, self._sent - self.waiting)
        tokens = sum(self._wanted)
        requests = self.waiting + ahead
        await self._ask_for(requests, tokens + ahead * (tokens // self.waiting), first)
        self._was_short = self._lease.requests < requests
        # A process that gets less than it asks for is one of several that share what becomes due.
        wait_s = self._lease.slot_s * ASK_EVERY_SLOTS if self._was_short else 0.0
        if not self._lease.requests:
            wait_s = max(wait_s, min(self._lease.wait_s, LONGEST_WAIT_S))
        self._ask_at = self._clock() + wait_s * random.uniform(1.0, 1.25)  # noqa: S311

    async def _ask_for(self, requests: int, tokens: int, first: int) -> None:
        """Settle what is owed, and lease; while Postgres is away the lease is empty."""
        seen_requests, seen_tokens = self._stated.used()
        self._give_back(self._lease.slot, requests=self._lease.requests, tokens=self._lease.tokens)
        settled = Settled(
            left=tuple(self._left.values()),
            more_requests=self._more_requests,
            more_tokens=self._more_tokens,
            seen_requests=seen_requests,
            seen_tokens=seen_tokens,
        )
        most = self._lease.most_tokens
        self._forget()
        self._sent = 0
        self._lease = Lease.empty(most_tokens=most)
        try:
            lease = await self._store.lease(
                self._server, self._model, settled, requests=requests, tokens=tokens, first=first
            )
        except (WikiembedError, psycopg.Error) as error:
            # It may have been committed: what was left stays used, what was used is added again.
            self._more_requests += settled.more_requests
            self._more_tokens += settled.more_tokens
            self._lease = Lease.empty(most_tokens=most, wait_s=self._failures.next_s())
            if self._failures.tries == 1:
                emit("lease_failed", level=30, server=self._server, error=type(error).__name__)
            return
        self._failures.reset()
        if lease is None:
            self._is_limited = False
            self._limited.note(self._server, self._model, limited=False)
            return
        now = self._clock()
        self._lease, self._ends_at = lease.within_slot(), now + lease.slot_left_s
        self._next_at = min(max(self._next_at, now), now + self._lease.spacing_s)
