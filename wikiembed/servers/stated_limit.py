"""What a server states of its limits: recorded when it changes, and compared with leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import psycopg

from wikiembed.embedders.rate_headers import RateHeaders, rate_headers
from wikiembed.errors import WikiembedError
from wikiembed.telemetry import emit

SEEN_FOR_S = 1.0
"""How long what a response says of the server's count is passed on."""
REPORT_EVERY_S = 10.0
"""Least time between two reports: some servers state another limit with every response."""


class Reports(Protocol):
    """Where limits are recorded."""

    async def report(
        self, server: str, model: str, *, requests: int | None, tokens: int | None
    ) -> None:
        """Record what the server states."""
        ...


class StatedLimit:
    """The headers of one server's responses; `on_report` is called when a limit is recorded."""

    def __init__(
        self,
        store: Reports,
        *,
        server: str,
        model: str,
        clock: Callable[[], float],
        on_report: Callable[[], None],
    ) -> None:
        self._store = store
        self._server = server
        self._model = model
        self._clock = clock
        self._on_report = on_report
        self._seen: RateHeaders | None = None
        self._seen_at = 0.0
        self._reported: tuple[int | None, int | None] | None = None
        self._report_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def saw(self, headers: Mapping[str, str]) -> None:
        """Learn what a response states, and record a limit that is new."""
        seen = rate_headers(headers)
        if seen is None:
            return
        self._seen, self._seen_at = seen, self._clock()
        if self._seen_at < self._report_at or (self._task is not None and not self._task.done()):
            return
        if _limits(seen) != self._reported:
            self._report_at = self._seen_at + REPORT_EVERY_S
            self._task = asyncio.create_task(self._report(_limits(seen)), name="wikiembed limit")

    def used(self) -> tuple[int | None, int | None]:
        """Requests and tokens that the server counted in its window, by its last response."""
        seen, self._seen = self._seen, None
        if seen is None or self._clock() - self._seen_at > SEEN_FOR_S:
            return None, None
        return (
            seen.requests.used if seen.requests is not None else None,
            seen.tokens.used if seen.tokens is not None else None,
        )

    async def aclose(self) -> None:
        """End a report that is being made."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _report(self, limits: tuple[int | None, int | None]) -> None:
        requests, tokens = limits
        try:
            await self._store.report(self._server, self._model, requests=requests, tokens=tokens)
        except (WikiembedError, psycopg.Error):
            return  # again with a later response
        self._reported = limits
        self._on_report()
        emit("limit_stated", server=self._server, requests=requests, tokens=tokens)


def _limits(seen: RateHeaders) -> tuple[int | None, int | None]:
    return (
        seen.requests.limit if seen.requests is not None else None,
        seen.tokens.limit if seen.tokens is not None else None,
    )
