"""Pages and articles of a wiki file, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wikiembed.wiki.redirects import is_redirect
from wikiembed.words import shortened

MAX_TITLE_BYTES = 1024
"""Limit of a title in UTF-8; MediaWiki's is 255, and Postgres' index takes about 2,600."""


ENGLISH_HIDDEN = frozenset({"media", "file", "image", "category"})
"""Prefixes of links that show no text, in every wiki."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """A page of a MediaWiki export.

    `hidden_prefixes` are the wiki's own names, in lower case, of the namespaces whose links
    show no text: files and categories. `language` is the wiki's, as ``zh-hant``; empty: unknown.
    """

    title: str
    wikitext: str
    hidden_prefixes: frozenset[str] = ENGLISH_HIDDEN
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Parts of wikitext to render besides sentences; `templates`: an operator's patterns."""

    tables: bool = True
    infoboxes: bool = True
    templates: Mapping[str, str] = field(default_factory=dict)


EVERYTHING = Rendering()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that is plain text already, headings as ``== Name ==``: a JSON line."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article's title and plain text, which can be stored; see wikiembed.wiki.render."""

    title: str
    content: str


@dataclass(slots=True, kw_only=True)
class LoadCounts:
    """How many pages were read, by outcome.

    After a file: pages = articles + redirects + other_namespaces + other_models + empty.
    `silent_templates`: unknown templates that rendered nothing, by name. `repeated`: articles
    whose title came before; None when that could not be counted.
    """

    pages: int = 0
    articles: int = 0
    redirects: int = 0
    other_namespaces: int = 0
    other_models: int = 0
    empty: int = 0
    repeated: int | None = 0
    silent_templates: Counter[str] = field(default_factory=Counter, compare=False)


def article_of(
    page: RawPage,
    counts: LoadCounts,
    *,
    namespace: str = "0",
    model: str = "wikitext",
    redirects: bool = False,
) -> Iterator[RawPage]:
    """Count `page`, and yield it if it may be an article.

    `redirects`: the file says that it is a redirect; its text may say so, too.
    """
    counts.pages += 1
    if namespace != "0":
        counts.other_namespaces += 1
    elif redirects or is_redirect(page.wikitext):
        counts.redirects += 1
    elif model != "wikitext":
        counts.other_models += 1
    elif not page.wikitext.strip() or not page.title.strip():
        counts.empty += 1
    else:
        yield page


@dataclass(slots=True)
class Position:
    """The reader's position in a file: a line, or a page once its title is read."""

    line: int = 0
    title: str = ""

    def __str__(self) -> str:
        if self.line:
            return f"in line {self.line:,}"
        return f"in page “{shortened(self.title)}”" if self.title else ""
