"""Documents of a table `articles`, split as a worker splits them: by their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.database import Database

ATTACH = (
    "select wikiembed.attach_documents('public.articles', array['tenant', 'id'], array['body'],"
    " 'articles', p_title => 'title', p_dimensions => 4)"
)
WRITE = (
    "select * from wikiembed.write_splits('articles', %s::text[], %s::bigint[], %s::int[],"
    " %s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[],"
    " %s::int[])"
)
FREE = "delete from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.split'"


def put(database: Database, key: str, body: str | None, title: str | None = "Title") -> str:
    """Insert an article of tenant 1; returns its key as text."""
    database.execute("insert into public.articles values (1, %s, %s, %s)", [key, title, body])
    return f'[1, "{key}"]'


def queued(database: Database) -> list[str]:
    """Keys of documents in jobs."""
    return [
        row[0]
        for row in database.rows(
            "select jsonb_array_elements_text(args -> 'documents') from"
            " wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.split' order by id"
        )
    ]


def split(database: Database, key: str, parts: Sequence[str] | None = None) -> str:
    """Split a document by the lines of its text, as a worker would; returns the outcome."""
    rows = database.rows("select * from wikiembed.read_documents('articles', %s)", [[key]])
    if not rows:
        return "not read"
    ((_, title, content, version, chunks),) = rows
    return write(database, key, version, content or "", chunks, title)


def write(
    database: Database, key: str, version: int, text: str, old: list[dict[str, Any]], title: str
) -> str:
    """Write one chunk per line; equal lines keep their row."""
    (outcome,) = write_all(database, [(key, title, text, version, old)])
    return outcome


def write_all(database: Database, read: Sequence[tuple[Any, ...]]) -> list[str]:
    """Write documents as `read_documents` returned them, in one call; returns the outcomes."""
    olds = [(number, chunk["id"]) for number, row in enumerate(read, 1) for chunk in row[4]]
    news: list[tuple[Any, ...]] = []
    for number, (_, title, content, _, old) in enumerate(read, 1):
        left = {chunk["content"]: chunk["id"] for chunk in old}
        at = 0
        for line in (content or "").splitlines():
            if line:
                news.append((number, left.pop(line, None), title, line, "", at, at + len(line)))
            at += len(line) + 1
    rows = database.rows(
        WRITE,
        [
            [row[0] for row in read],
            [row[3] for row in read],
            *([one[part] for one in olds] for part in range(2)),
            *([one[part] for one in news] for part in range(7)),
        ],
    )
    assert [row[0] for row in rows] == [row[0] for row in read]
    return [row[1] for row in rows]


def read_all(database: Database, *keys: str) -> list[tuple[Any, ...]]:
    """Documents that wait, in the order of `keys`."""
    rows = database.rows("select * from wikiembed.read_documents('articles', %s)", [list(keys)])
    return sorted(rows, key=lambda row: keys.index(row[0]))


def chunks(database: Database) -> list[tuple[Any, ...]]:
    """Position and content of each chunk, in order."""
    return database.rows(
        "select position, content from public.articles_chunks"
        " order by document_tenant, document_id, position"
    )


def counts(database: Database) -> tuple[Any, ...]:
    """Total, split, waiting, failed, chunks."""
    (row,) = database.rows(
        "select total, split, waiting, failed, chunks from wikiembed.documents"
        " where source = 'articles'"
    )
    return row
