"""Embed the beginning of a text that is too long: the server cuts, or its limit is searched for."""

from __future__ import annotations

from wikiembed.embedders.base import Cut
from wikiembed.embedders.cut import cut_before
from wikiembed.errors import EmbedderError, TextTooLong
from wikiembed.servers.batch_sender import Sender
from wikiembed.servers.channel import BeforeStart, always
from wikiembed.servers.classify import BatchSuspect
from wikiembed.telemetry import emit

MOST_REQUESTS = 14
"""For one text, where the server has no option to truncate."""
_NEAR = 32
"""The longest beginning is found to within this fraction of it: 1/32."""
_WORD = 16
"""In characters: a smaller step might end within the same word."""
_MARGIN = 0.97
"""Share of the stated limit: tokens are not spread evenly over a text."""


class Truncator:
    """Cuts texts of one source; the limit that one text showed is tried first with the next.

    Where the server states its limit and the text's tokens, that is tried before.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._learned: int | None = None
        self._emitted = False
        self._server_cuts = True  # unless it shows that it cannot

    async def embed(
        self,
        sender: Sender,
        text: str,
        *,
        error: TextTooLong,
        least: int,
        may_begin: BeforeStart = always,
    ) -> Cut | EmbedderError:
        """The vector of a beginning of `text` of more than `least` characters, or the error.

        `error`: the refusal of the whole. Raises: what `Channel.embed` raises, except BatchSuspect.
        """
        if self._server_cuts:
            try:
                cut = await sender.embed_cut(text, may_begin=may_begin)
            except BatchSuspect as suspect:
                if not isinstance(suspect.cause, TextTooLong):
                    return suspect.cause
                self._server_cuts = False
            else:
                self._emit_once(by="server" if cut.chars_kept is None else "client")
                return cut
        self._emit_once(by="client")
        return await self._search(sender, text, error=error, least=least, may_begin=may_begin)

    async def _search(
        self, sender: Sender, text: str, *, error: TextTooLong, least: int, may_begin: BeforeStart
    ) -> Cut | EmbedderError:
        """The vector of the longest beginning that the server was found to accept."""
        search = _Search(len(text), least, self._first(text, error))
        best: Cut | None = None
        for _ in range(MOST_REQUESTS):
            end = cut_before(text, search.guess)
            if not search.takes(end):
                break
            try:
                matrix = await sender.embed([text[:end]], may_begin=may_begin)
            except BatchSuspect as suspect:
                if not isinstance(suspect.cause, TextTooLong):
                    return suspect.cause if best is None else best
                search.refused(end, _stated(end, suspect.cause))
            else:
                best = Cut(matrix=matrix, chars_kept=end)
                self._learned = end
                search.passed(end)
        return error if best is None else best

    def _first(self, text: str, error: TextTooLong) -> int:
        """Length to try first: what the server states, what was learned, or the half."""
        first = _stated(len(text), error) or self._learned or len(text) // 2
        return min(first, len(text) - 1)

    def _emit_once(self, *, by: str) -> None:
        """Emit the event once per process and source."""
        if not self._emitted:
            self._emitted = True
            emit("truncating", level=30, source=self._source, by=by)


def _stated(chars: int, error: TextTooLong) -> int | None:
    """Characters that fit, by the tokens that the server accepts and those that it counted."""
    if error.limit is None or error.given is None:
        return None
    return int(chars * error.limit / error.given * _MARGIN)


class _Search:
    """Search between a length that passes and one that is refused: doubling steps, then halving."""

    def __init__(self, chars: int, least: int, first: int) -> None:
        self._low = least
        self._high = chars
        self._step = 0
        self._has_passed = False
        self.guess = max(first, least + 1)

    def takes(self, end: int) -> bool:
        """Whether to try `end` characters: more than passed, and the limit is not near enough."""
        if not self._low < end < self._high:
            return False
        return not self._has_passed or self._high - self._low > max(1, self._low // _NEAR)

    def refused(self, end: int, stated: int | None) -> None:
        """Record that `end` characters are too many; `stated`: those that fit by the server."""
        self._high = end
        self._step = 0
        middle = (self._low + end) // 2
        fits = stated is not None and self._low < stated < end
        self.guess = stated if stated is not None and fits else middle

    def passed(self, end: int) -> None:
        """Record that `end` characters passed."""
        self._low = end
        first_step = max(_WORD, end // _NEAR)
        self._step = 2 * self._step if self._has_passed and self._step else first_step
        self._has_passed = True
        self.guess = min(end + self._step, (end + self._high + 1) // 2)
