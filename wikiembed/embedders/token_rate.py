"""The tokens of texts before they are sent: by what servers counted of earlier ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wikiembed.embedders.tokens import BYTES_PER_TOKEN
from wikiembed.embedders.usage import Usage

FORGET = 0.95
"""Share of an earlier rate below which the next batch's is not taken: texts differ."""


class TokenRate:
    """Tokens per byte of texts: the most of late, from what the server counted.

    Before its first answer `BYTES_PER_TOKEN` is assumed.
    """

    def __init__(self) -> None:
        self._rate = 1 / BYTES_PER_TOKEN
        self._is_known = False

    def tokens(self, texts: Sequence[str]) -> int:
        """The estimate of what `texts` will cost."""
        return math.ceil(self._rate * _bytes(texts))

    def learn(self, texts: Sequence[str], usage: Usage) -> None:
        """Learn from a batch in which each of `texts` was sent once and the server counted."""
        if usage.texts != len(texts) or usage.estimated or not usage.tokens:
            return
        rate = usage.tokens / max(1, _bytes(texts))
        self._rate = max(rate, FORGET * self._rate) if self._is_known else rate
        self._is_known = True


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)
