"""Warn where a server truncates silently: asked of Postgres once a process, of the server once."""

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

AGAIN_UNANSWERED_S = 86_400.0
"""A server that gave a canary no answer in time gets no other one for a day."""
AGAIN_S = 60.0
"""Nor one that could not be reached for so long."""


class Release(Protocol):
    """Asks the server: `Channel.release_canary`."""

    async def __call__(self, *, chars: int, above: int) -> Canary:
        """Raises: EmbedderError."""
        ...


class TruncationCheck:
    """One a process. `before` is called with each batch, and nearly always returns at once."""

    def __init__(
        self, store: TruncationStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._settled: dict[tuple[str, str, str], float] = {}
        self._not_before: dict[tuple[str, str, str], float] = {}
        self._asking = asyncio.Lock()

    async def before(
        self, source: str, *, server: str, model: str, longest: int, release: Release
    ) -> None:
        """See that it is known what the server does with texts of `longest` characters.

        Raises: DatabaseUnreachable, and what `release` raises but for EmbedderError.
        """
        key = (source, server, model)
        if longest <= self._settled.get(key, -1):
            return
        async with self._asking:
            now = self._clock()
            if longest <= self._settled.get(key, -1) or now < self._not_before.get(key, -math.inf):
                return
            try:
                self._settled[key] = await self._settle(key, longest, release)
            except EmbedderError:
                # What the server has is the batch's own business, which comes next.
                self._not_before[key] = now + AGAIN_S
            except DatabaseUnreachable:
                raise
            except (psycopg.Error, DatabaseError) as error:
                self._settled[key] = math.inf
                emit(
                    "truncation_check_failed",
                    level=30,
                    server=server,
                    error=type(error).__name__,
                    reason=str(error)[:200],
                )

    async def _settle(self, key: tuple[str, str, str], longest: int, release: Release) -> float:
        """Up to how many characters nothing needs to be asked any more."""
        chars = next((length for length in LENGTHS if longest <= length), LENGTHS[-1])
        known = await self._store.find(*key)
        above = 0
        if known is not None and known.outcome == "whole":
            if known.checked_chars >= chars:
                return known.checked_chars if chars < LENGTHS[-1] else math.inf
            above = known.checked_chars
        elif known is not None and (
            known.outcome != "unanswered" or known.age_s < AGAIN_UNANSWERED_S
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
