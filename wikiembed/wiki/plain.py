"""Wikitext to plain text, section by section."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from wikiembed.wiki.infobox import MAX_LINES, MAX_VALUE_CHARS, Infobox
from wikiembed.wiki.links import CAPTION, CAPTION_END
from wikiembed.wiki.markup import strip_blocks
from wikiembed.wiki.pages import EVERYTHING, RawPage, Rendering
from wikiembed.wiki.section_names import SOURCE_SECTIONS

_SWITCH = re.compile(r"[_＿]{2}([^\W\d_](?:\w|\u200c)*?)[_＿]{2}")
_RULE = re.compile(r"-{4,}+")
_LIST_MARK = re.compile(r"[*#:;]+[ \t]*")
_QUOTES = re.compile(r"'{2,}")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SPACE = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff]")
# Leftovers of a dropped template or reference.
_HOLLOW = re.compile(r" ?[(\[][ ,;:\u2013]*[)\]]")
_HALF_HOLLOW = re.compile(r"\([ ,;:]+(?=\S)")
_TRAILING_MARK = re.compile(r"(?<=\w)[ ,;:]*[,;:] ?\)")
_LOOSE_MARK = re.compile(r" (?:([,.;:!?])(?=\s|$)|(\)))")
_REPEATED_COMMA = re.compile(r",(?: ?,)+")
_LINK = re.compile(r"\[\[(?:[^\[\]|]*+\|)?+([^\[\]]*+)\]\]")
_EXTERNAL_LINK = re.compile(
    r"\[(?:https?:|ftp:|mailto:)?(?://|(?<=:))[^\s\[\]]*+[ \t]*+([^\[\]\n]*+)\]"
)
_CAPTION = re.compile(f"{CAPTION}([^{CAPTION}{CAPTION_END}]*+){CAPTION_END}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section; `path` is its heading under those above it, empty for the lead."""

    path: tuple[str, ...]
    text: str


def to_sections(
    page: RawPage, rendering: Rendering = EVERYTHING, silent: Counter[str] | None = None
) -> list[Section]:
    """The sections of `page` that have text, in order, as plain text.

    References, categories and the sections that list sources are left out; templates are rendered
    within a sentence, images as their captions, tables as rows. Infoboxes are last, each in a
    section of its own. A blank line separates paragraphs; a list item is a line that begins with
    "- ". Templates that rendered nothing are counted in `silent`.
    """
    stripped, infoboxes = strip_blocks(page, rendering, Counter() if silent is None else silent)
    text = _SWITCH.sub(_switch, stripped)
    sections = []
    for path, body in _cut_at_headings(text):
        if not any(heading.lower() in SOURCE_SECTIONS for heading in path):
            plain = _to_plain(body)
            if plain:
                sections.append(Section(path=path, text=plain))
    # A page without a sentence is not an article.
    boxes = (_of_infobox(box) for box in infoboxes if sections)
    return [*sections, *(box for box in boxes if box is not None)]


def _of_infobox(box: Infobox) -> Section | None:
    """Lines of ``name: value``, in a section of their own."""
    values = ((_to_plain(name), " ".join(_to_plain(value).split())) for name, value in box.values)
    lines = [
        f"{name}: {value[:MAX_VALUE_CHARS]}" if name else value[:MAX_VALUE_CHARS]
        for name, value in values
        if value
    ]
    text = "\n".join(lines[:MAX_LINES])
    return Section(path=(box.name,), text=text) if text else None


def _switch(found: re.Match[str]) -> str:
    """Remove a magic word such as ``__TOC__``, which has no lower-case letters."""
    return "" if found[1] == found[1].upper() and len(found[1]) > 2 else found[0]


def _cut_at_headings(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    above: list[tuple[int, str]] = []
    lines: list[str] = []
    for line in text.splitlines():
        heading = _heading_of(line.strip())
        if heading is None:
            lines.append(line)
            continue
        yield tuple(name for _, name in above), "\n".join(lines)
        lines = []
        level, name = heading
        while above and above[-1][0] >= level:
            above.pop()
        above.append((level, name))
    yield tuple(name for _, name in above), "\n".join(lines)


def _heading_of(line: str) -> tuple[int, str] | None:
    if len(line) < 3 or line[0] != "=" or line[-1] != "=":
        return None
    inner = line.strip("=")
    level = min((len(line) - len(line.lstrip("="))), len(line) - len(line.rstrip("=")), 6)
    name = " ".join(_inline(inner).split())
    return (level, name) if name else None


def _to_plain(body: str) -> str:
    lines = [_without_mark(line.strip()) for line in body.split("\n")]
    paragraphs = _BLANK_LINES.split("\n".join(lines))
    plain = (_tidy(_inline(part)) for whole in paragraphs for part in _with_captions(whole))
    return "\n\n".join(paragraph for paragraph in plain if paragraph)


def _with_captions(paragraph: str) -> list[str]:
    """A paragraph without the captions in it, and then each of them."""
    if CAPTION not in paragraph:
        return [paragraph]
    captions = _CAPTION.findall(paragraph)
    return [_CAPTION.sub("", paragraph).replace(CAPTION, "").replace(CAPTION_END, ""), *captions]


def _without_mark(line: str) -> str:
    """`line` without its list mark, rule or open heading; empty for an unclosed table's row."""
    if line.startswith(("|", "{|")):
        return ""
    if line.startswith("=="):
        line = line.lstrip("= ")
    line = _RULE.sub("", line, count=1).lstrip() if line.startswith("----") else line
    mark = _LIST_MARK.match(line)
    if mark is None:
        return line
    rest = line[mark.end() :]
    return f"- {rest}" if rest and mark[0].strip()[-1] in "*#" else rest


def _inline(text: str) -> str:
    """`text` without links and quotes; entities are decoded last."""
    if "[" in text:
        text = _EXTERNAL_LINK.sub(r"\1", _LINK.sub(r"\1", text))
        text = text.replace("[[", "").replace("]]", "")
    return html.unescape(_QUOTES.sub(_quotes, text))


def _quotes(found: re.Match[str]) -> str:
    """Two apostrophes are italics, three bold, five both; any more are apostrophes."""
    length = len(found[0])
    return "'" if length == 4 else "'" * max(length - 5, 0)


def _tidy(text: str) -> str:
    text = _SPACE.sub(" ", _INVISIBLE.sub("", text))
    text = _HALF_HOLLOW.sub("(", _HOLLOW.sub("", text))
    text = _LOOSE_MARK.sub(r"\1\2", _TRAILING_MARK.sub(")", text))
    text = _REPEATED_COMMA.sub(",", text)
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip("-•·,.;: "))
