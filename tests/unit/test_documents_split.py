"""Documents are split into pieces of which an edit changes few."""

from __future__ import annotations

import random
import re
import statistics
import sys
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from tests.tools.bench.edits import (
    EXPORT,
    GOAL,
    KINDS,
    LEAST_PIECES,
    changed_pieces,
    costs_of_edits,
    documents,
    percentile,
)
from wikiembed.documents import Piece, SplitOptions, split
from wikiembed.errors import ConfigurationError

Splitter = Literal["text", "markdown", "html"]
SPLITTERS: tuple[Splitter, ...] = ("text", "markdown", "html")
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


@given(
    st.integers(0, 10**6),
    st.sampled_from(["word", "insert", "delete", "paragraph"]),
    st.sampled_from(SPLITTERS),
)
def test_split_edit_changes_only_pieces_near_it(seed: int, kind: str, splitter: Splitter) -> None:
    """An edit in a text of some 80 pieces changes 8 at most, all of them in one run."""
    chance = random.Random(seed)
    paragraphs = prose(chance, 80).split("\n\n")
    before = "\n\n".join(paragraphs)
    at = chance.randrange(len(paragraphs))
    sentences = paragraphs[at].split(". ")
    place = chance.randrange(len(sentences))
    match kind:
        case "word":
            sentences[place] = sentences[place].replace(" ", " changed ", 1)
        case "insert":
            sentences.insert(place, words(chance, 12).capitalize())
        case "delete":
            del sentences[place]
    paragraphs[at] = "" if kind == "paragraph" else ". ".join(sentences)
    after = "\n\n".join(paragraphs)

    old, new = pieces_of(before, splitter), pieces_of(after, splitter)

    stored = set(old)
    changed = [index for index, piece in enumerate(new) if piece not in stored]
    assert len(new) > 40
    assert len(changed) <= 8
    assert not changed or changed[-1] - changed[0] < 8


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


def test_split_line_ends_of_any_kind_are_alike() -> None:
    """The same text with CR LF gives pieces of the same words."""
    text = prose(random.Random(4), 12).replace(". ", ".\n")

    crlf = pieces_of(text.replace("\n", "\r\n"), max_chars=2_000)

    assert len(crlf) > 2
    for piece in crlf[:-1]:
        assert f"{piece}\r\n\r\n" in text.replace("\n", "\r\n")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_split_front_matter_is_no_heading(line_end: str) -> None:
    """A line over dashes would be one, and the context of all that follows."""
    text = "---\ntitle: x\n---\n\nLead.\n\n# A\n\nOne.\n".replace("\n", line_end)
    found = split(text, options=SplitOptions(splitter="markdown"))
    assert [piece.heading for piece in found] == ["", "A"]


@pytest.mark.parametrize("text", ["word " * 200_000, "x" * 1_000_000], ids=["words", "one word"])
def test_split_a_megabyte_without_sentences(text: str) -> None:
    """It is split into pieces of sensible length."""
    pieces = pieces_of(text)

    assert 250 <= min(map(len, pieces)) <= max(map(len, pieces)) <= 1_000


def test_split_text_has_sections() -> None:
    """A line in the form of MediaWiki's headings begins a section; the path is kept."""
    text = "Lead.\n\n== A ==\nOne.\n\n=== B ===\nTwo.\n\n== C ==\n\n=== D ===\nThree. a == b ==\n"

    pieces = split(text, options=SplitOptions())

    assert [(piece.heading, text[piece.start : piece.end]) for piece in pieces] == [
        ("", "Lead."),
        ("A", "== A ==\nOne."),
        ("A / B", "=== B ===\nTwo."),
        ("C / D", "== C ==\n\n=== D ===\nThree. a == b =="),
    ]


def test_split_markdown_has_sections() -> None:
    """Headings of both forms begin sections, those in code and quotes do not."""
    text = (
        "---\ntitle: x\n---\n\nLead.\n\n# A #\n\nOne.\n\n```\n# no\n```\n\nTitle\n-----\nTwo.\n"
        "\n> # no\n\n# B\n## C\n\nThree.\n\n# Last\n"
    )

    pieces = split(text, options=SplitOptions(splitter="markdown"))

    assert [(piece.heading, text[piece.start : piece.end]) for piece in pieces] == [
        ("", "---\ntitle: x\n---\n\nLead."),
        ("A", "# A #\n\nOne.\n\n```\n# no\n```"),
        ("A / Title", "Title\n-----\nTwo.\n\n> # no"),
        ("B / C", "# B\n## C\n\nThree."),
        ("Last", "# Last"),
    ]


def test_split_html_has_sections() -> None:
    """Sections begin at h1 to h6; offsets are those of the markup, names are its text."""
    text = (
        "<p>Lead.</p><h1>A &amp; <i>B</i></h1><p>One.</p><!-- <h1>no</h1> -->"
        "<script>'<h1>no</h1>'</script><H2 id=x>C</H2>Two."
    )

    pieces = split(text, options=SplitOptions(splitter="html"))

    assert [piece.heading for piece in pieces] == ["", "A & B", "A & B / C"]
    assert [text[piece.start : piece.end][:12] for piece in pieces] == [
        "<p>Lead.</p>",
        "<h1>A &amp; ",
        "<H2 id=x>C</",
    ]


def repeated(line: str, times: int) -> str:
    """`line` so many times, each with its number for ``#``."""
    return "".join(line.replace("#", str(number)) for number in range(times))


@pytest.mark.parametrize(
    ("splitter", "block"),
    [
        ("markdown", "| n | cell |\n|---|---|\n" + repeated("| # | some cell. Yes |\n", 20)),
        ("markdown", "```python\n" + repeated("value_# = #. Yes\n\n", 20) + "```\n"),
        ("markdown", repeated("- Item #. It has two sentences.\n\n  - Nested #.\n", 10)),
        ("text", repeated("- Item #. It has two sentences.\n", 12)),
        ("text", repeated("Year: #; Winner: Bob #.\n", 18)),
        ("html", f"<table>{repeated('<tr><td>Row #.</td></tr>', 16)}</table>"),
        ("html", "<pre>" + repeated("value = #. Yes\n\n", 20) + "</pre>"),
        ("html", f"<ul>{repeated('<li>Row #. Two.<ul><li>x</ul>', 12)}</ul>"),
    ],
    ids=["table", "code", "list", "text list", "text table", "html table", "pre", "html list"],
)
def test_split_keeps_blocks_whole(splitter: Splitter, block: str) -> None:
    """A table, a list or code that fits is in one piece, wherever it stands."""
    assert 300 < len(block) <= 600
    for seed in range(20):
        chance = random.Random(seed)
        gap = "<p>\n" if splitter == "html" else "\n\n"
        text = prose(chance, 8) + gap + block + gap + prose(chance, 8)

        pieces = pieces_of(text, splitter, max_chars=600)

        assert sum(block.strip() in piece for piece in pieces) == 1


def test_split_cuts_a_long_table_between_rows() -> None:
    """Where a table does not fit, rows are kept whole."""
    rows = [f"| {n} | {words(random.Random(n), 12)} |" for n in range(60)]
    text = "\n".join(["| n | words |", "|---|---|", *rows])

    pieces = pieces_of(text, "markdown", max_chars=500)

    assert len(pieces) > 8
    assert [line for piece in pieces for line in piece.splitlines()] == text.splitlines()


def test_split_prefers_paragraphs_then_sentences() -> None:
    """Pieces of a text with short paragraphs end with paragraphs, else with sentences."""
    chance = random.Random(3)
    short = "\n\n".join(f"{words(chance, 25).capitalize()}. No." for _ in range(60))
    long = prose(chance, 60).replace("\n\n", " ")

    assert {short.count(f"{piece}\n\n") for piece in pieces_of(short)[:-1]} == {1}
    assert [piece for piece in pieces_of(long) if not piece.endswith(".")] == []


@pytest.mark.parametrize(
    ("sentence", "end"),
    [
        ("그는 강을 따라 북쪽으로 걸어갔다. ", "."),
        ("河は北へ流れて海に注ぐ。", "。"),
        ("這條河向北流入大海，沿岸有許多村莊。", "。"),
        ("नदी उत्तर की ओर बहती है। ", "।"),
        ("يجري النهر شمالا إلى البحر؟ ", "؟"),
        ("แม่น้ำไหลไปทางเหนือสู่ทะเล ", ""),
    ],
    ids=["korean", "japanese", "chinese", "hindi", "arabic", "thai"],
)
def test_split_ends_with_sentences_of_other_scripts(sentence: str, end: str) -> None:
    """Sentences are found without spaces; Thai, which marks none, is cut at spaces."""
    pieces = pieces_of(sentence * 100, max_chars=300)

    assert {piece[-1:] for piece in pieces} == {end or sentence.strip()[-1]}


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


@pytest.fixture(scope="module")
def long_articles() -> list[str]:
    """Articles of the real export that give ten pieces or more."""
    if not EXPORT.exists():
        pytest.skip(f"{EXPORT} is not there")
    options = SplitOptions()
    return [text for _, text in documents() if len(split(text, options=options)) >= LEAST_PIECES]


@pytest.mark.parametrize("kind", KINDS)
def test_split_edits_of_real_articles_change_few_pieces(
    long_articles: list[str], kind: str
) -> None:
    """The mean, the median and the 99th percentile reach their goals; the benchmark edits more."""
    costs = costs_of_edits(long_articles, KINDS[kind], SplitOptions(), edits=60)

    assert len(long_articles) > 50
    assert statistics.mean(costs) <= GOAL["mean"]
    assert statistics.median(costs) <= GOAL["median"]
    assert percentile(costs, 0.99) <= GOAL["p99"]


def test_split_changed_pieces_are_counted() -> None:
    """The measure itself: a changed word is one piece, the same text none."""
    text = prose(random.Random(5), 20)

    assert changed_pieces(text, text, SplitOptions()) == 0
    assert changed_pieces(text, text.replace(text[:20], "Other"), SplitOptions()) >= 1
    assert split("One.", options=SplitOptions()) == [Piece(0, 4, "")]
