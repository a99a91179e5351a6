"""Sections and parts of HTML, as offsets into the markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from wikiembed.documents.structure import (
    INVISIBLE,
    ITEM,
    LINE,
    NESTED,
    PARAGRAPH,
    Headings,
    Part,
    Section,
    soften,
    with_text,
)

_TAG = re.compile(r"<!--|<(/?)([a-zA-Z][^\s/<>]*+)[^<>]*+>|<[!?][^<>]*+>")
_OPAQUE = frozenset({"script", "style", "textarea", "template", "svg", "math"})
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "dd", "details", "dialog", "div"),
        *("dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "head", "header"),
        *("hgroup", "hr", "html", "main", "menu", "nav", "noscript", "ol", "p", "section"),
        *("summary", "table", "title", "ul"),
    )
)
_GROUPS = frozenset({"table", "ul", "ol", "dl", "pre"})
_ITEMS = frozenset({"li", "tr", "dt"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(frozen=True, slots=True)
class _Tag:
    start: int
    end: int
    name: str
    """Lower case; empty for comments, doctypes and elements whose content is not text."""
    is_end: bool = False


def html_sections(text: str) -> tuple[list[Section], str]:
    """Sections under h1 to h6, and `text` with markup as `INVISIBLE`, of the same length."""
    flat: list[str] = []
    reader = _Reader(text=text)
    at = 0
    for tag in _tags(text):
        reader.read(tag)
        flat += [text[at : tag.start], INVISIBLE * (tag.end - tag.start)]
        at = tag.end
    flat.append(text[at:])
    masked = soften("".join(flat))
    return with_text(masked, reader.sections), masked


def _tags(text: str) -> Iterator[_Tag]:
    """All tags, comments and elements of no text; what is never closed is text."""
    unclosed: set[str] = set()
    at = 0
    lower = text.lower() if len(text.lower()) == len(text) else text
    while found := _TAG.search(text, at):
        at = found.end()
        name = "--" if found[0] == "<!--" else (found[2] or "").lower()
        close = "-->" if name == "--" else f"</{name}"
        if (name == "--" or (name in _OPAQUE and not found[1])) and close not in unclosed:
            end = lower.find(close, at)
            if end >= 0:
                end = text.find(">", end)
            if end < 0:
                unclosed.add(close)
            else:
                at = end + 1
                yield _Tag(found.start(), at, "")
                continue
        if name != "--":
            yield _Tag(found.start(), at, name, is_end=bool(found[1]))


@dataclass(slots=True)
class _Reader:
    """Sections from tags."""

    text: str
    sections: list[Section] = field(default_factory=list)
    headings: Headings = field(default_factory=Headings)
    groups: int = 0
    open_groups: list[tuple[str, int]] = field(default_factory=list)
    heading: _Tag | None = None

    def __post_init__(self) -> None:
        self.sections.append(Section(end=len(self.text), body=0, heading="", parts=[Part(start=0)]))

    def read(self, tag: _Tag) -> None:
        """Take in one tag."""
        if tag.name in _HEADINGS and not self.open_groups:
            self.read_heading(tag)
        elif tag.name in _GROUPS:
            self.read_group(tag)
        elif tag.name in _ITEMS and self.open_groups:
            if not tag.is_end:
                depth = min(len(self.open_groups), 5) - 1
                self.add(tag.start, ITEM + NESTED * depth)
        elif tag.name in _BLOCKS:
            self.add(tag.end if tag.is_end else tag.start, LINE if self.open_groups else PARAGRAPH)

    def read_heading(self, tag: _Tag) -> None:
        """A section begins at the heading's first tag; its name ends at the last."""
        if not tag.is_end:
            self.sections[-1].end = tag.start
            level = int(tag.name[1])
            parts = [Part(start=tag.start)]
            path = self.headings.enter(level, "")
            self.sections.append(
                Section(end=len(self.text), body=tag.end, heading=path, parts=parts)
            )
            self.heading = tag
        elif self.heading is not None:
            inner = _TAG.sub("", self.text[self.heading.end : tag.start])
            level = int(self.heading.name[1])
            self.sections[-1].heading = self.headings.enter(level, html.unescape(inner))
            self.sections[-1].body = tag.end
            self.heading = None
            self.add(tag.end, PARAGRAPH)

    def read_group(self, tag: _Tag) -> None:
        """The outermost table, list or block of code is a group; it ends at its own end tag."""
        if not tag.is_end:
            if not self.open_groups:
                self.groups += 1
                self.add(tag.start, PARAGRAPH)
            self.open_groups.append((tag.name, self.groups))
            self.sections[-1].parts[-1].group = self.groups
            self.sections[-1].parts[-1].by_line = tag.name == "pre"
        elif any(name == tag.name for name, _ in self.open_groups[-20:]):
            while self.open_groups.pop()[0] != tag.name:
                pass
            self.add(tag.end, LINE if self.open_groups else PARAGRAPH)

    def add(self, start: int, cost: float) -> None:
        """Begin a part; one that holds no text yet is taken over."""
        parts = self.sections[-1].parts
        group = self.open_groups[0][1] if self.open_groups else None
        if start > parts[-1].start:
            parts.append(Part(start=start, cost=cost, group=group))
