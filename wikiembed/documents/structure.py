"""Sections of a document and the parts in them, as offsets into its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARAGRAPH = 0.0
"""What a cut before a part costs: see `wikiembed.documents.pack`."""
ITEM = 0.5
LINE = 1.5
NESTED = 0.25
"""Added for each level that a list item is deeper than the outermost."""

INVISIBLE = "\u2060"
"""Stands for each character of markup while sentences and words are looked for."""
_SOFT_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"

_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINES = re.compile(r"(?<![^\S\r\n])[^\S\r\n]*+(?:\r\n?+|\n)(?:[^\S\r\n]*+(?:\r\n?+|\n))++")
_HEADING_LINE = re.compile(r"^={1,6}[^=\r\n][^\r\n]*+", re.MULTILINE)
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+•·‣◦–]|\d{1,4}[.)]|[a-zA-Z][.)])[ \t]")
_SENTENCE_END = re.compile(r"""[.!?:;…。！？।؟۔]["'”’»)\]」』]*\s*$""")
_FRONT_MATTER = re.compile(
    r"---[ \t]*(?:\r\n?|\n).*?(?:\r\n?|\n)---[ \t]*(?:\r\n?|\n|$)", re.DOTALL
)
_EMPTY = f"{INVISIBLE} "
_MAX_NAME = 200
_MAX_FRONT_MATTER = 20_000


@dataclass(slots=True)
class Part:
    """A run of text that ends where the next part begins.

    `cost` is that of a cut before it. Parts of one `group`, if it is not None, are kept together
    where they fit: a table, a list, a block of code. `by_line`: its units are lines, not sentences.
    """

    start: int
    cost: float = PARAGRAPH
    group: int | None = None
    by_line: bool = False


@dataclass(slots=True)
class Section:
    """Parts under one heading, up to `end`.

    `heading` is the path, joined by " / "; the heading's own text ends at `body`.
    """

    end: int
    body: int
    heading: str
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Headings:
    """The path of headings above the present place."""

    above: list[tuple[int, str]] = field(default_factory=list)

    def enter(self, level: int, name: str) -> str:
        """The path after a heading of `level` (1 is the highest); long names are cut."""
        while self.above and self.above[-1][0] >= level:
            self.above.pop()
        self.above.append((level, " ".join(name[: 2 * _MAX_NAME].split())[:_MAX_NAME]))
        return " / ".join(name for _, name in self.above if name)


def soften(text: str) -> str:
    """`text` with its line ends as spaces, of the same length.

    For each kind of line end one search at memory speed: `str.translate` took a fifth of a split.
    """
    for line_end in _SOFT_BREAKS:
        text = text.replace(line_end, " ")
    return text


def text_sections(text: str) -> list[Section]:
    """Sections of plain text, with headings as MediaWiki's plain text has them: ``== Name ==``.

    Paragraphs are separated by blank lines. A paragraph of several lines (a list, the rows of a
    table or an infobox, verse) is a group; a line that goes on in lower case is not a line of
    its own.
    """
    headings = Headings()
    sections = []
    start, body, path = 0, 0, ""
    groups = 0
    for heading in [*_headings(text), None]:
        end = heading.start if heading else len(text)
        if text[start:end].strip():
            section = Section(end=end, body=body, heading=path)
            for paragraph_start, paragraph_end in _paragraphs(text, start, end):
                groups += 1
                section.parts += _lines_of(text, paragraph_start, paragraph_end, groups)
            sections.append(section)
        if heading:
            start, body, path = end, heading.end, headings.enter(heading.level, heading.name)
    return with_text(soften(text), sections)


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    end: int
    level: int
    name: str


def _headings(text: str) -> Iterator[_Heading]:
    for found in _HEADING_LINE.finditer(text):
        line = found[0].rstrip()
        name = line.strip("=")
        level = len(line) - len(line.lstrip("="))
        if line == f"{'=' * level}{name}{'=' * level}" and name.strip():
            yield _Heading(found.start(), found.end(), level, name)


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for gap in _BLANK_LINES.finditer(text, start, end):
        if text[start : gap.start()].strip():
            yield start, gap.start()
            start = gap.end()
    if text[start:end].strip():
        yield start, end


def _lines_of(text: str, start: int, end: int, group: int) -> Iterator[Part]:
    parts = [Part(start=start)]
    before = start
    for gap in _LINE_END.finditer(text, start, end):
        line = gap.end()
        first = text[line : line + 1]
        is_item = _LIST_MARK.match(text, line, min(end, line + 20)) is not None
        if is_item or not first.islower():
            ended = _SENTENCE_END.search(text, max(before, gap.start() - 8), gap.start())
            parts.append(Part(start=line, cost=ITEM if is_item or ended else LINE))
        before = line
    if len(parts) > 1:
        for part in parts:
            part.group = group
    return iter(parts)


def with_text(flat: str, sections: list[Section]) -> list[Section]:
    """`sections`, with each that is a heading and nothing else joined to the one after it."""
    joined: list[Section] = []
    bare: list[Part] = []
    for section in sections:
        bare += section.parts
        if section is sections[-1] or flat[section.body : section.end].strip(_EMPTY):
            section.parts, bare = bare, []
            joined.append(section)
    return joined


def markdown_sections(text: str) -> list[Section]:
    """Sections and blocks of CommonMark with tables, by markdown-it-py."""
    matter = _FRONT_MATTER.match(text, 0, _MAX_FRONT_MATTER) if text.startswith("---") else None
    skipped = len(_LINE_END.findall(matter[0])) if matter else 0
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    source = "\n" * skipped + text[matter.end() :] if matter else text
    lines = [0, *(end.end() for end in _LINE_END.finditer(text)), len(text)]
    reader = _Blocks(lines=lines)
    if matter:
        reader.add(Part(start=0, group=reader.next_group(), by_line=True))
    for token, heading in _with_names(parser.parse(source)):
        reader.read(token, heading)
    if not reader.sections:  # definitions of links have no token
        reader.add(Part(start=0))
    return with_text(soften(text), reader.finish())


def _with_names(tokens: list[Token]) -> Iterator[tuple[Token, str]]:
    for index, token in enumerate(tokens):
        yield token, tokens[index + 1].content if token.type == "heading_open" else ""


@dataclass(slots=True)
class _Blocks:
    """Sections from markdown-it's tokens; `lines` are the offsets at which lines begin."""

    lines: list[int]
    sections: list[Section] = field(default_factory=list)
    headings: Headings = field(default_factory=Headings)
    group: int | None = None
    groups: int = 0
    items: int = 0
    behind: Part | None = None
    """Begins behind the last block of code, for lines that no token stands for."""

    def next_group(self) -> int:
        self.groups += 1
        return self.groups

    def add(self, part: Part) -> None:
        """Add a part to the last section, unless one begins at the same place."""
        if not self.sections:
            self.sections.append(Section(end=self.lines[-1], body=0, heading=""))
            part.start = 0
        parts = self.sections[-1].parts
        behind, self.behind = self.behind, None
        if behind and parts[-1].start < behind.start < part.start:
            parts.append(behind)
        if parts and parts[-1].start >= part.start:
            parts[-1].by_line = parts[-1].by_line or part.by_line
            return
        parts.append(part)

    def read(self, token: Token, heading: str) -> None:
        """Take in one token."""
        if token.type == "list_item_open":
            self.items += 1
        elif token.type == "list_item_close":
            self.items -= 1
        if token.map is None or token.type == "inline":
            return
        start = self.lines[min(token.map[0], len(self.lines) - 1)]
        if token.level == 0:
            self.group = None
        match token.type:
            case "heading_open" if token.level == 0:
                if self.finish():
                    self.sections[-1].end = start
                path = self.headings.enter(int(token.tag[1]), heading)
                body = self.lines[min(token.map[1], len(self.lines) - 1)]
                self.sections.append(Section(end=self.lines[-1], body=body, heading=path))
                self.add(Part(start=start if len(self.sections) > 1 else 0))
            case "bullet_list_open" | "ordered_list_open" | "table_open":
                self.group = self.group or self.next_group()
                self.add(Part(start=start, group=self.group))
            case "list_item_open":
                self.add(Part(start=start, cost=self.item_cost(), group=self.group))
            case "tr_open":
                self.add(Part(start=start, cost=ITEM, group=self.group))
            case "fence" | "code_block" | "html_block":
                cost = LINE if self.group else PARAGRAPH
                group = self.group or self.next_group()
                self.add(Part(start=start, cost=cost, group=group, by_line=True))
                end = self.lines[min(token.map[1], len(self.lines) - 1)]
                self.behind = Part(start=end, cost=cost, group=self.group)
            case "thead_open" | "tbody_open":
                pass
            case _:
                self.add(
                    Part(start=start, cost=LINE if self.items else PARAGRAPH, group=self.group)
                )

    def item_cost(self) -> float:
        return ITEM + NESTED * (min(self.items, 5) - 1)

    def finish(self) -> list[Section]:
        """All sections, once every token was read."""
        behind, self.behind = self.behind, None
        if behind and self.sections[-1].parts[-1].start < behind.start < self.lines[-1]:
            self.sections[-1].parts.append(behind)
        return self.sections
