"""Reserves the tokens of a batch before it is sent, of a source that has a budget."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from wikiembed.backoff import Backoff, Waits
from wikiembed.embedders.token_rate import TokenRate
from wikiembed.pipeline.record import BatchRecord
from wikiembed.servers.classify import BudgetInFlight, PausedMeanwhile, Stopping
from wikiembed.telemetry import emit

ASK = Backoff(first_s=0.02, longest_s=0.5)
WAIT_S = 5.0
"""How long a batch waits for others in flight before its job is requeued: the texts of its next
run are read again, and other sources may have its place meanwhile."""
WARN_EVERY_S = 60.0
"""Of batches that a source's budget refuses, all that are in flight: one warning for so long."""
RANDOM_BITS = 20
"""Of a reservation's number, below the id of its job; wikiembed.reserve_budget reads that."""


class Reservations(Protocol):
    """Where budgets are; see ChunkStore."""

    async def reserve_budget(self, source: str, reservation: int, tokens: int) -> bool | None: ...


class Unrecorded(Protocol):
    """What the budgets do not know yet; see Recorder."""

    async def flush_usage(self, source: str) -> None: ...


class Budgets:
    """The reservations of a process's batches, and what it knows of the tokens of their texts."""

    def __init__(
        self, store: Reservations, recorder: Unrecorded, *, wait_s: float = WAIT_S
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._wait_s = wait_s
        self._rates: defaultdict[str, TokenRate] = defaultdict(TokenRate)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._warned_at: dict[str, float] = {}
        self._stopping = False

    def token_rate(self, source: str) -> TokenRate:
        """What is known of the tokens of the source's texts."""
        return self._rates[source]

    def stop(self) -> None:
        """Let no batch wait for a budget any longer."""
        self._stopping = True

    async def reserve(
        self, source: str, record: BatchRecord, texts: Sequence[str], *, job_id: int | None
    ) -> None:
        """Reserve what `texts` will cost of the source's budget; `record` will release it.

        Batches of a source ask one after the other, and while others in flight have reserved what
        is left of the budget, it is asked again: they often use less.

        Raises: PausedMeanwhile when the budget does not suffice: the source is paused then;
        BudgetInFlight after a wait, Stopping.
        """
        until = time.monotonic() + self._wait_s
        waits = Waits(ASK)
        async with self._turns[source]:
            while True:
                await self._recorder.flush_usage(source)
                tokens = record.usage.tokens + self._rates[source].tokens(texts)
                number = _reservation_of(job_id)
                granted = await self._store.reserve_budget(source, number, tokens)
                if granted:
                    record.reservation = number
                    return
                if granted is not None:
                    self._warn(source, tokens)
                    raise PausedMeanwhile(f"Source {source!r} has reached its budget.")
                if self._stopping:
                    raise Stopping("The worker stops while its batch waits for a budget.")
                if time.monotonic() > until:
                    raise BudgetInFlight(f"What is left of the budget of {source!r} is reserved.")
                await asyncio.sleep(waits.next_s())

    def _warn(self, source: str, tokens: int) -> None:
        now = time.monotonic()
        if now - self._warned_at.get(source, -math.inf) > WARN_EVERY_S:
            self._warned_at[source] = now
            emit("budget_reached", level=30, source=source, tokens=tokens)


def _reservation_of(job_id: int | None) -> int:
    """A number for a reservation of the job; for that of a job without an id no batch waits."""
    job = secrets.randbits(63 - RANDOM_BITS) if job_id is None else job_id
    return (job << RANDOM_BITS) + secrets.randbits(RANDOM_BITS)
