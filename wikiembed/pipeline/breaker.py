"""One breaker a server: while it is out of reach, one probe knocks and all jobs wait."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from wikiembed.errors import EmbedderError, EmbedderMisconfigured, EmbedderUnavailable
from wikiembed.pipeline.verdict import HeldTooLong, Stopping
from wikiembed.telemetry import emit

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 2.5
LONGEST_RETRY_AFTER_S = 120.0


class Breaker:
    """Holds jobs in hand during an outage, and probes with jittered backoff until it ends.

    `probe` embeds one short text and raises EmbedderError. A probe that says the settings are
    wrong ends the wait too: whoever waited gets that error.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        *,
        server: str,
        hold_limit_s: float = 600.0,
    ) -> None:
        self._probe = probe
        self._server = server
        self._hold_limit_s = hold_limit_s
        self._closed = asyncio.Event()
        self._closed.set()
        self._stopping = asyncio.Event()
        self._probing = asyncio.Lock()
        self._knocking: asyncio.Task[None] | None = None
        self._misconfigured: EmbedderMisconfigured | None = None
        self.reason: EmbedderError | None = None
        self._since: float | None = None

    @property
    def outage_s(self) -> float:
        """Seconds since the outage began; 0 while the server is in reach."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def stop(self) -> None:
        """Let nobody wait any longer: the worker is to end."""
        self._stopping.set()
        if self._knocking is not None:
            self._knocking.cancel()

    async def wait(self) -> None:
        """Return when the server is in reach.

        Raises: Stopping, HeldTooLong, EmbedderMisconfigured.
        """
        if self._closed.is_set():
            return
        waits = [
            asyncio.create_task(self._closed.wait()),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(
                waits, timeout=self._hold_limit_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in waits:
                task.cancel()
        if self._closed.is_set():
            if self._misconfigured is not None:
                raise self._misconfigured
            return
        if self._stopping.is_set():
            raise Stopping("The worker stops while the server is out of reach.")
        raise HeldTooLong("The server is out of reach; the job goes back to the queue.")

    async def passes(self, error: EmbedderError) -> bool:
        """Ask the referee after `error`: True when the probe passes, else the outage began.

        Raises: EmbedderMisconfigured when the probe says so.
        """
        async with self._probing:
            if not self._closed.is_set():
                return False
            try:
                await self._probe()
            except EmbedderMisconfigured:
                raise
            except EmbedderError as answer:
                self.open(answer)
                return False
            emit("probe_passed", server=self._server, after=type(error).__name__)
            return True

    def open(self, error: EmbedderError) -> None:
        """Begin an outage, unless one is on."""
        if not self._closed.is_set():
            return
        self._closed.clear()
        self._misconfigured = None
        self._since = time.monotonic()
        self.reason = error
        emit(
            "outage_began",
            level=30,
            server=self._server,
            error=type(error).__name__,
            http_status=error.http_status,
            reason=str(error),
        )
        self._knocking = asyncio.create_task(self._knock(error), name="wikiembed probe")

    async def _knock(self, error: EmbedderError) -> None:
        wait_s = FIRST_WAIT_S
        probes = 0
        while True:
            stated = error.retry_after_s if isinstance(error, EmbedderUnavailable) else None
            jittered = wait_s * random.uniform(0.6, 1.0)  # noqa: S311
            await asyncio.sleep(
                jittered if stated is None else min(max(stated, jittered), LONGEST_RETRY_AFTER_S)
            )
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            probes += 1
            try:
                await self._probe()
            except EmbedderMisconfigured as answer:
                self._misconfigured = answer
                break
            except EmbedderError as answer:
                error = self.reason = answer
                continue
            break
        emit("outage_ended", server=self._server, seconds=round(self.outage_s, 1), probes=probes)
        self._since = None
        self.reason = None
        self._closed.set()
