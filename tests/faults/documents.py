"""Documents in the fault tests: a table of articles, and counts of their chunks in Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.database import DIMENSIONS, Database
from tests.support.standin import vector_of
from tests.support.workers import prove

SENTENCES = [f"Sentence number {n} is about topic {n * 7919 % 97}." for n in range(40)]
BODY = "\n\n".join(" ".join(SENTENCES[first : first + 4]) for first in range(0, len(SENTENCES), 4))
RENUMBERED = "replace(body, 'Sentence number ', 'Sentence ' || {} || ' number ')"
"""SQL: another text, each sentence of which has changed."""


def make_articles(database: Database, **options: object) -> None:
    """Create ``public.articles`` and attach it as documents, with verifiable vectors.

    `options` are those of attach_documents, without ``p_``; max_chars is 300 by default.
    """
    database.execute("create table public.articles (id bigint primary key, title text, body text)")
    attach(database, **options)


def attach(database: Database, **options: object) -> None:
    """Attach ``public.articles``; `options` as for `make_articles`."""
    given = {"max_chars": 300, "title": "title", "dimensions": DIMENSIONS, **options}
    values = ", ".join(f"p_{name} => %s" for name in given)
    database.execute(
        f"select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles', {values})",
        list(given.values()),
    )
    prove(database, "articles")


def add_articles(database: Database, n: int, *, begin: int = 1, body: str = BODY) -> None:
    """Insert `n` articles in one statement, each with its number in its text."""
    database.execute(
        "insert into public.articles select i, 'Title ' || i, 'Article ' || i || E'.\\n\\n' || %s"
        " from generate_series(%s::int, %s::int) as i",
        [body, begin, begin + n - 1],
    )


def check_chunks(
    text: str | None, chunks: list[tuple[int, str, int, int]], *, overlaps: bool = False
) -> None:
    """Assert that chunks (position, content, start, end) are the text, nothing lost or doubled."""
    text = text or ""
    assert [position for position, *_ in chunks] == list(range(len(chunks)))
    assert all(content == text[start:end] for _, content, start, end in chunks)
    before = 0
    for _, _, start, end in chunks:
        assert text[before:start].strip() == ""
        assert end > before
        assert overlaps or start >= before
        before = end
    assert text[before:].strip() == ""


def reckon_articles(database: Database, *, overlaps: bool = False) -> int:
    """Assert that all articles are split and embedded as they are now; returns their chunks.

    Counts in Python what check_invariants counts in SQL, and calls that, too.
    """
    database.check_invariants()
    bodies: dict[int, str | None] = dict(database.rows("select id, body from public.articles"))
    found: dict[int, list[tuple[int, str, int, int]]] = {key: [] for key in bodies}
    rows: list[tuple[Any, ...]] = database.rows(
        "select document_id, position, content, starts_at, ends_at, context, embedding::text"
        " from public.articles_chunks order by document_id, position"
    )
    for key, *chunk, context, embedding in rows:
        found[key].append((chunk[0], chunk[1], chunk[2], chunk[3]))
        embedded = "\n\n".join(part for part in (context, chunk[1]) if part is not None)
        assert embedding is not None
        vector = np.fromstring(embedding.strip("[]"), sep=",", dtype=np.float32)
        assert (vector == vector_of(embedded, DIMENSIONS)).all()
    for key, chunks in found.items():
        check_chunks(bodies[key], chunks, overlaps=overlaps)
    assert database.rows(
        "select split, waiting, failed, chunks from wikiembed.documents where source = 'articles'"
    ) == [(len(bodies), 0, 0, len(rows))]
    jobs = database.one(
        "select count(*) from wikiembed_queue.procrastinate_jobs"
        " where task_name in ('wikiembed.split', 'wikiembed.embed')"
    )
    assert jobs == 0
    return len(rows)
