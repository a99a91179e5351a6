"""One breaker per channel: while its server is out of reach, one probe is sent and jobs wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from wikiembed.backoff import Backoff, Waits
from wikiembed.errors import EmbedderError, EmbedderMisconfigured, EmbedderUnavailable
from wikiembed.servers.classify import OutageTooLong, Stopping
from wikiembed.servers.listener import Listener, notify
from wikiembed.telemetry import emit

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTimes:
    """How long a breaker waits, in seconds.

    Between two probes: `first_s`, doubled up to `longest_s`, or what the server states up to
    `longest_retry_after_s`; `refused_s` where a server is misconfigured that is one of several.
    A job waits for `longest_outage_s` at most.
    """

    first_s: float = 0.25
    longest_s: float = 2.5
    longest_retry_after_s: float = 120.0
    refused_s: float = 30.0
    longest_outage_s: float = 600.0


class CircuitBreaker:
    """Lets jobs wait during an outage, and probes with jittered backoff until it ends.

    `probe` embeds one short text and raises EmbedderError. EmbedderMisconfigured from a probe ends
    the wait too: the waiting jobs get that error; unless the server is `one_of_several`, which
    stays out until a probe passes.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        *,
        server: str,
        times: BreakerTimes | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        listener: Listener | None = None,
        one_of_several: bool = False,
    ) -> None:
        self._probe = probe
        self._one_of_several = one_of_several
        self._server = server
        self._times = times or BreakerTimes()
        self._sleep = sleep
        self._clock = clock
        self._listener = listener
        self._closed = asyncio.Event()
        self._closed.set()
        self._stopping = asyncio.Event()
        self._probing = asyncio.Lock()
        self._probe_task: asyncio.Task[None] | None = None
        self._misconfigured: EmbedderMisconfigured | None = None
        self.reason: EmbedderError | None = None
        self._since: float | None = None
        self._probe_waits = Waits(
            Backoff(first_s=self._times.first_s, longest_s=self._times.longest_s, jitter=0.4)
        )

    @property
    def outage_s(self) -> float:
        """Seconds since the outage began; 0 while the server is in reach.

        An outage that begins again before any request has passed is still the same one.
        """
        if self._since is None or not self.is_open:
            return 0.0
        return self._clock() - self._since

    def stop(self) -> None:
        """Let no job wait any longer: the worker is to end."""
        self._stopping.set()
        if self._probe_task is not None:
            self._probe_task.cancel()

    async def aclose(self) -> None:
        """Stop, and wait for the probing to end."""
        self.stop()
        if self._probe_task is not None:
            await asyncio.gather(self._probe_task, return_exceptions=True)

    @property
    def is_open(self) -> bool:
        """True while the server is out of reach."""
        return not self._closed.is_set()

    @property
    def is_stopping(self) -> bool:
        """True once no job may wait any longer."""
        return self._stopping.is_set()

    def deadline(self) -> float:
        """Until when a job that starts now may wait, by time.monotonic()."""
        return time.monotonic() + self._times.longest_outage_s

    async def wait(self, *, until: float | None = None) -> None:
        """Return when the server is in reach.

        Raises: Stopping, OutageTooLong (at `until`, also if the server is back),
        EmbedderMisconfigured.
        """
        until = self.deadline() if until is None else until
        waited = False
        while True:
            left_s = until - time.monotonic()
            if self.is_open and self._stopping.is_set():
                raise Stopping("The worker stops while the server is out of reach.")
            if left_s <= 0:
                raise OutageTooLong("The server is out of reach; the job is requeued.")
            if not self.is_open:
                break
            waited = True
            await self._first_of(self._closed, self._stopping, timeout_s=left_s)
        if waited and self._misconfigured is not None:
            raise self._misconfigured

    async def until_stop(self, work: Coroutine[Any, Any, Done]) -> Done:
        """Await `work`; cancel it as soon as no job may wait any longer.

        Raises: Stopping, and what `work` raises.
        """
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Stopping("The worker stops before the server has answered.")
        finally:
            task.cancel()
            stop.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    @staticmethod
    async def _first_of(*events: asyncio.Event, timeout_s: float) -> None:
        tasks = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def passes(self, error: EmbedderError) -> bool:
        """Probe after `error`: True when the probe passes, else the outage begins.

        Raises: EmbedderMisconfigured when the probe does.
        """
        async with self._probing:
            if self.is_open:
                return False
            try:
                await self._probe()
            except EmbedderMisconfigured:
                raise
            except EmbedderError as answer:
                self.open(answer)
                return False
            emit("probe_passed", level=10, server=self._server, after=type(error).__name__)
            return True

    def worked(self) -> None:
        """Record that a request passed: the next outage is a new one."""
        self._since = None
        self._probe_waits.reset()
        if not self.is_open:
            self._notify(None)

    def _notify(self, error: EmbedderError | None) -> None:
        notify(self._listener, error, self.outage_s, server=self._server)

    def open(self, error: EmbedderError) -> None:
        """Begin an outage, or continue the one that no request has ended; one at a time."""
        if self.is_open:
            return
        self._closed.clear()
        self._misconfigured = None
        if self._since is None:
            self._since = self._clock()
        self.reason = error
        if isinstance(error, EmbedderMisconfigured):
            emit("server_refused", level=30, server=self._server, reason=str(error))
        else:
            emit(
                "outage_began",
                level=30,
                server=self._server,
                error=type(error).__name__,
                http_status=error.http_status,
                reason=str(error),
            )
        self._notify(error)
        if not self._stopping.is_set():
            self._probe_task = asyncio.create_task(
                self._probe_until_back(error), name="wikiembed probe"
            )

    async def _probe_until_back(self, error: EmbedderError) -> None:
        began = time.monotonic()
        probes = 0
        while True:
            await self._sleep(self._next_wait_s(error))
            probes += 1
            try:
                await self._probe()
            except EmbedderError as answer:
                if isinstance(answer, EmbedderMisconfigured) and not self._one_of_several:
                    self._misconfigured = answer
                    break
                error = self.reason = answer
                self._notify(answer)
                continue
            except Exception as answer:
                # A bug: the waiting jobs must hit it rather than wait for ever.
                emit("probe_failed", level=40, server=self._server, error=type(answer).__name__)
            break
        seconds = round(time.monotonic() - began, 1)
        emit("outage_ended", server=self._server, seconds=seconds, probes=probes)
        self._close()

    def give_up(self) -> None:
        """End the outage without a probe: the next request shows what the server is like."""
        if self._probe_task is not None:
            self._probe_task.cancel()
        if self.is_open:
            self._close()

    def _close(self) -> None:
        self.reason = None
        self._closed.set()
        self._notify(None)

    def _next_wait_s(self, error: EmbedderError) -> float:
        stated_s = error.retry_after_s if isinstance(error, EmbedderUnavailable) else None
        backoff_s = self._probe_waits.next_s()
        if isinstance(error, EmbedderMisconfigured):
            return max(backoff_s, self._times.refused_s)
        if stated_s is None:
            return backoff_s
        return min(max(stated_s, backoff_s), self._times.longest_retry_after_s)
