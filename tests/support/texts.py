"""Texts to split, and the content of their pieces."""

from __future__ import annotations

import random
from typing import Literal

from hypothesis import strategies as st

from wikiembed.documents import SplitOptions, split

Splitter = Literal["text", "markdown", "html"]
SPLITTERS: tuple[Splitter, ...] = ("text", "markdown", "html")
texts_of_sentences = st.builds(
    lambda seed, paragraphs: prose(random.Random(seed), paragraphs),
    st.integers(0, 10**6),
    st.integers(1, 25),
)


def words(chance: random.Random, count: int) -> str:
    """So many words."""
    letters = "etaoinshrdlucmfw"
    return " ".join("".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(count))


def prose(chance: random.Random, paragraphs: int) -> str:
    """Paragraphs of sentences, none like another."""
    return "\n\n".join(
        " ".join(f"{words(chance, chance.randint(4, 30)).capitalize()}." for _ in range(sentences))
        for sentences in (chance.randint(1, 9) for _ in range(paragraphs))
    )


def pieces_of(
    text: str, splitter: Splitter = "text", max_chars: int = 1_000, overlap_chars: int = 0
) -> list[str]:
    """The content of each piece."""
    options = SplitOptions(splitter=splitter, max_chars=max_chars, overlap_chars=overlap_chars)
    pieces = split(text, options=options)
    return [text[piece.start : piece.end] for piece in pieces]
