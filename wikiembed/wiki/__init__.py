"""Read a wiki's articles, as chunks, from a MediaWiki export or JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from wikiembed.wiki.pages import EVERYTHING, Article, LoadCounts, Page, RawPage, Rendering
from wikiembed.wiki.plain import Section, to_sections
from wikiembed.wiki.reader import read_pages
from wikiembed.wiki.splitter import MAX_CHUNK_CHARS, clean, digest_of, split_article
from wikiembed.wiki.template_rules import read_rules
from wikiembed.wiki.titles import Titles
from wikiembed.wiki.unpack import Binary

__all__ = [
    "EVERYTHING",
    "MAX_CHUNK_CHARS",
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
    Raises: InputError, after the articles before the error; ConfigurationError when the extra
    ``wiki`` is not installed.
    """
    titles = titles or Titles()
    for page in read_pages(source, counts):
        title = " ".join(clean(page.title).split())
        chunks = split_article(title, _sections_of(page, rendering, counts))
        if not chunks:
            counts.empty += 1
            continue
        counts.articles += 1
        counts.chunks += len(chunks)
        counts.repeated = titles.count(title, counts.repeated)
        yield Article(title=title, chunks=chunks, digest=digest_of(title, chunks))


def _sections_of(page: RawPage | Page, rendering: Rendering, counts: LoadCounts) -> list[Section]:
    match page:
        case RawPage():
            return to_sections(page, rendering, counts.silent_templates)
        case Page():
            return [Section(path=(), text=page.text)]
        case _ as never:
            assert_never(never)
