"""The reranker of a client: its outages cost a search its order by the reranker, never its hits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wikiembed.config import Settings
from wikiembed.errors import EmbedderError, EmbedderThrottled
from wikiembed.telemetry import emit

if TYPE_CHECKING:
    from wikiembed.embedders.rerank import Reranker

PAUSE_S = 10.0
_SLOW_S = 1.0
_LONGEST_PAUSE_S = 60.0


class Reranks:
    """Asks the reranker of `settings`; `failure` is the sentence of its outage, else None.

    After a failure that was waited for, or that asks to wait, no search waits again for some
    seconds.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reranker: Reranker | None = None
        self._closed_until = 0.0
        self.failure: str | None = None

    async def scores(self, query: str, texts: Sequence[str]) -> list[float] | None:
        """How well each of `texts` answers `query`; None in an outage, which is logged once.

        Raises: ConfigurationError when the reranker's address or key cannot be used.
        """
        if self._reranker is None:
            # Imported here, as it imports what speaks HTTP: no search needs it without a reranker.
            from wikiembed.embedders.rerank import Reranker

            self._reranker = Reranker(self._settings)
        began = asyncio.get_running_loop().time()
        if began < self._closed_until:
            return None
        try:
            found = await self._reranker.scores(query, texts)
        except EmbedderError as error:
            now = asyncio.get_running_loop().time()
            self._closed_until = now + _pause(error, took_s=now - began)
            self._report(error, server=self._reranker.server)
            return None
        self._closed_until = 0.0
        self.failure = None
        return found

    async def aclose(self) -> None:
        """Close the connections to the reranker."""
        if self._reranker is not None:
            await self._reranker.aclose()
            self._reranker = None

    def _report(self, error: EmbedderError, *, server: str) -> None:
        first = self.failure is None
        self.failure = str(error)
        if first:
            emit(
                "reranker_failed",
                level=logging.WARNING,
                server=server,
                error=type(error).__name__,
                http_status=error.http_status,
                reason=str(error),
            )


def _pause(error: EmbedderError, *, took_s: float) -> float:
    """Seconds for which the reranker is not asked after `error`."""
    asked = error.retry_after_s if isinstance(error, EmbedderThrottled) else None
    if asked is not None:
        return min(asked, _LONGEST_PAUSE_S)
    return PAUSE_S if took_s >= _SLOW_S else 0.0
