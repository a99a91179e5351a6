"""Write articles to the wiki's tables, a batch of pages per transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import psycopg
from psycopg.types.json import Jsonb

from wikiembed.db.connect import translate_errors

PAGES_PER_TRANSACTION = 100


_WAITING = """
select sum(d.waiting)::bigint from wikiembed.documents as d where d.relation = 'public.wiki_pages'
"""


class Article(Protocol):
    """A page; see wikiembed.wiki.Article."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def content(self) -> str:
        """Its plain text."""


@dataclass(slots=True)
class Loaded:
    """The number of pages added, changed or unchanged.

    `in_doubt`: pages that were sent without an answer from Postgres: they may be stored.
    `refused`: the first and the last title of the pages that Postgres refused.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    in_doubt: int = 0
    refused: tuple[str, str] | None = None

    @property
    def written(self) -> int:
        """Pages that were added or changed."""
        return self.added + self.changed

    @property
    def stored(self) -> int:
        """Pages that the tables hold as the file does."""
        return self.added + self.changed + self.unchanged

    def as_json(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
        }


def load_articles(
    connection: psycopg.Connection[Any],
    articles: Iterable[Article],
    *,
    total: Loaded | None = None,
    on_batch: Callable[[Loaded], None] = lambda _: None,
) -> Loaded:
    """Load `articles` through wikiembed.load_pages, in constant memory; returns `total`.

    An error of the reader is raised after the pages before it are written; each call is a
    transaction of its own unless one is open. `total` is correct after an error too.
    Raises: what `articles` raises; DatabaseError and its kinds.
    """
    total = total or Loaded()
    reading = iter(articles)
    while True:
        batch, error = _take(reading)
        if batch:
            _write(connection, batch, total)
            on_batch(total)
        if error is not None:
            raise error
        if not batch:
            return total


def waiting_pages(connection: psycopg.Connection[Any]) -> int | None:
    """How many of the wiki's pages wait to be split; None when no source splits them.

    Raises: DatabaseError and its kinds.
    """
    with translate_errors():
        row = connection.execute(_WAITING).fetchone()
    return None if row is None else row[0]


def _take(reading: Iterator[Article]) -> tuple[list[Article], Exception | None]:
    """The next pages, and the reader's error if it raised one."""
    batch: list[Article] = []
    try:
        for article in islice(reading, PAGES_PER_TRANSACTION):
            batch.append(article)
    except Exception as error:
        return batch, error
    return batch, None


def _write(connection: psycopg.Connection[Any], batch: list[Article], total: Loaded) -> None:
    pages = [{"title": article.title, "content": article.content} for article in batch]
    total.in_doubt = len({a.title for a in batch})
    try:
        with translate_errors():
            row = connection.execute(
                "select added, changed, unchanged from wikiembed.load_pages(%s)",
                (Jsonb(pages),),
            ).fetchone()
    except Exception:
        if not connection.closed:  # what is refused is rolled back
            total.in_doubt = 0
            total.refused = (batch[0].title, batch[-1].title)
        raise
    total.in_doubt = 0
    assert row is not None  # noqa: S101 - the function returns one row always
    total.added += row[0]
    total.changed += row[1]
    total.unchanged += row[2]
