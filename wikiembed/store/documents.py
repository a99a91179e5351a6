"""The worker's calls for documents: read texts and their chunks, write new chunks, record failures.

Every method raises DatabaseUnreachable, LockNotAvailable, SourceNotFound or psycopg.Error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wikiembed.error_class import ErrorClass
from wikiembed.errors import SourceNotFound
from wikiembed.store.calls import fetch_all
from wikiembed.store.outcome import Outcome

if TYPE_CHECKING:
    from wikiembed.db.pool import Pool

Context = Literal["none", "title", "heading", "title_heading"]

WRITE = (
    "select key, outcome from wikiembed.write_splits(%s, %b::text[], %s::bigint[], %s::int[],"
    " %s::bigint[], %s::int[], %s::bigint[], %b::text[], %b::text[], %b::text[], %s::int[],"
    " %s::int[])"
)
"""Texts in binary, numbers as one literal per array: the cheapest of each to encode."""


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """How the documents of a source are split; `context` is what each chunk is embedded with.

    `max_tokens` None: no bound; else splitting needs `tokens`, which counts those of a text.
    """

    splitter: Literal["text", "markdown", "html"]
    max_chars: int
    overlap_chars: int
    context: Context
    max_tokens: int | None = None
    tokens: Callable[[str], int] | None = None


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk of a document as it is stored."""

    id: int
    context: str | None
    content: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document that waits to be split, its version, and its present chunks by position."""

    key: str
    title: str | None
    content: str | None
    version: int | None
    chunks: tuple[StoredChunk, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChunk:
    """A chunk to write: `content` is the text from `start` to `end`, in characters.

    `id` is that of the row it is written to; None: a new row.
    """

    id: int | None
    context: str | None
    content: str
    heading: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Split:
    """A document as it was read, and what its chunks are to be."""

    document: Document
    chunks: Sequence[NewChunk]


class DocumentStore:
    """Calls of the functions granted to workers; each is one short transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def _all(self, statement: str, parameters: Sequence[object]) -> list[Any]:
        return await fetch_all(self._pool, statement, parameters)

    async def options(self, source: str) -> DocumentOptions:
        """How the documents of `source` are split.

        Raises: SourceNotFound, also when the source has no documents.
        """
        rows = await self._all(
            "select splitter, max_chars, overlap_chars, context, max_tokens"
            " from wikiembed.document_options(%s)",
            (source,),
        )
        if not rows:
            raise SourceNotFound(f"No source of documents is named {source!r}.")
        return DocumentOptions(*rows[0])

    async def read(self, source: str, keys: Sequence[str], *, most_bytes: int) -> list[Document]:
        """The documents of `keys` that wait to be split and are not locked.

        Only the first of them, in order of key, once their texts have `most_bytes` of UTF-8; one
        at least.
        """
        rows = await self._all(
            "select key, title, content, version, chunks"
            " from wikiembed.read_documents(%s, %s::text[], %s::bigint)",
            (source, list(keys), most_bytes),
        )
        return [
            Document(
                key,
                title,
                content,
                version,
                tuple(StoredChunk(one["id"], one["context"], one["content"]) for one in chunks),
            )
            for key, title, content, version, chunks in rows
        ]

    async def write(self, source: str, splits: Sequence[Split]) -> dict[str, Outcome]:
        """Give each document its chunks, unless its text or chunks have changed (stale).

        Returns the outcome by key. One transaction: what Postgres refuses of one document is
        written of none.
        """
        old = [(n, old.id) for n, one in enumerate(splits, 1) for old in one.document.chunks]
        new = [(n, chunk) for n, one in enumerate(splits, 1) for chunk in one.chunks]
        rows = await self._all(
            WRITE,
            (
                source,
                [one.document.key for one in splits],
                _array(one.document.version for one in splits),
                _array(number for number, _ in old),
                _array(key for _, key in old),
                _array(number for number, _ in new),
                _array(chunk.id for _, chunk in new),
                [chunk.context for _, chunk in new],
                [chunk.content for _, chunk in new],
                [chunk.heading for _, chunk in new],
                _array(chunk.start for _, chunk in new),
                _array(chunk.end for _, chunk in new),
            ),
        )
        return {key: Outcome(outcome) for key, outcome in rows}

    async def requeue(self, source: str, keys: Sequence[str], *, attempt: int) -> int:
        """Queue the documents of `keys` that wait, with backoff; return their number."""
        rows = await self._all(
            "select wikiembed.requeue_documents(%s, %s::text[], %s::int)",
            (source, list(keys), attempt),
        )
        return int(rows[0][0])

    async def record_failure(
        self,
        source: str,
        document: Document,
        *,
        error_class: ErrorClass,
        message: str,
        job_id: int | None,
    ) -> bool:
        """Record why `document` is not split; False when it has changed meanwhile."""
        rows = await self._all(
            "select wikiembed.record_document_failure(%s, %s, %s::bigint, %s, %s, %s::bigint)",
            (source, document.key, document.version, error_class, message, job_id),
        )
        return bool(rows[0][0])


def _array(numbers: Iterable[int | None]) -> str:
    """The literal of an array of numbers, which psycopg would encode one by one."""
    return "{" + ",".join("NULL" if one is None else str(one) for one in numbers) + "}"
