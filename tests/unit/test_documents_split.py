"""Documents are split into pieces that tile the text, fit, and cut no grapheme."""

from __future__ import annotations

import random
import re
import statistics
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from tests.support.texts import SPLITTERS, Splitter, pieces_of, prose, texts_of_sentences
from wikiembed.documents import SplitOptions, split
from wikiembed.errors import ConfigurationError

SCRIPTS = (
    *(
        "a",
        "B",
        "é",
        "e\u0301",
        "\u0301",
        "\u200d",
        "👨\u200d👩\u200d👧",
        "🇰🇷",
        "🇩",
        "\u1100",
        "\u1161",
    ),
    *(
        "\u11a8",
        "한국어",
        "\u0600",
        "ไทย",
        "ภาษา",
        "日本語。",
        "「文」",
        "中文，",
        "क्ष",
        "\u200b",
        "\x00",
    ),
    *(
        "\x01",
        "\x1c",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "\u2028",
        "\u3000",
        ". ",
        "! ",
        "? \u0301",
    ),
    *("。", ".", "‼\u200d", "\ufe0f", "word ", "A sentence of some length ends here. "),
)
MARKUP = (
    *(
        "# ",
        "\n# H\n",
        "\n== H ==\n",
        "\n- ",
        "\n1. ",
        "```",
        "\n```\n",
        "~~~\n",
        "> ",
        "---\n",
        "===\n",
    ),
    *(
        "|a|b|\n|-|-|\n",
        "<p>",
        "</p>",
        "<h1>",
        "</h1>",
        "<h2 a='<'>",
        "<!--",
        "-->",
        "<script>",
        "<b>",
    ),
    *("</script>", "<ul><li>", "</ul>", "</b>", "<pre>", "</table>", "<table>", "<", ">", "&amp;"),
)
TRICKY = (*SCRIPTS, *MARKUP)
tricky_texts = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(TRICKY), max_size=120).map("".join),
    st.lists(st.tuples(st.sampled_from(TRICKY), st.integers(1, 60)), max_size=12).map(
        lambda runs: "".join(text * times for text, times in runs)
    ),
)


def boundaries(text: str) -> set[int]:
    """Where grapheme clusters begin or end."""
    found = {0}
    at = 0
    for cluster in iter_graphemes(text):
        at += len(cluster)
        found.add(at)
    return found


@given(tricky_texts, st.sampled_from(SPLITTERS), st.sampled_from([32, 50, 100, 1_000]))
def test_split_pieces_tile_the_text(text: str, splitter: Splitter, max_chars: int) -> None:
    """Pieces are in order, not blank, and all that is between them is white space."""
    options = SplitOptions(splitter=splitter, max_chars=max_chars)

    pieces = split(text, options=options)

    ends = [0, *(piece.end for piece in pieces)]
    starts = [*(piece.start for piece in pieces), len(text)]
    assert [text[end:start].strip() for end, start in zip(ends, starts, strict=True)] == (
        [""] * len(starts)
    )
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    assert all(text[piece.start : piece.end].strip() for piece in pieces)
    assert split(text, options=options) == pieces


@given(tricky_texts, st.sampled_from(SPLITTERS), st.sampled_from([32, 50, 100, 1_000]))
def test_split_pieces_fit_and_cut_no_grapheme(
    text: str, splitter: Splitter, max_chars: int
) -> None:
    """No piece is too large, and none ends within a grapheme cluster that fits."""
    pieces = split(text, options=SplitOptions(splitter=splitter, max_chars=max_chars))

    assert all(piece.end - piece.start <= max_chars for piece in pieces)
    if max((len(cluster) for cluster in iter_graphemes(text)), default=0) <= max_chars // 4:
        whole = boundaries(text)
        assert [p for p in pieces if p.start not in whole or p.end not in whole] == []


def test_split_html_cuts_no_cluster_behind_a_tag() -> None:
    """A combining character behind a tag is one cluster with it, and stays there."""
    text = f"<p>\u0301{'word ' * 6}</p>\u0301{'word ' * 6}"

    pieces = split(text, options=SplitOptions(splitter="html", max_chars=32))

    whole = boundaries(text)
    assert len(pieces) > 1
    assert [p for p in pieces if p.start not in whole or p.end not in whole] == []


@given(
    texts_of_sentences,
    st.sampled_from(SPLITTERS),
    st.sampled_from([80, 200, 1_000]),
    st.integers(0, 20),
)
def test_split_pieces_are_not_small(
    text: str, splitter: Splitter, max_chars: int, overlap_chars: int
) -> None:
    """Every piece of a section has a quarter of the limit, unless the section is shorter."""
    pieces = pieces_of(text, splitter, max_chars=max_chars, overlap_chars=overlap_chars)

    assert min(map(len, pieces)) >= min(len(text), max_chars / 4)
    assert max(map(len, pieces)) <= max_chars


@given(texts_of_sentences, st.sampled_from([100, 400]))
def test_split_overlap_repeats_the_end_of_the_piece_before(text: str, max_chars: int) -> None:
    """A piece begins within the one before by at most the overlap, at a word."""
    options = SplitOptions(max_chars=max_chars, overlap_chars=max_chars // 4)

    pieces = split(text, options=options)

    for before, piece in pairwise(pieces):
        assert before.start < piece.start <= before.end + 2
        assert before.end - piece.start <= max_chars // 4
        assert text[piece.start - 1].isspace()
    if len(pieces) > 4:
        assert any(piece.start < before.end for before, piece in pairwise(pieces))


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("text", ["", " \n\t ", "\x1c\u2028\r\n", "\u3000" * 5_000])
def test_split_blank_text_gives_no_piece(text: str, splitter: Splitter) -> None:
    """White space is nothing to embed."""
    assert pieces_of(text, splitter) == []


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize(
    "unit",
    [
        *(
            "x",
            "word ",
            "日本語",
            "ไทย",
            "a\u0301",
            "\U0001f1e6",
            "\x00",
            "...",
            "a. b",
            "a.\n\n",
            "\n",
            "a\n",
        ),
        *(
            "<",
            "<a '",
            "<!--",
            "<pre>",
            "<script>",
            "`",
            "```\n",
            "[",
            "|a",
            "> ",
            "- a\n",
            "# \n",
            "== a",
        ),
        *("*", "((", "[a]: b\n"),
    ],
)
def test_split_any_repeated_text_loses_nothing(unit: str, splitter: Splitter) -> None:
    """And ends: what takes quadratic time would hold the suite up for minutes."""
    text = unit * (60_000 // len(unit))
    pieces = pieces_of(text, splitter)
    assert sum(len("".join(piece.split())) for piece in pieces) == len("".join(text.split()))


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("start", ["a", "a.", "== a", "# a", "<p", "- a", "```", "---\n", "|a|"])
def test_split_long_white_space_loses_nothing(start: str, splitter: Splitter) -> None:
    """A wide gap within a line or between lines."""
    for space in (" ", "\t", "\n", " \n", "\r"):
        pieces = pieces_of(f"{start}{space * 200_000}b", splitter)
        assert "".join("".join(pieces).split()) == "".join(f"{start}b".split())


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000], ids=["words", "one word"])
def test_split_a_megabyte_without_sentences(text: str) -> None:
    """It is split into pieces of sensible length."""
    pieces = pieces_of(text)

    assert 250 <= min(map(len, pieces)) <= max(map(len, pieces)) <= 1_000


def test_split_counts_tokens() -> None:
    """With a tokenizer no piece has more tokens than allowed, and few have far less."""

    def tokens(text: str) -> int:
        return len(re.findall(r"\w{1,4}|[^\w\s]", text))

    text = prose(random.Random(1), 60)

    pieces = split(text, options=SplitOptions(max_tokens=100, tokens=tokens))

    counts = [tokens(text[piece.start : piece.end]) for piece in pieces]
    assert max(counts) <= 100
    assert min(counts) >= 25
    assert statistics.mean(counts) > 50


def test_split_bounds_tokens_that_do_not_add_up() -> None:
    """A tokenizer that gives the whole more tokens than its parts is obeyed, too."""
    options = SplitOptions(max_tokens=1_000, tokens=lambda text: len(text) ** 2 // 100)

    pieces = split(prose(random.Random(1), 20), options=options)

    assert max((piece.end - piece.start) ** 2 // 100 for piece in pieces) <= 1_000


@pytest.mark.parametrize(
    "options",
    [
        {"max_chars": 31},
        {"overlap_chars": -1},
        {"overlap_chars": 251},
        {"max_tokens": 100},
        {"max_tokens": 7, "tokens": len},
    ],
    ids=str,
)
def test_split_options_are_checked(options: dict[str, int]) -> None:
    """Bounds that cannot be kept are refused."""
    with pytest.raises(ValueError, match=next(iter(options))):
        SplitOptions(**options)  # type: ignore[arg-type]


def test_split_names_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without semantic-text-splitter the error says which extra to install."""
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'wikiembed\[wiki\]'"):
        split("e.g. one. two", options=SplitOptions())
