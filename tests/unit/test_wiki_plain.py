"""Wikitext becomes plain text, section by section."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikiembed.errors import ConfigurationError
from wikiembed.wiki import RawPage, Section, plain
from wikiembed.wiki.plain import to_sections

HIDDEN = frozenset({"media", "file", "image", "category", "datei"})


def sections_of(wikitext: str) -> list[Section]:
    """The sections of a page with this wikitext."""
    return to_sections(RawPage(title="T", wikitext=wikitext, hidden_prefixes=HIDDEN))


def text_of(wikitext: str) -> str:
    """The text of a page without headings."""
    return "".join(section.text for section in sections_of(wikitext))


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("'''Bold''' and ''slanted'' and '''''both'''''.", "Bold and slanted and both."),
        ("[[Target]] and [[Target|shown]]s", "Target and showns"),
        ("[[:Category:Rivers]] shown", "Category:Rivers shown"),
        ("[http://x.org site] and [http://x.org]", "site and"),
        ("A{{Infobox|a={{b|c}}|d=[[e]]}}B", "AB"),
        ("A {{convert|10|to|12|km|mi}} walk", "A 10 to 12 km walk"),
        ("{{lang|fr|[[mot|le mot]]}}, {{lang-de|Wort}}, {{nowrap|1=so}}", "le mot, Wort, so"),
        ("{{circa|1400}}{{spaced ndash}}{{frac|1|2}}", "c. 1400 \u2013 1/2"),
        ("A<ref>{{cite|a}} note</ref>B<ref name=x/>C<references />", "ABC"),
        ("A\n{|\n! head\n|-\n| cell\n{|\n| inner\n|}\n|}\nB", "A\n\nB"),
        ("A<table><tr><td>cell</td></tr></table>B", "AB"),
        ("A [[File:x.jpg|thumb|A [[link]] {{t}}]] B [[Datei:y.png]] [[Category:C]]", "A B"),
        ("[[fr:Mot]][[zh-min-nan:Mot]][[simple:Word]] text", "text"),
        ("A<!-- hidden [[x]] -->B<!-- never closed", "AB"),
        ("A <math>x^{2}</math> B<gallery>\nFile:x.jpg\n</gallery>", "A B"),
        ("__TOC__ text __NOTOC__", "text"),
        ("a<br />b<small>c</small> H<sub>2</sub>O 10<sup>6</sup>", "a\nbc H2O 10^6"),
        ("x <nowiki>[[not a link]] ''</nowiki> y", "x [[not a link]] '' y"),
        ("&lt;b&gt; &amp;amp; a&nbsp;b&mdash;c", "<b> &amp; a b—c"),
        ("if 1 <2 and <unknown>", "if 1 <2 and <unknown>"),
        ("* one\n** two\n# three\n: indented\n; term", "- one\n- two\n- three\nindented\nterm"),
        ("one\n\n\n\ntwo\n----\nthree", "one\n\ntwo\n\nthree"),
        ("Autism ({{IPA|x}}; {{x}}) is ( {{x}}, known ) , so", "Autism is (known), so"),
        ("{{unclosed text", "unclosed text"),
        ("closed]] not }} opened", "closed not opened"),
        ("{|\n| cell of a table never closed\n\nText", "Text"),
    ],
)
def test_plain_markup_becomes_text(wikitext: str, expected: str) -> None:
    """Each kind of markup leaves its text, or nothing."""
    assert text_of(wikitext) == expected


def test_plain_headings_give_the_path_of_sections() -> None:
    """A section carries its heading under those above it; empty ones are left out."""
    wikitext = "Lead\n==A ''b''==\n===C===\nc\n====D====\nd\n== E ==\ne\n==F==\n<!-- -->"

    assert sections_of(wikitext) == [
        Section(path=(), text="Lead"),
        Section(path=("A b", "C"), text="c"),
        Section(path=("A b", "C", "D"), text="d"),
        Section(path=("E",), text="e"),
    ]


@pytest.mark.parametrize(
    "name", ["References", "External links", "See also", "FURTHER READING", "Notes"]
)
def test_plain_sections_that_list_sources_are_dropped(name: str) -> None:
    """Such a section goes with its subsections, and the next of its level stays."""
    wikitext = f"== {name} ==\nx\n=== Sub ===\ny\n== History ==\nz"

    assert sections_of(wikitext) == [Section(path=("History",), text="z")]


HOSTILE = {
    "templates": "{{a|" * 30_000,
    "templates closed": "{{nowrap|" * 20_000 + "x" * 50_000 + "}}" * 20_000,
    "links": "[[a|" * 30_000,
    "crossed": "{{[[}}" * 30_000 + "]]" * 30_000,
    "tables": "{|\n|-\n" * 20_000,
    "comments": "<!--" * 30_000,
    "nowiki": "<nowiki>" * 100_000,
    "tags": "<div><b>" * 20_000,
    "unclosed tags": '<div a="' * 20_000,
    "unknown tags": "<x y>" * 20_000,
    "external links": "[http://a " * 20_000,
    "external links in lines": "[http://a \n" * 2_000,
    "headings": "\n==a==" * 10_000,
    "equals": "=" * 100_000,
    "parentheses": "(; " * 50_000,
    "quotes": "'" * 100_000,
    "pipes": "{{lang|" + "|" * 100_000 + "}}",
    "entities": "&#0;&#xD800;&#99999999999;" * 5_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_plain_hostile_markup_costs_linear_time(name: str) -> None:
    """Markup that makes a backtracking parser run for minutes takes a few seconds at most."""
    started = time.perf_counter()
    sections_of(HOSTILE[name])

    assert time.perf_counter() - started < 5


@given(
    st.lists(
        st.sampled_from(
            [
                *"{}[]|<>'=*#:;&\n \0",
                *("{{", "}}", "[[", "]]", "{|", "|}", "<ref>", "</ref>", "<!--", "<nowiki>"),
                *("</nowiki>", "http://x", "File:", "word", "==", "\ud800", "&lt;"),
            ]
        ),
        max_size=60,
    )
)
def test_plain_never_fails(pieces: list[str]) -> None:
    """Any mix of marks gives sections that are not blank."""
    for section in sections_of("".join(pieces)):
        assert section.text.strip()


def test_plain_falls_back_when_the_parser_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page on which mwparserfromhell fails is stripped by patterns instead."""

    def fail(value: str, *, skip_style_tags: bool) -> plain._Code:
        raise RecursionError(value, skip_style_tags)

    monkeypatch.setattr(plain, "_parser", lambda: fail)

    assert text_of("a [[b|c]], [[d]] and [http://x.org e]") == "a c, d and e"


def test_plain_says_how_to_install_a_missing_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without mwparserfromhell the error tells the extra to install."""
    monkeypatch.setitem(sys.modules, "mwparserfromhell", None)
    plain._parser.cache_clear()

    with pytest.raises(ConfigurationError, match=r"pip install 'wikiembed\[wiki\]'"):
        text_of("[[a]]")
