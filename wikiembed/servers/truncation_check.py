"""Warn where a server truncates silently: read once per process, checked once per server."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol

import psycopg

from wikiembed.embedders.canary import LENGTHS, Canary
from wikiembed.errors import DatabaseError, DatabaseUnreachable, EmbedderError
from wikiembed.store.truncation import Known, TruncationStore
from wikiembed.telemetry import emit

RETRY_UNANSWERED_S = 86_400.0
"""Wait after a canary that the server did not answer in time: a day."""
RETRY_S = 60.0
"""Wait after a server could not be reached."""


class Release(Protocol):
    """Sends a canary to the server: `Channel.release_canary`."""

    async def __call__(self, *, chars: int, above: int) -> Canary:
        """Raises: EmbedderError."""
        ...


class TruncationCheck:
    """One per process. `before` is called with each batch, and nearly always returns at once."""

    def __init__(
        self, store: TruncationStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._checked: dict[tuple[str, str, str], float] = {}
        self._retry_at: dict[tuple[str, str, str], float] = {}
        self._checking = asyncio.Lock()

    async def before(
        self, source: str, *, server: str, model: str, longest: int, release: Release
    ) -> None:
        """Check, unless known, whether the server truncates texts of `longest` characters.

        Raises: DatabaseUnreachable, and what `release` raises, except EmbedderError.
        """
        key = (source, server, model)
        if longest <= self._checked.get(key, -1):
            return
        async with self._checking:
            now = self._clock()
            if longest <= self._checked.get(key, -1) or now < self._retry_at.get(key, -math.inf):
                return
            try:
                self._checked[key] = await self._check(key, longest, release)
            except EmbedderError:
                # The batch, which is sent next, handles errors of the server.
                self._retry_at[key] = now + RETRY_S
            except DatabaseUnreachable:
                raise
            except (psycopg.Error, DatabaseError) as error:
                self._checked[key] = math.inf
                emit(
                    "truncation_check_failed",
                    level=30,
                    server=server,
                    error=type(error).__name__,
                    reason=str(error)[:200],
                )

    async def _check(self, key: tuple[str, str, str], longest: int, release: Release) -> float:
        """Check; return the number of characters up to which no further check is needed."""
        chars = next((length for length in LENGTHS if longest <= length), LENGTHS[-1])
        known = await self._store.find(*key)
        above = 0
        if known is not None and known.outcome == "whole":
            if known.checked_chars >= chars:
                return known.checked_chars if chars < LENGTHS[-1] else math.inf
            above = known.checked_chars
        elif known is not None and (
            known.outcome != "unanswered" or known.age_s < RETRY_UNANSWERED_S
        ):
            self._warn(key, known.from_chars)
            return math.inf
        found = await release(chars=chars, above=above)
        await self._store.record(*key, Known(found.outcome, found.from_chars, found.checked_chars))
        self._warn(key, found.from_chars)
        return chars if found.outcome == "whole" and chars < LENGTHS[-1] else math.inf

    def _warn(self, key: tuple[str, str, str], from_chars: int | None) -> None:
        source, server, model = key
        if from_chars is not None:
            emit(
                "truncates_silently",
                level=30,
                source=source,
                server=server,
                model=model,
                from_chars=from_chars,
            )
