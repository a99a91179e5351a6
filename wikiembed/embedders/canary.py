"""Find out whether a server truncates silently: two texts that differ at the end, one vector."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wikiembed.embedders.base import Embedder, Role
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderBadAnswer,
    EmbedderError,
    EmbedderLost,
    EmbedderRejected,
    EmbedderTimeout,
    TextTooLong,
)
from wikiembed.vectors import Matrix, alike, usable_rows

LENGTHS = (4_000, 16_000, 64_000)
"""Characters that both texts have in common; the next longer ones only where texts are so long."""
MOST_REQUESTS = 8
"""To find from how many characters on a server truncates, once it is known to."""
REQUEST_S, WHOLE_S = 15.0, 30.0
"""How long one request may take, and all of them together."""
_NEAR = 16
_LEAST_END = 200

Outcome = Literal["silent", "refused", "whole", "unanswered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """What was found: `from_chars` if silent; `checked_chars` is the most that was tried."""

    outcome: Outcome
    from_chars: int | None
    checked_chars: int


async def release_canary(
    embedder: Embedder,
    *,
    chars: int,
    above: int = 0,
    precise: bool = True,
    request_s: float = REQUEST_S,
    whole_s: float = WHOLE_S,
) -> Canary:
    """Embed two texts that have `chars` characters in common and another end.

    If they have one vector, search, unless not `precise`, between `above` and `chars` for the
    number of characters from which on texts are truncated.

    Raises: EmbedderError when the server is out of reach, throttles, or refuses the settings.
    """
    try:
        async with asyncio.timeout(whole_s):
            same = await _same(embedder, chars, request_s)
    except (TimeoutError, EmbedderTimeout, EmbedderLost, EmbedderBadAnswer):
        return Canary(outcome="unanswered", from_chars=None, checked_chars=chars)
    except EmbedderRejected as error:
        return Canary(outcome=_of_refusal(error), from_chars=None, checked_chars=chars)
    if not same:
        return Canary(outcome="whole", from_chars=None, checked_chars=chars)
    found = chars
    if precise:
        found = await _search(embedder, above, chars, request_s=request_s, whole_s=whole_s)
    return Canary(outcome="silent", from_chars=found, checked_chars=chars)


def _of_refusal(error: EmbedderRejected) -> Outcome:
    """A 4xx, or words that name the length, concern the text; another 5xx may be temporary."""
    if isinstance(error, TextTooLong | BatchTooLarge):
        return "refused"
    return "refused" if 400 <= (error.http_status or 0) < 500 else "unanswered"


async def _search(
    embedder: Embedder, low: int, high: int, *, request_s: float, whole_s: float
) -> int:
    """The least number of characters, nearly, that have the vector of any longer text."""
    try:
        async with asyncio.timeout(whole_s):
            for _ in range(MOST_REQUESTS):
                if high - low <= max(1, high // _NEAR):
                    break
                middle = (low + high) // 2
                if await _same(embedder, middle, request_s):
                    high = middle
                else:
                    low = middle
    except (TimeoutError, EmbedderError):
        pass  # what is known so far is right, if not near
    return high


async def _same(embedder: Embedder, chars: int, request_s: float) -> bool:
    """Whether two texts with `chars` characters in common have one vector."""
    texts = [text_of(chars, end) for end in range(2)]
    async with asyncio.timeout(request_s):
        matrix = await _embed(embedder, texts)
    if matrix.shape[0] != len(texts) or not usable_rows(matrix).all():
        raise EmbedderBadAnswer("The server answers a long text without a usable vector.")
    return alike(matrix[0], matrix[1])


async def _embed(embedder: Embedder, texts: Sequence[str]) -> Matrix:
    """In one request, so that the same tokens get the same vector; else in two."""
    try:
        return await embedder.embed(texts, role=Role.DOCUMENT)
    except BatchTooLarge:
        return np.concatenate([await embedder.embed([text], role=Role.DOCUMENT) for text in texts])


_COMMON = (
    "the river runs north from a lake in the hills and old roads follow it to the sea while people"
    " of the valley grow barley and keep sheep on slopes that face the morning sun"
)
_ENDS = (
    "engine valve piston torque gasket clutch diesel rotor",
    "violin sonata choir melody tempo organ opera quartet",
)


def text_of(chars: int, end: int) -> str:
    """Plain English words: `chars` characters that both ends share, and a fifth of other ones."""
    return _words(_COMMON, chars) + _words(_ENDS[end], max(_LEAST_END, chars // 4))


def _words(vocabulary: str, chars: int) -> str:
    """`chars` characters of words and numbers, so that no part repeats another."""
    words = vocabulary.split()
    text = " ".join(
        f"{words[n % len(words)]} {n}" if n % 7 == 6 else words[n % len(words)]
        for n in range(chars // 2)
    )
    return text[: chars - 1] + " "
