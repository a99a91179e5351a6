"""Take out of wikitext what shows no text of the article, in one pass.

Templates, tables, references, comments, files, categories and the like go, nested or not,
closed or not. A pass of our own goes before mwparserfromhell because that one backtracks: 2,000
unclosed ``{{a|`` (8 kB) cost it 2 s, 20,000 minutes. Here time is linear in the text.
"""

from __future__ import annotations

import re
from collections import Counter

from wikiembed.wiki.templates import expand_template

_TOKEN = re.compile(
    r"<!--|\{\{|\}\}|\[\[|\]\]|^[ \t:]*\{\||^[ \t]*\|\}(?!\})"
    r"|<(?P<slash>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*)?/?>",
    re.MULTILINE,
)
_CLOSES = {"}}": "{{", "]]": "[[", "|}": "{|"}
# Joining what is nested costs its length a level, so the levels are bounded.
_MAX_DEPTH = 60

_LITERAL_TAGS = {"nowiki", "pre"}
# Their content is no wikitext: it is skipped without a look.
_OPAQUE_TAGS = {
    "math",
    "chem",
    "ce",
    "syntaxhighlight",
    "source",
    "score",
    "timeline",
    "hiero",
    "graph",
    "gallery",
    "imagemap",
    "templatestyles",
    "mapframe",
    "maplink",
    "style",
    "script",
    "inputbox",
    "categorytree",
    "templatedata",
}
_DROPPED_TAGS = {"ref", "references", "table", "includeonly", "indicator"}
_BREAKING_TAGS = {
    "br",
    "p",
    "div",
    "blockquote",
    "poem",
    "center",
    "li",
    "ul",
    "ol",
    "dl",
    "dd",
    "dt",
    "hr",
}
_BARE_TAGS = {
    "abbr",
    "b",
    "bdi",
    "bdo",
    "big",
    "cite",
    "code",
    "data",
    "del",
    "dfn",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "i",
    "ins",
    "kbd",
    "mark",
    "noinclude",
    "onlyinclude",
    "q",
    "rb",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "time",
    "tt",
    "u",
    "var",
    "wbr",
}
_SPECIAL = re.compile(r"[{}\[\]|<>'*#:;=_!-]")
_EXPONENT = re.compile(r"[-\u2212+]?\d")
_INTERLANGUAGE = re.compile(r"(?!mw:)(?:[a-z]{2,3}(?:-[a-z]+)*|simple):")


class _Frame:
    """Something opened and not yet closed, and the text in it so far."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.parts: list[str] = []


def strip_blocks(wikitext: str, hidden_prefixes: frozenset[str]) -> str:
    """`wikitext` with only headings, lists, links, quotes, entities and unknown tags left."""
    return _Stripper(wikitext, hidden_prefixes).run()


class _Stripper:
    def __init__(self, wikitext: str, hidden_prefixes: frozenset[str]) -> None:
        self._source = wikitext
        self._hidden = hidden_prefixes
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
                self._bracket(token[0].strip(" \t:"))
                position = token.end()
        self._write(self._source[position:])
        while len(self._frames) > 1:
            self._give_up()
        return "".join(self._frames[0].parts)

    def _write(self, text: str) -> None:
        if text:
            self._frames[-1].parts.append(text)

    def _bracket(self, mark: str) -> None:
        opener = _CLOSES.get(mark)
        if opener is None:
            self._enter(mark)
        else:
            self._leave(opener)

    def _enter(self, kind: str) -> None:
        if len(self._frames) <= _MAX_DEPTH:
            self._frames.append(_Frame(kind))
            self._open[kind] += 1

    def _give_up(self) -> None:
        """Keep what stands in a frame that is never closed, without its mark."""
        frame = self._frames.pop()
        self._open[frame.kind] -= 1
        self._frames[-1].parts.extend(frame.parts)

    def _leave(self, kind: str) -> None:
        if not self._open[kind]:
            return
        while self._frames[-1].kind != kind:
            self._give_up()
        frame = self._frames.pop()
        self._open[kind] -= 1
        inner = "".join(frame.parts)
        if kind == "{{":
            self._write(expand_template(inner))
        elif kind == "[[":
            self._write(self._link(inner))

    def _link(self, inner: str) -> str:
        target = inner.lstrip()
        if target.startswith(":"):
            return f"[[{target[1:]}]]"
        prefix, colon, _ = target.partition(":")
        is_hidden = colon and prefix.strip().replace("_", " ").lower() in self._hidden
        return "" if is_hidden or _INTERLANGUAGE.match(target) else f"[[{inner}]]"

    def _tag(self, token: re.Match[str]) -> int:
        """Deal with an HTML or extension tag; return where to go on."""
        tag = token["tag"].lower()
        is_closing, is_alone = bool(token["slash"]), token[0].endswith("/>")
        if tag in _LITERAL_TAGS or tag in _OPAQUE_TAGS:
            return token.end() if is_closing or is_alone else self._skip(tag, token.end())
        if tag in _DROPPED_TAGS:
            if is_closing:
                self._leave(tag)
            elif not is_alone:
                self._enter(tag)
        elif tag in _BREAKING_TAGS:
            self._write("\n")
        elif tag == "sup" and not is_closing:
            self._write("^" if _EXPONENT.match(self._source, token.end()) else "")
        elif tag not in _BARE_TAGS:
            self._write(token[0])
        return token.end()

    def _skip(self, tag: str, start: int) -> int:
        """Go past the closing tag, if there is one, and keep literal text as entities."""
        if tag in self._never_closed:
            return start
        end = re.compile(rf"</{tag}\s*>", re.IGNORECASE).search(self._source, start)
        if end is None:
            self._never_closed.add(tag)
            return start
        if tag in _LITERAL_TAGS:
            literal = self._source[start : end.start()]
            self._write(_SPECIAL.sub(lambda mark: f"&#{ord(mark[0])};", literal))
        return end.end()
