"""Limits of servers over all workers: leases of requests and tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wikiembed.store.calls import fetch_all

if TYPE_CHECKING:
    from wikiembed.db.pool import Pool

_LEASE = """
select slot, slot_left_s, slot_s, requests, tokens, wait_s, spacing_s, most_tokens
  from wikiembed.lease_requests(
    %s, %s, %s::int, %s::bigint, %s::bigint, %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint,
    %s::bigint, %s::bigint, %s::bigint)
"""


Left = tuple[int, int, int]
"""A slot, and the requests and tokens that were leased in it and not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was not used of leases, a slot each, and what was sent beyond any."""

    left: tuple[Left, ...] = ()
    more_requests: int = 0
    more_tokens: int = 0
    seen_requests: int | None = None
    seen_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Requests, with tokens, to be sent within `slot_left_s`, `spacing_s` apart; see SQL.

    With none, they are to be asked for again after `wait_s`. `most_tokens`: the whole limit; None:
    tokens have none.
    """

    slot: int | None
    slot_left_s: float
    slot_s: float
    requests: int
    tokens: int
    wait_s: float
    spacing_s: float
    most_tokens: int | None

    @classmethod
    def empty(cls, *, most_tokens: int | None = None, wait_s: float = 0.0) -> Lease:
        """No request of no slot."""
        return cls(None, 0.0, 0.0, 0, 0, wait_s, 0.0, most_tokens)

    def without(self, *, requests: int, tokens: int) -> Lease:
        """What is left of it."""
        return replace(self, requests=self.requests - requests, tokens=self.tokens - tokens)

    def within_slot(self) -> Lease:
        """The same, with its requests so far apart that the slot holds them."""
        return replace(
            self, spacing_s=min(self.spacing_s, self.slot_left_s / max(1, self.requests))
        )


class LimitStore:
    """The calls by which a worker keeps to limits.

    Every method raises WikiembedError or psycopg.Error.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def limited(self) -> frozenset[tuple[str, str]]:
        """Servers and models that have a limit; see wikiembed.limited_servers."""
        rows = await fetch_all(
            self._pool, "select server, model from wikiembed.limited_servers()", ()
        )
        return frozenset((server, model) for server, model in rows)

    async def lease(
        self, server: str, model: str, settled: Settled, *, requests: int, tokens: int, first: int
    ) -> Lease | None:
        """Lease up to `requests` of `tokens` in all, the first of `first`; None: no limit."""
        rows = await fetch_all(
            self._pool,
            _LEASE,
            (
                *(server, model, requests, tokens, first),
                *([left[i] for left in settled.left] for i in range(3)),
                *(settled.more_requests, settled.more_tokens),
                *(settled.seen_requests, settled.seen_tokens),
            ),
        )
        return Lease(*rows[0]) if rows else None

    async def report(
        self, server: str, model: str, *, requests: int | None, tokens: int | None
    ) -> None:
        """Record what the server states; see wikiembed.report_limit."""
        await fetch_all(
            self._pool,
            "select wikiembed.report_limit(%s, %s, %s::int, %s::bigint)",
            (server, model, requests, tokens),
        )

    async def block(self, server: str, model: str, *, seconds: float) -> None:
        """Let no worker send for `seconds`; see wikiembed.block_limit."""
        await fetch_all(
            self._pool,
            "select wikiembed.block_limit(%s, %s, %s::float8)",
            (server, model, seconds),
        )
