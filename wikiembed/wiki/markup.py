"""Remove markup that shows no text of the article from wikitext, in one pass.

Removes references, comments and categories, nested or not, closed or not; renders tables,
templates, files and formulas as text. Time is linear in the length of any text: mwparserfromhell
backtracks, so that 2,000 unclosed ``{{a|`` (8 kB) cost it 2 s.
"""

from __future__ import annotations

import html
import re
from collections import Counter

from wikiembed.wiki.infobox import Infobox, infobox_of, is_infobox
from wikiembed.wiki.links import caption_of, link, variant
from wikiembed.wiki.pages import RawPage, Rendering
from wikiembed.wiki.tables import table_text
from wikiembed.wiki.tags import BARE, BREAKING, CELLS, DROPPED, FORMULA, LITERAL, OPAQUE, TABLE
from wikiembed.wiki.templates import expand_template, name_of

_TOKEN = re.compile(
    r"<!--|\{\{|\}\}|\[\[|\]\]|^[ \t:]*+\{\||^[ \t]*+\|\}(?!\})|-\{(?!\{)|\}-"
    r"|<(?P<slash>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*+)(?:\s[^<>]*+)?+(?:(?<=/)|/?[ \t]*+)>",
    re.MULTILINE,
)
_CLOSES = {"}}": "{{", "]]": "[[", "|}": "{|", "}-": "-{"}
# Joining nested text costs its length per level, so the levels are bounded.
_MAX_DEPTH = 60

_SPECIAL = re.compile(r"[&{}\[\]|<>'*#:;=_!-]")
_TABLE_LINE = re.compile(r"^[ \t]*+[|!].*+$", re.MULTILINE)
_NO_TEXT_AFTER = ("{{", "<!--", "<ref", "[[category:")
_LONGEST_FORMULA = 1_000
_LOOKED_AHEAD = 200
MAX_NAMES = 10_000
MAX_NAME_CHARS = 80
"""Bounds of the template names that are counted; a dump may have any number."""
_EXPONENT = re.compile(r"[-\u2212+]?\d")


class _Frame:
    """An element that is not closed yet, and its text so far."""

    __slots__ = ("has_text", "kind", "parts")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.parts: list[str] = []
        self.has_text = False
        """Whether the last line so far has text."""

    def add(self, text: str) -> None:
        self.parts.append(text)
        _, newline, last = text.rpartition("\n")
        self.has_text = bool(last.strip(" \t:")) or (self.has_text and not newline)


def strip_blocks(
    page: RawPage, rendering: Rendering, silent: Counter[str]
) -> tuple[str, list[Infobox]]:
    """The wikitext of `page` with only headings, lists, links, quotes, entities and unknown tags.

    Captions of images are between `CAPTION` and `CAPTION_END`; tables are lines; infoboxes are
    returned separately, and templates that rendered nothing are counted in `silent`.
    """
    stripper = _Stripper(page, rendering, silent)
    return stripper.run(), stripper.infoboxes


class _Stripper:
    def __init__(self, page: RawPage, rendering: Rendering, silent: Counter[str]) -> None:
        self._page = page
        self._rendering = rendering
        self._silent = silent
        self.infoboxes: list[Infobox] = []
        self._source = page.wikitext
        self._frames = [_Frame("")]
        self._open: Counter[str] = Counter()
        self._never_closed: set[str] = set()

    def run(self) -> str:
        position = 0
        while token := _TOKEN.search(self._source, position):
            self._write(self._source[position : token.start()])
            if token["tag"] is not None:
                position = self._tag(token)
            elif token[0] == "<!--":
                end = self._source.find("-->", token.end())
                position = len(self._source) if end < 0 else end + 3
            else:
                self._bracket(token[0].strip(" \t:"), token.end())
                position = token.end()
        self._write(self._source[position:])
        self._give_up_to(1)
        return "".join(self._frames[0].parts)

    def _write(self, text: str) -> None:
        if text:
            self._frames[-1].add(text)

    def _bracket(self, mark: str, end: int) -> None:
        opener = _CLOSES.get(mark)
        if opener is None:
            self._enter(mark)
        else:
            self._leave(opener, end)

    def _enter(self, kind: str) -> None:
        if kind == "ref" and self._open[kind]:  # references hold none: the first was never closed
            self._give_up_to(self._last(kind))
        self._frames.append(_Frame(kind))
        self._open[kind] += 1

    def _last(self, kind: str) -> int:
        """Index of the innermost open frame of this kind."""
        return next(i for i in reversed(range(len(self._frames))) if self._frames[i].kind == kind)

    def _give_up_to(self, first: int) -> None:
        """Keep the text of the frames from `first`, which are never closed, without their marks."""
        given_up, self._frames = self._frames[first:], self._frames[:first]
        kept = self._frames[-1]
        for frame in given_up:
            self._open[frame.kind] -= 1
            if frame.kind == "{|":
                _, _, rows = "".join(frame.parts).partition("\n")
                kept.add("\n" + _TABLE_LINE.sub("", rows))
            else:
                for part in frame.parts:
                    kept.add(part)

    def _leave(self, kind: str, end: int) -> None:
        if not self._open[kind]:
            return
        at = self._last(kind)
        if at + 1 < len(self._frames):
            self._give_up_to(at + 1)
        frame = self._frames.pop()
        self._open[kind] -= 1
        # Joining nested text costs its length per level, so the levels are bounded.
        if len(self._frames) > _MAX_DEPTH:
            return
        inner = "".join(frame.parts)
        if kind == "{{" and is_infobox(inner):
            if self._rendering.infoboxes and not self._open["{{"]:
                self.infoboxes.append(infobox_of(inner))
        elif kind == "{|" and self._rendering.tables and not self._open["{{"]:
            shown_rows = table_text(inner)
            inside = self._open["{|"]
            self._write(" ".join(shown_rows.split()) if inside else f"\n\n{shown_rows}\n\n")
        elif kind == "{{":
            self._write(self._template(inner, end))
        elif kind == "[[":
            self._write(link(inner, self._page.hidden_prefixes))
        elif kind == "-{":
            self._write(variant(inner, self._page.language))

    def _template(self, inner: str, end: int) -> str:
        shown = expand_template(
            inner,
            title=self._page.title,
            is_inline=self._is_inline(end),
            rules=self._rendering.templates,
        )
        if shown is None and not self._open["{{"]:
            name = name_of(inner)[:MAX_NAME_CHARS]
            if name in self._silent or len(self._silent) < MAX_NAMES:
                self._silent[name] += 1
        return shown or ""

    def _is_inline(self, end: int) -> bool:
        """Whether the same line has text before or after `end`."""
        frame = self._frames[-1]
        if frame.kind:
            return True
        if frame.has_text:
            return True
        line_end = self._source.find("\n", end, end + _LOOKED_AHEAD)
        after = self._source[end : line_end if line_end >= 0 else end + _LOOKED_AHEAD].strip()
        return bool(after) and not after.lower().startswith(_NO_TEXT_AFTER)

    def _tag(self, token: re.Match[str]) -> int:
        """Process an HTML or extension tag; return the position to continue at."""
        tag = token["tag"].lower()
        is_closing, is_alone = bool(token["slash"]), token[0][:-1].rstrip().endswith("/")
        if tag in LITERAL or tag in OPAQUE:
            return token.end() if is_closing or is_alone else self._skip(tag, token.end())
        if tag in DROPPED:
            if is_closing:
                self._leave(tag, token.end())
            elif not is_alone:
                self._enter(tag)
        elif tag in TABLE:
            self._table_tag(tag, token, is_closing=is_closing)
        elif tag in BREAKING:
            self._write(" " if self._open["{|"] else "\n")  # a row's cells are on one line
        elif tag == "sup" and not is_closing:
            self._write("^" if _EXPONENT.match(self._source, token.end()) else "")
        elif tag not in BARE:
            self._write(token[0])
        return token.end()

    def _table_tag(self, tag: str, token: re.Match[str], *, is_closing: bool) -> None:
        """Write a tag of an HTML table as wikitext; outside of a table it ends a line."""
        if tag == "table":
            if is_closing:
                self._leave("{|", token.end())
            else:
                self._enter("{|")
        elif not self._open["{|"]:
            self._write("\n")
        elif is_closing:
            return
        elif tag == "tr":
            self._write("\n|-\n")
        elif tag in CELLS:
            attributes = token[0][len(tag) + 1 : -1].strip(" /").replace("|", "")
            self._write(f"\n{CELLS[tag]}{attributes}|")

    def _skip(self, tag: str, start: int) -> int:
        """Skip past the closing tag, if there is one, and keep literal text as entities."""
        if tag in self._never_closed:
            return start
        end = re.compile(rf"</{tag}\s*>", re.IGNORECASE).search(self._source, start)
        if end is None:
            self._never_closed.add(tag)
            return start
        inner = self._source[start : end.start()]
        if tag in FORMULA and len(inner) <= _LONGEST_FORMULA:
            self._write(_escaped(" ".join(inner.split())))
        elif tag in LITERAL:
            self._write(_escaped(html.unescape(inner)))
        elif tag == "gallery":
            self._write("".join(caption_of(line) for line in inner.splitlines()))
        return end.end()


def _escaped(text: str) -> str:
    """`text` with each mark as an entity, which is decoded last."""
    return _SPECIAL.sub(lambda mark: f"&#{ord(mark[0])};", text)
