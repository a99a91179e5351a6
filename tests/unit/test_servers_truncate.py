"""A text that is too long is embedded by its beginning: by the server, else by a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.pipeline_fakes import FakeEmbedder, channel_of, rejected, vector_of
from wikiembed.embedders import Cut
from wikiembed.embedders.cut import cut_before
from wikiembed.error_class import ErrorClass
from wikiembed.errors import EmbedderError, TextTooLong
from wikiembed.pipeline.bisection import Bisection
from wikiembed.servers.truncate import MOST_REQUESTS, Truncator

WORDS = " ".join(f"word{i}" for i in range(1000))


def _takes(limit: int, *, states: bool = False) -> FakeEmbedder:
    """An embedder whose server takes `limit` characters, each a token, and may say so."""
    embedder = FakeEmbedder()

    def judge(texts: Sequence[str]) -> EmbedderError | None:
        for text in texts:
            if len(text) > limit:
                numbers = (limit, len(text)) if states else (None, None)
                return TextTooLong("Too long.", limit=numbers[0], given=numbers[1])
        return None

    embedder.judge = judge
    return embedder


async def _isolated(
    embedder: FakeEmbedder, texts: list[str], truncator: Truncator | None, *, prefix: int = 0
) -> Bisection:
    bisection = Bisection(channel_of(embedder), texts, truncator=truncator, prefix=prefix)
    await bisection.run()
    return bisection


@pytest.mark.parametrize("states", [True, False])
@pytest.mark.parametrize("limit", [40, 500, 2000, 6800])
async def test_the_longest_beginning_is_found(limit: int, *, states: bool) -> None:
    """Nearly all that the server takes is kept, in a bounded number of requests."""
    embedder = _takes(limit, states=states)
    bisection = await _isolated(embedder, [WORDS], Truncator("docs"))
    kept = bisection.kept[0]
    assert kept is not None
    assert limit * 0.84 - 8 <= kept <= limit
    assert WORDS[kept].isspace()
    assert np.array_equal(bisection.vectors[0], vector_of(WORDS[:kept]))
    assert bisection.blamed == {}
    assert len(embedder.requests) <= (6 if states else 1 + MOST_REQUESTS)


async def test_the_next_text_begins_at_the_limit_that_was_learned() -> None:
    """It costs a few requests instead of a search from the middle."""
    embedder, truncator = _takes(500), Truncator("docs")
    await _isolated(embedder, [WORDS], truncator)
    searched = len(embedder.requests)
    embedder.requests.clear()
    bisection = await _isolated(embedder, [WORDS[7:]], truncator)
    assert bisection.kept[0] is not None
    assert len(embedder.requests) <= 4 < searched


async def test_the_rest_of_the_batch_is_whole() -> None:
    """Only the long ones are marked; no request holds one of them beside others in the end."""
    bisection = await _isolated(_takes(60), ["a", WORDS, "b", WORDS], Truncator("docs"))
    assert sorted(bisection.vectors) == [0, 1, 2, 3]
    assert sorted(bisection.kept) == [1, 3]


async def test_without_a_shortener_the_text_is_blamed() -> None:
    """Nothing is cut that nobody asked to cut."""
    bisection = await _isolated(_takes(60), ["a", WORDS], None)
    assert bisection.blamed[1].error_class is ErrorClass.TEXT_TOO_LONG
    assert bisection.kept == {}


async def test_a_server_that_cuts_is_asked_to() -> None:
    """One request, and how much was kept is not known."""
    embedder = _takes(60)
    embedder.cuts = lambda text: Cut(matrix=np.ones((1, 4), np.float32), chars_kept=None)
    bisection = await _isolated(embedder, [WORDS], Truncator("docs"))
    assert (bisection.kept, len(embedder.requests), embedder.log.count("cut")) == ({0: None}, 1, 1)


async def test_a_server_that_cannot_cut_is_asked_once() -> None:
    """The second text goes to the search at once."""
    embedder, truncator = _takes(60), Truncator("docs")
    await _isolated(embedder, [WORDS, WORDS[7:]], truncator)
    assert embedder.log.count("cut") == 1


async def test_the_prefix_is_no_text() -> None:
    """What is kept is counted without it; a limit below it leaves nothing: a failure."""
    bisection = await _isolated(_takes(60), ["query: " + WORDS], Truncator("d"), prefix=7)
    assert bisection.kept[0] is not None
    assert np.array_equal(
        bisection.vectors[0], vector_of(("query: " + WORDS)[: 7 + bisection.kept[0]])
    )
    bisection = await _isolated(_takes(6), ["query: " + WORDS], Truncator("d"), prefix=7)
    assert bisection.blamed[0].error_class is ErrorClass.TEXT_TOO_LONG


async def test_a_beginning_that_is_refused_for_another_reason_is_blamed_for_it() -> None:
    """The class is that of what the server said of the beginning."""
    embedder = _takes(60)
    limited = embedder.judge
    embedder.judge = lambda texts: (
        limited(texts) or (rejected() if texts[0].startswith("word0") else None)
    )
    bisection = await _isolated(embedder, [WORDS], Truncator("docs"))
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
def test_a_cut_splits_no_character_of_a_reader(text: str, most: int, kept: str) -> None:
    """Nor a word, where one ends near."""
    assert text[: cut_before(text, most)] == kept
