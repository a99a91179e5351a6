"""An article as one plain text, with headings that the splitter ``text`` recognises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from wikiembed.wiki.plain import Section

MAX_HEADING_LEVEL = 6

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# A line of text that would be read as a heading: see wikiembed.documents.structure.
_LIKE_HEADING = re.compile(r"^(?==[^\n]*=[^\S\n]*$)", re.MULTILINE)


def clean(text: str) -> str:
    """`text` in NFC, without NUL (Postgres refuses it) and lone surrogates (invalid in UTF-8)."""
    return unicodedata.normalize("NFC", _UNSTORABLE.sub("", text))


def render_text(sections: Sequence[Section]) -> str:
    """The sections as one text, separated by blank lines; headings are lines ``== Name ==``.

    It is the form of MediaWiki's own plain text: two signs for the highest level, one more for
    each below, at most `MAX_HEADING_LEVEL`. A line of a section's text that looks like a heading
    gets a blank in front.
    """
    return "\n\n".join(_parts(sections))


def _parts(sections: Sequence[Section]) -> Iterator[str]:
    above: tuple[str, ...] = ()
    for section in sections:
        text = clean(section.text).strip()
        if not text:
            continue
        path = tuple(filter(None, (" ".join(clean(name).split()) for name in section.path)))
        for level, name in _new_headings(above, path):
            signs = "=" * min(level, MAX_HEADING_LEVEL)
            yield f"{signs} {name} {signs}"
        above = path
        yield _LIKE_HEADING.sub(" ", text)


def _new_headings(above: tuple[str, ...], path: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Level and name of the headings of `path` that are not in force yet; the last one always."""
    shared = 0
    while shared < min(len(above), len(path) - 1) and above[shared] == path[shared]:
        shared += 1
    return enumerate(path[shared:], shared + 2)
