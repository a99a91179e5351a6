"""Documents are split at sections, paragraphs and sentences; tables, lists and code stay whole."""

from __future__ import annotations

import random

import pytest

from tests.support.texts import Splitter, pieces_of, prose, words
from wikiembed.documents import SplitOptions, split


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
