"""An article is rendered as one text, whose headings the splitter finds again."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wikiembed.documents import SplitOptions, split
from wikiembed.wiki import Section
from wikiembed.wiki.render import clean, render_text

LEAD = Section(path=(), text="Lead.")


def headings_of(sections: list[Section]) -> list[str]:
    """The heading of each piece of the rendered text."""
    text = render_text(sections)
    return [piece.heading for piece in split(text, options=SplitOptions())]


def visible(text: str) -> str:
    """`text` without any white space."""
    return "".join(text.split())


def test_render_writes_headings_as_mediawiki_does() -> None:
    """Two signs for the highest level; a heading without text of its own is written once."""
    sections = [
        LEAD,
        Section(path=("History", "Early"), text="One.\n\nTwo."),
        Section(path=("History", "Late"), text="Three."),
    ]

    assert render_text(sections) == (
        "Lead.\n\n== History ==\n\n=== Early ===\n\nOne.\n\nTwo.\n\n=== Late ===\n\nThree."
    )
    assert headings_of(sections) == ["", "History / Early", "History / Late"]


def test_render_repeats_a_heading_of_the_same_name() -> None:
    """Two sections of one name stay two, and so does one whose name is that of the path before."""
    sections = [
        Section(path=("A", "B"), text="One."),
        Section(path=("A",), text="Two."),
        Section(path=("A",), text="Three."),
    ]

    assert headings_of(sections) == ["A / B", "A", "A"]


@pytest.mark.parametrize("name", ["E = mc²", "a=", "=b", "==", "x  y", "#1 *", "<b>"])
def test_render_keeps_any_name_of_a_heading(name: str) -> None:
    """Signs in it are no part of the markup."""
    assert headings_of([LEAD, Section(path=(name,), text="Text.")])[1] == " ".join(name.split())


@pytest.mark.parametrize(
    "line", ["= x =", "== x ==", "=x= ", "# x", "x\n===", "x\n---", "```", "<!--", "    x", "|a|"]
)
def test_render_text_is_no_markup(line: str) -> None:
    """What looks like a heading in some markup neither becomes one nor hides one after it."""
    sections = [
        Section(path=("A",), text=f"Before.\n{line}\nafter."),
        Section(path=("B",), text="Text."),
    ]

    assert headings_of(sections) == ["A", "B"]
    assert visible(line) in visible(render_text(sections))


def test_render_removes_what_postgres_refuses() -> None:
    """NUL and lone surrogates are removed, and the rest is in NFC."""
    assert clean("a\0b\ud800c e\u0301") == "abc \u00e9"
    assert render_text([Section(path=("\0",), text="e\u0301\ud800\0")]) == "\u00e9"


@pytest.mark.parametrize("text", ["", " \n\t ", "\0\ud800", "\x1c\u2028"])
def test_render_blank_section_gives_nothing(text: str) -> None:
    """Not even its heading."""
    assert render_text([Section(path=("A",), text=text)]) == ""


@given(
    sections=st.lists(
        st.builds(
            lambda path, text, times: Section(path=tuple(path), text=text * times),
            st.lists(st.text(max_size=30), max_size=8),
            st.text(max_size=200) | st.text("= x\n", max_size=12),
            st.integers(min_value=0, max_value=30),
        ),
        max_size=5,
    ),
)
@example(sections=[Section(path=tuple("abcdefg"), text="x")])
def test_render_any_text_keeps_its_words_and_sections(sections: list[Section]) -> None:
    """It can be stored, no character is lost or moved, and no piece has a heading of its own."""
    text = render_text(sections)

    assert clean(text) == text
    assert unicodedata.is_normalized("NFC", text)
    rest = visible(text)
    for section in sections:
        for character in visible(clean(section.text)):
            at = rest.find(character)
            assert at >= 0
            rest = rest[at + 1 :]
    with_text = [section for section in sections if clean(section.text).strip()]
    depths = {min(len([n for n in s.path if clean(n).split()]), 5) for s in with_text}
    found = {heading.count(" / ") + 1 if heading else 0 for heading in headings_of(sections)}
    if not any("/" in name for section in sections for name in section.path):
        assert found <= depths
