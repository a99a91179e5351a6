"""After a crash of the server, requests are sent one at a time until the text at fault is known.

A text may kill the process that embeds it. The probe then fails, so it is an outage; but when the
server is back, the same text kills it again. Sending it alone distinguishes the two.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from wikiembed.errors import EmbedderError

SERIAL_AFTER_CRASH = 16
"""Requests that must pass one at a time after one that was sent alone crashed the server."""


@dataclass(slots=True, kw_only=True)
class Passage:
    """One batch on its way to the server; it waits until `until`, by time.monotonic().

    `came_at`: its start, by the channel's clock. `suspect`: the error with which a server went
    down during it, if one did. `serial`: it is sent one at a time. `alone`: no other request of
    this process is in flight.
    """

    until: float
    came_at: float
    suspect: EmbedderError | None = None
    serial: bool = False
    alone: bool = False


class CrashQuarantine:
    """Admits all batches until the server crashes with requests in flight: those are suspects."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._suspects = 0
        self._serial_left = 0
        self._in_flight = 0
        self.cause: EmbedderError | None = None

    @contextlib.asynccontextmanager
    async def enter(self, passage: Passage) -> AsyncIterator[None]:
        """Wait until the batch may be sent, where requests are sent one at a time."""
        passage.serial = bool(self._suspects or self._serial_left)
        async with self._turn if passage.serial else contextlib.nullcontext():
            passage.alone = passage.serial and self._in_flight == 0
            self._in_flight += 1
            try:
                yield
            finally:
                self._in_flight -= 1

    def went_down(self, passage: Passage, error: EmbedderError) -> None:
        """Record that the server crashed with this batch, and perhaps others, in flight."""
        self.cause = error
        if passage.alone:
            self._serial_left = SERIAL_AFTER_CRASH
        if passage.suspect is None:
            self._suspects += 1
        passage.suspect = error

    def passed(self) -> None:
        """Record that a request passed."""
        self._serial_left = max(0, self._serial_left - 1)

    def leave(self, passage: Passage) -> None:
        """End the passage, whatever its outcome."""
        self._suspects -= passage.suspect is not None
