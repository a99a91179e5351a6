"""Articles are split into chunks that fit an embedding model."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikiembed.errors import ConfigurationError
from wikiembed.wiki import MAX_CHUNK_CHARS, Section
from wikiembed.wiki.splitter import clean, digest_of, split_article

SENTENCE = "The river flows north to the sea. "


def visible(text: str) -> str:
    """`text` without any white space."""
    return "".join(text.split())


def test_splitter_chunk_begins_with_title_and_section() -> None:
    """The first line holds title and section, so that a search for them finds the chunk."""
    sections = [
        Section(path=(), text=SENTENCE * 20),
        Section(path=("History", "Early"), text=SENTENCE * 20),
    ]

    chunks = split_article("Nile", sections)

    assert [chunk.split("\n")[0] for chunk in chunks] == ["Nile", "Nile: History / Early"]
    assert chunks[0] == f"Nile\n{(SENTENCE * 20).strip()}"


def test_splitter_joins_small_sections() -> None:
    """Sections too small for a chunk share one, each under its heading."""
    sections = [
        Section(path=(), text="Lead."),
        Section(path=("A",), text="One."),
        Section(path=("B",), text="Two."),
    ]

    assert split_article("T", sections) == ("T\nLead.\n\nA\nOne.\n\nB\nTwo.",)


def test_splitter_keeps_large_sections_apart() -> None:
    """Sections of some length are not mixed, even where they would fit."""
    sections = [
        Section(path=("A",), text="a" * 400),
        Section(path=("B",), text="b" * 400),
    ]

    assert len(split_article("T", sections)) == 2


def test_splitter_makes_even_pieces_that_end_with_sentences() -> None:
    """A text slightly too long for one chunk gives two halves, split after a sentence."""
    chunks = split_article("T", [Section(path=(), text=SENTENCE * 32)])

    assert len(chunks) == 2
    assert all(chunk.endswith(".") for chunk in chunks)
    assert min(map(len, chunks)) > 400


def test_splitter_prefers_paragraphs() -> None:
    """Where paragraphs fit they are joined, not split."""
    paragraphs = [(SENTENCE * count).strip() for count in (15, 14, 16)]

    chunks = split_article("T", [Section(path=(), text="\n\n".join(paragraphs))])

    first, second, third = paragraphs
    assert [chunk.removeprefix("T\n") for chunk in chunks] == [f"{first}\n\n{second}", third]


def test_splitter_removes_what_postgres_refuses() -> None:
    """NUL and lone surrogates are removed, and the rest is in NFC."""
    assert clean("a\0b\ud800c e\u0301") == "abc \u00e9"
    assert split_article("T", [Section(path=("\0",), text="e\u0301\ud800\0")]) == ("T\n\u00e9",)


@pytest.mark.parametrize("text", ["", " \n\t ", "\0\ud800", "\x1c\u2028"])
def test_splitter_blank_text_gives_no_chunk(text: str) -> None:
    """A section of nothing but white space and invalid characters gives nothing."""
    assert split_article("T", [Section(path=("A",), text=text)]) == ()


@given(
    title=st.text(max_size=400),
    sections=st.lists(
        st.builds(
            lambda path, text, times: Section(path=tuple(path), text=text * times),
            st.lists(st.text(max_size=300), max_size=3),
            st.text(max_size=200),
            st.integers(min_value=0, max_value=60),
        ),
        max_size=5,
    ),
)
def test_splitter_any_text_fits_and_keeps_its_words(title: str, sections: list[Section]) -> None:
    """Each chunk fits, is not empty and can be stored, and no character is lost or moved."""
    title = " ".join(clean(title).split())

    chunks = split_article(title, sections)

    rest = visible("".join(chunks))
    for section in sections:
        for character in visible(clean(section.text)):
            at = rest.find(character)
            assert at >= 0
            rest = rest[at + 1 :]
    for chunk in chunks:
        assert len(chunk) <= MAX_CHUNK_CHARS
        assert chunk.partition("\n")[2].strip()
        assert clean(chunk) == chunk
        assert unicodedata.is_normalized("NFC", chunk)
        chunk.encode()


@given(st.text(max_size=120), st.integers(min_value=1, max_value=500))
def test_splitter_one_section_is_kept_exactly(text: str, times: int) -> None:
    """The chunks of a section fit, and without headings they are its exact characters."""
    content = clean(text * times)

    chunks = split_article("T", [Section(path=(), text=content)])

    bodies = [chunk.partition("\n")[2] for chunk in chunks]
    assert visible("".join(bodies)) == visible(content)
    assert all(len(chunk) <= MAX_CHUNK_CHARS for chunk in chunks)


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000], ids=["words", "one word"])
def test_splitter_long_text_without_sentences_costs_linear_time(text: str) -> None:
    """A megabyte without a full stop is split within seconds, losing nothing."""
    started = time.perf_counter()
    chunks = split_article("T", [Section(path=(), text=text)])

    assert time.perf_counter() - started < 8
    assert sum(len(visible(chunk)) - 1 for chunk in chunks) == len(visible(text))


def test_splitter_digest_changes_with_title_and_chunks() -> None:
    """The digest distinguishes titles, chunks and the boundaries of chunks."""
    digests = {
        digest_of("T", ["ab", "c"]),
        digest_of("T", ["a", "bc"]),
        digest_of("U", ["ab", "c"]),
        digest_of("T", ["abc"]),
    }

    assert len(digests) == 4
    assert digest_of("T", ["ab", "c"]) in digests
    assert all(len(digest) == 64 for digest in digests)


def test_splitter_reports_how_to_install_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without semantic-text-splitter the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'wikiembed\[wiki\]'"):
        split_article("T", [Section(path=(), text="a")])
