"""Wikitext to plain text, section by section."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from wikiembed.wiki.extra import missing_extra
from wikiembed.wiki.markup import strip_blocks
from wikiembed.wiki.pages import RawPage

# Beyond this mwparserfromhell, quadratic on hostile markup, gives way to patterns.
MAX_PARSED_CHARS = 8_000

_DROPPED_SECTIONS = {
    "references",
    "external links",
    "see also",
    "further reading",
    "notes",
    "notes and references",
    "references and notes",
    "footnotes",
    "citations",
    "sources",
}
_SWITCH = re.compile(r"__[A-Z]{3,}__")
_RULE = re.compile(r"-{4,}")
_LIST_MARK = re.compile(r"[*#:;]+[ \t]*")
_QUOTES = re.compile(r"'{2,}")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SPACE = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff]")
# What a dropped template or reference leaves behind.
_HOLLOW = re.compile(r" ?[(\[][ ,;:\u2013]*[)\]]")
_HALF_HOLLOW = re.compile(r"\([ ,;:]+(?=\S)")
_TRAILING_MARK = re.compile(r"(?<=\w)[ ,;:]*[,;:] ?\)")
_LOOSE_MARK = re.compile(r" (?:([,.;:!?])(?=\s|$)|(\)))")
_REPEATED_COMMA = re.compile(r",(?: ?,)+")
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_EXTERNAL_LINK = re.compile(r"\[(?:https?:|ftp:|mailto:)?//[^\s\[\]]*[ \t]*([^\[\]\n]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section; `path` is its heading under those above it, empty for the lead."""

    path: tuple[str, ...]
    text: str


def to_sections(page: RawPage) -> list[Section]:
    """The sections of `page` that hold text, in order, as plain text.

    Tables, templates, references, files, categories and the sections that list sources are left
    out. Paragraphs are parted by a blank line; a list item is a line that begins with "- ".
    Raises: ConfigurationError when mwparserfromhell is not installed.
    """
    text = _SWITCH.sub("", strip_blocks(page.wikitext, page.hidden_prefixes))
    sections = []
    for path, body in _cut_at_headings(text):
        if not any(heading.lower() in _DROPPED_SECTIONS for heading in path):
            plain = _to_plain(body)
            if plain:
                sections.append(Section(path=path, text=plain))
    return sections


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
    plain = (_tidy(_inline(paragraph)) for paragraph in paragraphs)
    return "\n\n".join(paragraph for paragraph in plain if paragraph)


def _without_mark(line: str) -> str:
    """`line` without its list mark; nothing for a rule or a row of an unclosed table."""
    if line.startswith(("|", "{|")) or _RULE.match(line):
        return ""
    mark = _LIST_MARK.match(line)
    if mark is None:
        return line
    rest = line[mark.end() :]
    return f"- {rest}" if rest and mark[0].strip()[-1] in "*#" else rest


def _inline(text: str) -> str:
    """`text` without links, tags and quotes; entities are decoded last."""
    if "[" in text or "<" in text:
        pieces = [text] if len(text) <= MAX_PARSED_CHARS else text.split("\n")
        text = "\n".join(_strip_code(piece) for piece in pieces)
    return html.unescape(_QUOTES.sub("", text))


def _strip_code(text: str) -> str:
    parse = _parser()
    if len(text) > MAX_PARSED_CHARS:
        return _strip_simply(text)
    try:
        return parse(text, skip_style_tags=True).strip_code(normalize=False, collapse=False)
    except Exception:  # whatever a page holds, the load goes on
        return _strip_simply(text)


def _strip_simply(text: str) -> str:
    text = _EXTERNAL_LINK.sub(r"\1", _LINK.sub(r"\1", text))
    return text.replace("[[", "").replace("]]", "")


def _tidy(text: str) -> str:
    text = _SPACE.sub(" ", _INVISIBLE.sub("", text))
    text = _HALF_HOLLOW.sub("(", _HOLLOW.sub("", text))
    text = _LOOSE_MARK.sub(r"\1\2", _TRAILING_MARK.sub(")", text))
    text = _REPEATED_COMMA.sub(",", text)
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line.strip("-•·,.;: "))


class _Code(Protocol):
    def strip_code(self, *, normalize: bool, collapse: bool) -> str: ...


class _Parse(Protocol):
    def __call__(self, value: str, *, skip_style_tags: bool) -> _Code: ...


@cache
def _parser() -> _Parse:
    try:
        import mwparserfromhell
    except ImportError as error:
        raise missing_extra(error) from None
    parse: _Parse = mwparserfromhell.parse
    return parse
