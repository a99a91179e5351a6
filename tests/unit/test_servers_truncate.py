"""A text that is too long is embedded by its beginning, truncated by the server or by a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.pipeline_fakes import FakeEmbedder, channel_of, rejected, vector_of
from wikiembed.embedders.base import Cut
from wikiembed.embedders.cut import cut_before
from wikiembed.error_class import ErrorClass
from wikiembed.errors import EmbedderError, TextTooLong
from wikiembed.pipeline.bisection import Bisection
from wikiembed.servers.truncate import MOST_REQUESTS, Truncator

WORDS = " ".join(f"word{i}" for i in range(1000))


def _takes(limit: int, *, states: bool = False) -> FakeEmbedder:
    """An embedder whose server takes `limit` characters, each a token, and may state it."""
    embedder = FakeEmbedder()

    def judge(texts: Sequence[str]) -> EmbedderError | None:
        for text in texts:
            if len(text) > limit:
                numbers = (limit, len(text)) if states else (None, None)
                return TextTooLong("Too long.", limit=numbers[0], given=numbers[1])
        return None

    embedder.judge = judge
    return embedder


async def _bisect(
    embedder: FakeEmbedder, texts: list[str], truncator: Truncator | None, *, prefix: int = 0
) -> Bisection:
    bisection = Bisection(channel_of(embedder), texts, truncator=truncator, prefix=prefix)
    await bisection.run()
    return bisection


@pytest.mark.parametrize("states", [True, False])
@pytest.mark.parametrize("limit", [40, 500, 2000, 6800])
async def test_truncation_finds_the_longest_beginning(limit: int, *, states: bool) -> None:
    """Nearly all that the server accepts is kept, in a bounded number of requests."""
    embedder = _takes(limit, states=states)
    bisection = await _bisect(embedder, [WORDS], Truncator("docs"))
    kept = bisection.kept[0]
    assert kept is not None
    assert limit * 0.84 - 8 <= kept <= limit
    assert WORDS[kept].isspace()
    assert np.array_equal(bisection.vectors[0], vector_of(WORDS[:kept]))
    assert bisection.blamed == {}
    assert len(embedder.requests) <= (6 if states else 1 + MOST_REQUESTS)


async def test_truncation_of_the_next_text_starts_at_the_learned_limit() -> None:
    """It costs a few requests instead of a search from the middle."""
    embedder, truncator = _takes(500), Truncator("docs")
    await _bisect(embedder, [WORDS], truncator)
    searched = len(embedder.requests)
    embedder.requests.clear()
    bisection = await _bisect(embedder, [WORDS[7:]], truncator)
    assert bisection.kept[0] is not None
    assert len(embedder.requests) <= 4 < searched


async def test_truncation_keeps_the_rest_of_the_batch_whole() -> None:
    """Only the long ones are marked; no final request holds one of them beside others."""
    bisection = await _bisect(_takes(60), ["a", WORDS, "b", WORDS], Truncator("docs"))
    assert sorted(bisection.vectors) == [0, 1, 2, 3]
    assert sorted(bisection.kept) == [1, 3]


async def test_text_too_long_is_blamed_without_a_truncator() -> None:
    """Nothing is truncated without a truncator."""
    bisection = await _bisect(_takes(60), ["a", WORDS], None)
    assert bisection.blamed[1].error_class is ErrorClass.TEXT_TOO_LONG
    assert bisection.kept == {}


async def test_truncation_is_left_to_a_server_that_truncates() -> None:
    """One request; how much was kept is unknown."""
    embedder = _takes(60)
    embedder.cuts = lambda text: Cut(matrix=np.ones((1, 4), np.float32), chars_kept=None)
    bisection = await _bisect(embedder, [WORDS], Truncator("docs"))
    assert (bisection.kept, len(embedder.requests), embedder.log.count("cut")) == ({0: None}, 1, 1)


async def test_truncation_is_requested_once_of_a_server_that_cannot_truncate() -> None:
    """The second text is searched immediately."""
    embedder, truncator = _takes(60), Truncator("docs")
    await _bisect(embedder, [WORDS, WORDS[7:]], truncator)
    assert embedder.log.count("cut") == 1


async def test_truncation_does_not_count_the_prefix() -> None:
    """What is kept is counted without it; a limit below it leaves nothing: a failure."""
    bisection = await _bisect(_takes(60), ["query: " + WORDS], Truncator("d"), prefix=7)
    assert bisection.kept[0] is not None
    assert np.array_equal(
        bisection.vectors[0], vector_of(("query: " + WORDS)[: 7 + bisection.kept[0]])
    )
    bisection = await _bisect(_takes(6), ["query: " + WORDS], Truncator("d"), prefix=7)
    assert bisection.blamed[0].error_class is ErrorClass.TEXT_TOO_LONG


async def test_truncation_blames_a_beginning_for_its_own_error() -> None:
    """The class is that of the server's error for the beginning."""
    embedder = _takes(60)
    limited = embedder.judge
    embedder.judge = lambda texts: (
        limited(texts) or (rejected() if texts[0].startswith("word0") else None)
    )
    bisection = await _bisect(embedder, [WORDS], Truncator("docs"))
    assert bisection.blamed[0].error_class is ErrorClass.REJECTED


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("one two three", 20, "one two three"),
        ("one two three", 7, "one two"),
        ("x" * 100 + " tail", 103, "x" * 100),
        ("x" * 200, 103, "x" * 103),
        ("바다와 강", 2, "바다"),
        ("\u1100\u1161\u11a8" * 9, 4, "\u1100\u1161\u11a8"),  # three parts of one syllable each
        ("e\u0301" * 9, 5, "e\u0301" * 2),
        ("\N{FAMILY}\u200d\N{GIRL}" * 3, 4, "\N{FAMILY}\u200d\N{GIRL}"),
        ("🇰🇷🇫🇷", 3, "🇰🇷"),
        ("abc", 0, ""),
    ],
)
def test_truncation_splits_no_grapheme(text: str, most: int, kept: str) -> None:
    """Nor a word, where one ends nearby."""
    assert text[: cut_before(text, most)] == kept
