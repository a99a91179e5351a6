"""Read a wiki's articles, as plain text, from a file of any format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from wikiembed.wiki.pages import EVERYTHING, Article, LoadCounts, Page, RawPage, Rendering
from wikiembed.wiki.plain import Section, to_sections
from wikiembed.wiki.reader import FORMAT_NAMES, read_pages
from wikiembed.wiki.render import clean, render_text
from wikiembed.wiki.template_rules import read_rules
from wikiembed.wiki.titles import Titles
from wikiembed.wiki.unpack import Binary

__all__ = [
    "EVERYTHING",
    "FORMAT_NAMES",
    "Article",
    "Binary",
    "LoadCounts",
    "Page",
    "RawPage",
    "Rendering",
    "Section",
    "Titles",
    "read_articles",
    "read_pages",
    "read_rules",
]


def read_articles(
    source: Path | Binary,
    counts: LoadCounts,
    titles: Titles | None = None,
    rendering: Rendering = EVERYTHING,
) -> Iterator[Article]:
    """Stream the articles of a file, or of standard input, and count into `counts`.

    Memory does not grow with the file. Articles are in the file's order, with repeated titles;
    `titles`: those of earlier files.
    Raises: InputError, after the articles before the error.
    """
    titles = titles or Titles()
    for page in read_pages(source, counts):
        title = " ".join(clean(page.title).split())
        content = _text_of(page, rendering, counts)
        if not content:
            counts.empty += 1
            continue
        counts.articles += 1
        counts.repeated = titles.count(title, counts.repeated)
        yield Article(title=title, content=content)


def _text_of(page: RawPage | Page, rendering: Rendering, counts: LoadCounts) -> str:
    """Headings of text that is plain already are kept as they are."""
    match page:
        case RawPage():
            return render_text(to_sections(page, rendering, counts.silent_templates))
        case Page():
            return clean(page.text).strip()
        case _ as never:
            assert_never(never)
