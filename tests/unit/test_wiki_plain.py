"""Wikitext becomes plain text, section by section."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikiembed.wiki import RawPage, Rendering, Section
from wikiembed.wiki.plain import to_sections
from wikiembed.wiki.render import render_text

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
        ("A{{Navbox|a={{b|c}}|d=[[e]]}}B", "AB"),
        ("A {{convert|10|to|12|km|mi}} walk", "A 10 to 12 km walk"),
        ("{{lang|fr|[[mot|le mot]]}}, {{lang-de|Wort}}, {{nowrap|1=so}}", "le mot, Wort, so"),
        ("{{circa|1400}}{{spaced ndash}}{{frac|1|2}}", "c. 1400 \u2013 1/2"),
        ("A<ref>{{cite|a}} note</ref>B<ref name=x/>C<references />", "ABC"),
        ("A\n{|\n! head\n|-\n| cell\n{|\n| inner\n|}\n|}\nB", "A\n\nhead\ncell inner\n\nB"),
        ("A<table><tr><td>cell</td></tr></table>B", "A\n\ncell\n\nB"),
        ("A [[File:x.jpg|thumb|A [[link]] {{t}}]] B [[Datei:y.png]]", "A B\n\nA link"),
        ("[[fr:Mot]][[zh-min-nan:Mot]][[simple:Word]] text", "text"),
        ("A<!-- hidden [[x]] -->B<!-- never closed", "AB"),
        ("A <math>x^{2}</math> B<gallery>\nFile:x.jpg\n</gallery>", "A x^{2} B"),
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
    """Each kind of markup gives its text, or nothing."""
    assert text_of(wikitext) == expected


SENTENCES = {
    "Used in {{w|nuclear weapon|nuclear weapons}} and {{w|power}}.": (
        "Used in nuclear weapons and power."
    ),
    "vers {{unité|2000|m}} d'altitude, né le {{date|3|mai|1950}}, {{formatnum:12345.6}} hab.": (
        "vers 2000 m d'altitude, né le 3 mai 1950, 12345.6 hab."
    ),
    "''{{dil|grc|matesis}}'', {{nts|12345}}, {{birth date and age|1950|5|3}}": (
        "matesis, 12345, 1950-05-03"
    ),
    "{{nihongo|EMIYA|エミヤ|Emiya}}": "EMIYA (エミヤ, Emiya)",
    "{{nihongo|EMIYA||Emiya}} and {{nihongo|EMIYA}}": "EMIYA (Emiya) and EMIYA",
    "Energy is <math>E = mc^2</math> where": "Energy is E = mc^2 where",
    "{{blockquote|text=Long words|author=A}}": "Long words",
    "{{인용문|옛말이 있다}}": "옛말이 있다",
    "A film by {{ill|Jane Roe|de}}.": "A film by Jane Roe.",
    "[[파일:y.png|섬네일|바다 사진 [[동해]]]]": "바다 사진 동해",
    "[[그림:H.jpg|섬네일|200px|한강]] 강": "강\n\n한강",
    "[[Bild:H.jpg|mini|hochkant=1.2]] Fluss [[그림:H.jpg|섬네일|200픽셀]]": "Fluss",
    "==C": "C",
    "L''''organetto''' è.": "L'organetto è.",
    "L{{'}}'''Armorique'''": "L'Armorique",
    "Write <nowiki>&lt;ref&gt;</nowiki>.": "Write <ref>.",
    "'''한강'''({{llang|en|Han River}})은 {{단위 변환|494|km}}의 강이다.": (
        "한강(Han River)은 494 km의 강이다."
    ),
    "__목차숨김__ a __KEIN_INHALTSVERZEICHNIS__ and __init__": "a and __init__",
    '{| class="wikitable"\n! Year !! Goals\n|-\n| 1990 || 3\n\nText': "Text",
    "{{convert|5|ft|6|in}}": "5 ft 6 in",
    "{{as of|2020|5}}": "As of May 2020",
    "---- Text after.": "Text after.",
    "'''{{PAGENAME}}''' is a town.": "T is a town.",
    "Seen by {{some unknown|3|people}} there{{cite web|url=x|4}}.": "Seen by 3 people there.",
    "{{navigation of towns|A|B}}\nText": "Text",
    "{{#if:x|y}}{{uc:usa}} is": "USA is",
    "<gallery>\nFile:x.jpg|A ship\nFile:y.jpg\n</gallery>": "A ship",
    "[http://x.org a] [mailto:a@x.org write] [[a|b|c]]": "a write b|c",
    "A<br/ >B<ref name=x/ >C": "A\nBC",
    "{{XIXe siècle}}, {{2e}}, {{1re|fois}}, {{s-|XIX|e}}": (
        "XIXe siècle, 2e, 1re fois, XIXe siècle"
    ),
    "{{le|Foo|Bar}}, {{нп5|Джон|Джон Доу|en}}": "Foo, Джон Доу",
    "{{lang|fr|mer}} {{unknown|3}}": "mer 3",
    "{{hlist|a|b}} and {{plainlist|\n* [[a]]\n* b\n}}": "a, b and a, b",
    "{{columns-list|colwidth=9em|\n* a\n* b\n}}": "- a\n- b",
    "{{Ruby|漢字|かんじ}}, {{age|1990|1|1}} {{€|3}} {{USD|10}}": "漢字(かんじ), €3 US$10",
    "<tabber>\nOne=a\n|-|\nTwo=b\n</tabber>": "One=a\n\nTwo=b",
    "<ref>" * 61 + "{{cite web|url=http://x}}</ref> end": "end",
    "{{a|" * 70 + "x" + "}}" * 70 + " end": "end",
}


@pytest.mark.parametrize("wikitext", SENTENCES, ids=lambda text: text[:30])
def test_plain_sentence_keeps_its_content(wikitext: str) -> None:
    """The content of a template, a formula or an image within a sentence is kept."""
    assert text_of(wikitext) == SENTENCES[wikitext]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("zh", "我用计算机上网"), ("zh-tw", "我用電腦上网"), ("", "我用计算机上网")],
)
def test_plain_uses_the_variant_of_the_wiki(language: str, expected: str) -> None:
    """One of the scripts or words, by the wiki's language."""
    text = "-{H|zh-hans:x}-我用-{zh-hans:计算机;zh-hant:電腦}-上-{网}-"
    page = RawPage(title="T", wikitext=text, hidden_prefixes=HIDDEN, language=language)
    assert [section.text for section in to_sections(page)] == [expected]


@pytest.mark.parametrize("name", ["각주", "외부 링크", "Einzelnachweise", "脚注", "Références"])
def test_plain_recognizes_source_sections_in_other_languages(name: str) -> None:
    """Like References and External links."""
    assert sections_of(f"== {name} ==\nx\n== B ==\nz") == [Section(path=("B",), text="z")]


def test_plain_prints_table_rows_under_their_headings() -> None:
    """A cell that spans several rows is in each of them, and the caption comes before."""
    text = text_of(
        'Before\n{| class="wikitable"\n|+ Winners\n! Year<br />(AD) !! Winner\n'
        "|-\n| 1990 || [[Bob|Bobby]]\n"
        "|-\n| rowspan=2 | 1991 || Ann<ref>x</ref>\n|-\n| Joe\n|-\n! scope=row | 1992\n|\n* Sue\n"
        "|}\nAfter"
    )
    assert text == (
        "Before\n\nWinners\nYear (AD): 1990; Winner: Bobby\nYear (AD): 1991; Winner: Ann\n"
        "Year (AD): 1991; Winner: Joe\nYear (AD): 1992; Winner: Sue\n\nAfter"
    )


def test_plain_reads_an_html_table_like_a_wikitext_table() -> None:
    """With spans, caption, attributes and lists; an unclosed table gives no cells."""
    text = text_of(
        'Before<table class="x"><caption>Cities</caption>\n<thead><tr><th>Name<th>Size</tr></thead>'
        '<tr><td rowspan="2" style="a|b">Seoul</td><td>\n* [[605]]\n* km</td></tr>\n<tr><td>9m</tr>'
        "<tr><td>Busan<br>(port)</td><td><table><tr><td>in</td></tr></table></td></tr></table>After"
    )
    assert text == (
        "Before\n\nCities\nName: Seoul; Size: 605 km\nName: Seoul; Size: 9m\n"
        "Name: Busan (port); Size: in\n\nAfter"
    )
    assert text_of("<table><tr><td>cell\n\nText") == "Text"
    assert text_of("a<tr><td>b</td> c") == "a\n\nb\nc"
    page = RawPage(title="T", wikitext="A<table><td>b</table>C", hidden_prefixes=HIDDEN)
    assert [s.text for s in to_sections(page, Rendering(tables=False))] == ["AC"]


def test_plain_title_over_all_columns_is_not_their_heading() -> None:
    """It is on its own line, like a caption."""
    text = text_of("{|\n! colspan=2 | Seoul\n|-\n| Pop. || 9m\n|}")
    assert text == "Seoul\nPop.; 9m"


def test_plain_pairs_labels_and_data_of_an_infobox() -> None:
    """Data without a label is on its own line; headings and styles are left out."""
    page = RawPage(
        title="T",
        wikitext="{{Infobox\n|title=X\n|label1=[[Foo]]|data1=Bar\n|header2=Head\n|data3={{hlist|a|b}}"
        "\n|labelstyle=x y\n|label4=None\n}}\nT.",
        hidden_prefixes=HIDDEN,
    )
    assert to_sections(page)[1].text == "title: X\nFoo: Bar\na, b"


def test_plain_prints_an_infobox_in_its_own_lines() -> None:
    """In a section of its own; files, sizes and empty values are left out."""
    page = RawPage(
        title="T",
        wikitext="{{도시 정보\n|이름 = [[서울]]\n|사진=a b.png\n|폭=200px\n|인구 = {{nts|9}}"
        "<ref>x</ref>\n|x=\n}}\nT.",
        hidden_prefixes=HIDDEN,
    )
    lead, box = to_sections(page)
    assert (lead.text, box.path, box.text) == ("T.", ("도시 정보",), "이름: 서울\n인구: 9")
    assert render_text([lead, box]) == "T.\n\n== 도시 정보 ==\n\n이름: 서울\n인구: 9"
    without = Rendering(tables=False, infoboxes=False)
    assert to_sections(page, without) == [lead]


def test_plain_leaves_tables_out_on_demand() -> None:
    """Large parts of them are always left out."""
    page = RawPage(title="T", wikitext="A\n{|\n| b\n|}\nC", hidden_prefixes=HIDDEN)
    assert [s.text for s in to_sections(page, Rendering(tables=False))] == ["A\n\nC"]
    rows = "\n|-\n".join(f"| {n} || {'x' * 200}" for n in range(1_000))
    assert len(text_of(f"{{|\n{rows}\n|}}")) <= 20_000


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
    """Such a section is dropped with its subsections, and the next of its level stays."""
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


TOKENS = (
    *("{{a|", "}}", "[[a|", "]]", "{|\n", "|}", "-{a:", "}-", "[//", "[http://a ", "[mailto:"),
    *("<table>", "<tr>", "<td a=b>", "</table>"),
    *("<zz>", "<zz a=", "<ref>", "</ref>", "<nowiki>", "<math>", "<!--", "<gallery>", "</b>"),
    *("''", "'''''", "==a==\n", "==a", "\n", "----", "__A", "__", "( ;", ",", " ", "a", "|"),
    *("[[File:a.jpg|", "{{#if:", "*", "\n:", "\x02", "-{H|", "&#0;"),
)


def cost_of(text: str) -> float:
    """CPU time of this process: the least of three runs, at least the resolution of its clock."""
    costs = []
    for _ in range(3):
        began = time.process_time()
        sections_of(text)
        costs.append(time.process_time() - began)
    return max(min(costs), 0.0005)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4), st.sampled_from(["begin", "repeat"])
)
def test_plain_costs_time_in_proportion_to_the_text(tokens: list[str], place: str) -> None:
    """Sixteen times the text costs about sixteen times; quadratic code would cost 256 times."""
    head, unit = ("".join(tokens), "a") if place == "begin" else ("", "".join(tokens))
    short = max(1_000 // len(unit), 1)
    assert cost_of(head + unit * short * 16) / cost_of(head + unit * short) < 80


@pytest.mark.parametrize("name", HOSTILE)
def test_plain_reads_hostile_markup(name: str) -> None:
    """Markup on which a backtracking parser runs for minutes, in the size of a large page."""
    for section in sections_of(HOSTILE[name]):
        assert section.text.strip()


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
