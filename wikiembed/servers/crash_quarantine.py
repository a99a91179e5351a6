"""After a server went down under requests: they go in one at a time, until the culprit is known.

A text may kill the process that embeds it. The probe then fails, so it is an outage; but when the
server comes back, the same text kills it again. What tells the two apart is that it stands alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from wikiembed.errors import EmbedderError

OWED_AFTER_CRASH = 16
"""Requests that must pass one at a time after one that stood alone took the server down."""


@dataclass(slots=True, kw_only=True)
class Passage:
    """One batch on its way to the server; held until `until`, as of time.monotonic().

    `came_at`: when it came, by the channel's clock. `careful`: it goes in its turn. `alone`: no
    other request of this process is under way.
    """

    until: float
    came_at: float
    suspect: bool = False
    careful: bool = False
    alone: bool = False


class CrashQuarantine:
    """Open to all, until the server went down with requests under way: those are suspects."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._suspects = 0
        self._owed = 0
        self._under_way = 0
        self.cause: EmbedderError | None = None

    @contextlib.asynccontextmanager
    async def enter(self, passage: Passage) -> AsyncIterator[None]:
        """Wait for the passage's turn, where requests take turns."""
        passage.careful = bool(self._suspects or self._owed)
        async with self._turn if passage.careful else contextlib.nullcontext():
            passage.alone = passage.careful and self._under_way == 0
            self._under_way += 1
            try:
                yield
            finally:
                self._under_way -= 1

    def went_down(self, passage: Passage, error: EmbedderError) -> None:
        """The server went down while it had this batch, and perhaps others."""
        self.cause = error
        if passage.alone:
            self._owed = OWED_AFTER_CRASH
        if not passage.suspect:
            passage.suspect = True
            self._suspects += 1

    def passed(self) -> None:
        """A request passed."""
        self._owed = max(0, self._owed - 1)

    def leave(self, passage: Passage) -> None:
        """The passage ends, whatever came of it."""
        self._suspects -= passage.suspect
