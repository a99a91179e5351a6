"""Records in Postgres the outages that the breakers of this process report, and their ends.

A task of its own writes them, so that no job ever waits for a write or fails because of it. A
failed write is retried later with the state of that time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Protocol

import psycopg

from wikiembed.backoff import Backoff
from wikiembed.errors import DatabaseUnreachable, EmbedderError
from wikiembed.servers.classify import always_outage, error_class_of
from wikiembed.servers.listener import Listener
from wikiembed.telemetry import emit


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTimes:
    """When outages are written, in seconds.

    Outages shorter than `settle_s` are not written, nor are ends that last no longer. An open one
    is written again every `refresh_s`; a failed write after `retry_s`, doubled up to
    `longest_retry_s`. While a server answers, an outage that a dead worker left open is ended
    every `recheck_s`, if no worker has reported it for `unseen_s`. The end of the process waits
    for `close_within_s`.
    """

    settle_s: float = 1.0
    refresh_s: float = 30.0
    retry_s: float = 5.0
    longest_retry_s: float = 60.0
    recheck_s: float = 300.0
    unseen_s: float = 90.0
    close_within_s: float = 1.0


class Store(Protocol):
    """What the log uses of wikiembed.store.OutageStore."""

    async def report(
        self, server: str, *, since_s: float, error_class: str, http_status: int | None, reason: str
    ) -> None:
        """Open or refresh the server's outage."""
        ...

    async def end(self, server: str, *, ended_s: float, unseen_s: float) -> None:
        """End the server's outage, if one exists that no worker has reported for `unseen_s`."""
        ...


@dataclass(frozen=True, slots=True)
class _Outage:
    """Since when one channel cannot reach its server, by the log's clock, and why."""

    since: float
    error: EmbedderError


@dataclass(slots=True)
class _Server:
    """One server: its open outages, one per channel, and the state recorded in Postgres.

    `recorded_down` None: nothing yet, so its first answer ends what a dead worker left open.
    """

    name: str
    outages: dict[object, _Outage] = field(default_factory=dict)
    answered_at: float | None = None
    recorded_down: bool | None = None
    recorded_at: float = 0.0
    not_before: float = 0.0
    failures: int = 0

    def needs_answer(self, recorded_before: float) -> bool:
        """Whether an answer is to be recorded: the first one, or the first in a long time."""
        return self.answered_at is None or (
            self.recorded_down is False and self.recorded_at < recorded_before
        )

    def due_at(self, times: LogTimes, *, hurry: bool) -> float | None:
        """When to record the present state; None: it is recorded."""
        if self.outages:
            since = min(outage.since for outage in self.outages.values())
            due = (
                self.recorded_at + times.refresh_s if self.recorded_down else since + times.settle_s
            )
        elif self.answered_at is None:
            return None
        elif self.recorded_down is False:
            if self.answered_at < self.recorded_at + times.recheck_s:
                return None
            due = self.answered_at
        else:
            due = self.answered_at + (times.settle_s if self.recorded_down and not hurry else 0)
        return max(due, self.not_before)


class OutageLog:
    """One per process; `listener` is for a breaker, `aclose` ends the writing.

    A worker that stops while a server is out of reach leaves its outage open.
    """

    def __init__(self, store: Store, *, times: LogTimes | None = None) -> None:
        self._store = store
        self._times = times or LogTimes()
        self._backoff = Backoff(first_s=self._times.retry_s, longest_s=self._times.longest_retry_s)
        self._clock = time.monotonic
        self._servers: dict[str, _Server] = {}
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._closing = False

    def listener(self, server: str) -> Listener:
        """The listener for the breaker of one channel to `server`."""
        known = self._servers.setdefault(server, _Server(server))
        channel = object()

        def on_state(error: EmbedderError | None, outage_s: float) -> None:
            now = self._clock()
            before = known.outages.pop(channel, None)
            if error is not None:
                since = now - outage_s if before is None else min(before.since, now - outage_s)
                known.outages[channel] = _Outage(since, error)
            elif before is not None or known.needs_answer(now - self._times.recheck_s):
                known.answered_at = now
            else:
                return  # one answer of many
            self._changed.set()
            if self._writing is None and not self._closing:
                self._writing = asyncio.create_task(self._write(), name="wikiembed outages")

        return on_state

    async def aclose(self) -> None:
        """Write the ends that are due, within `close_within_s`, and stop."""
        self._closing = True
        self._changed.set()
        if self._writing is None:
            return
        _, pending = await asyncio.wait([self._writing], timeout=self._times.close_within_s)
        if pending:
            # No longer: a hanging Postgres must not delay the end of the process.
            self._writing.cancel()
            await asyncio.wait([self._writing], timeout=self._times.close_within_s)

    async def _write(self) -> None:
        while True:
            self._changed.clear()
            last = self._closing
            for server in list(self._servers.values()):
                due = server.due_at(self._times, hurry=last)
                if due is not None and due <= self._clock():
                    await self._record(server)
            if last:
                return
            dues = [s.due_at(self._times, hurry=False) for s in self._servers.values()]
            soonest = min((due for due in dues if due is not None), default=None)
            wait_s = None if soonest is None else max(0.0, soonest - self._clock())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)

    async def _record(self, server: _Server) -> None:
        down = bool(server.outages)
        try:
            if down:
                await self._report(server)
            elif server.answered_at is not None:
                await self._store.end(
                    server.name,
                    ended_s=self._clock() - server.answered_at,
                    unseen_s=self._times.unseen_s if server.recorded_down is False else 0,
                )
        except Exception as error:
            server.not_before = self._clock() + self._backoff.wait_s(server.failures)
            server.failures += 1
            _emit_failure(server, error)
        else:
            server.recorded_down, server.recorded_at = down, self._clock()
            server.failures = 0

    async def _report(self, server: _Server) -> None:
        outages = list(server.outages.values())
        latest = outages[-1].error
        await self._store.report(
            server.name,
            since_s=self._clock() - min(outage.since for outage in outages),
            error_class="throttled" if always_outage(latest) else error_class_of(latest),
            http_status=latest.http_status,
            reason=" ".join(str(latest).split()),
        )


def _emit_failure(server: _Server, error: Exception) -> None:
    """Emit once until a write succeeds; not for a lost Postgres, which is reported elsewhere."""
    if server.failures == 1 and not isinstance(
        error, DatabaseUnreachable | psycopg.OperationalError
    ):
        emit(
            "outage_not_kept",
            level=30,
            server=server.name,
            error=type(error).__name__,
            reason=str(error)[:200],
        )
