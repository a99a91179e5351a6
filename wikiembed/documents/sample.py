"""Split some of the documents that wait, to estimate what all of them will give; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.rows import dict_row

from wikiembed.db.connect import translate_errors
from wikiembed.documents.work import Unreadable, plan_of
from wikiembed.store.documents import Document, DocumentOptions, StoredChunk

Connection = psycopg.Connection[Any]
MOST_DOCUMENTS = 64
MOST_CHARS = 2_000_000
"""After so many characters no further document is read."""
READ_AT_ONCE = 8


@dataclass(slots=True)
class Sample:
    """Documents that were split, and what a worker would do: `texts` are to be embedded.

    `kept`: chunks whose vector stays.
    """

    documents: int = 0
    kept: int = 0
    texts: list[str] = field(default_factory=list)


def sample(connection: Connection, source: str) -> Sample | None:
    """Split a sample of the documents of `source` that wait, with its options.

    None: this role may not read them. A document that cannot be split counts as one without chunks.
    Raises: SourceNotFound, ConfigurationError, psycopg.Error.
    """
    found = Sample()
    try:
        with translate_errors(), connection.transaction():
            for document, options in _read(connection, source):
                found.documents += 1
                try:
                    plan = plan_of(document, options)
                except Unreadable:
                    continue
                found.kept += len(plan.changes.kept)
                changed = [index for _, index in plan.changes.changed]
                for index in [*changed, *plan.changes.inserted]:
                    chunk = plan.chunks[index]
                    found.texts.append("\n\n".join(filter(None, (chunk.context, chunk.content))))
    except (pg.InsufficientPrivilege, pg.ReadOnlySqlTransaction):
        return None
    return found


def _read(connection: Connection, source: str) -> Iterator[tuple[Document, DocumentOptions]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        keys = [
            row["key"]
            for row in cursor.execute(
                "select s.key from wikiembed_private.sample_waiting(%s, %s) as s (key)",
                (source, MOST_DOCUMENTS),
            )
        ]
        row = cursor.execute("select * from wikiembed.document_options(%s)", (source,)).fetchone()
        options, chars = DocumentOptions(**(row or {})), 0
        for at in range(0, len(keys), READ_AT_ONCE):
            some = keys[at : at + READ_AT_ONCE]
            read = "select * from wikiembed.read_documents(%s, %s::text[], %s)"
            for one in cursor.execute(read, (source, some, MOST_CHARS)).fetchall():
                chunks = tuple(
                    StoredChunk(old["id"], old["context"], old["content"]) for old in one["chunks"]
                )
                chars += len(one["content"] or "")
                yield (
                    Document(one["key"], one["title"], one["content"], one["version"], chunks),
                    options,
                )
            if chars > MOST_CHARS:
                return
