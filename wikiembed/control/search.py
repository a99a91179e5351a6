"""Find the chunks nearest to a question, with the model that embedded them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.config import Provider, Settings
from wikiembed.db.connect import translate_errors
from wikiembed.db.pool import OIDS_OF_VECTOR, VectorValue, register_vectors
from wikiembed.embedders import EmbedderOptions, open_embedder
from wikiembed.errors import ConfigurationError, EmbedderBadAnswer
from wikiembed.store.source import COLUMNS, Source
from wikiembed.vectors import Matrix, usable_rows

Connection = psycopg.Connection[Any]
USUAL_EF_SEARCH = 40
MOST_EF_SEARCH = 1000
"""pgvector's bounds of hnsw.ef_search."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk and its cosine distance (0 to 2) from the question."""

    source: str
    key: str
    content: str
    distance: float


def search(
    connection: Connection, settings: Settings, text: str, *, source: str, limit: int
) -> list[Hit]:
    """The `limit` chunks of `source` nearest to `text`, nearest first.

    Raises: SourceNotFound, ConfigurationError, EmbedderError.
    """
    found = find(connection, source)
    prefix = settings.query_prefix if found.query_prefix is None else found.query_prefix
    return nearest(connection, found, embed(found, settings, prefix + text), limit=limit)


def find(connection: Connection, name: str) -> Source:
    """The source of that name.

    Raises: SourceNotFound.
    """
    with translate_errors():
        row = connection.execute(
            f"select {COLUMNS} from wikiembed.sources where name = %s",  # noqa: S608
            (name,),
        ).fetchone()
        if row is None:
            connection.execute("select wikiembed.is_ready(%s)", (name,))
    return Source.from_row(row)  # type: ignore[arg-type]


def nearest(connection: Connection, source: Source, vector: Matrix, *, limit: int) -> list[Hit]:
    """The `limit` chunks nearest to `vector`, `(1, dim) float32`, as `search_chunks` finds them.

    Raises: ConfigurationError.
    """
    with translate_errors():
        oids = connection.execute(OIDS_OF_VECTOR).fetchone()
        if oids is None:
            raise ConfigurationError("The database has no extension vector.")
        register_vectors(connection, oids[0], oids[1])
        # An HNSW index gives no more rows than it looks at.
        wide = min(max(limit, USUAL_EF_SEARCH), MOST_EF_SEARCH)
        connection.execute("select set_config('hnsw.ef_search', %s, false)", (str(wide),))
        rows = connection.execute(
            "select key, content, distance from wikiembed.search_chunks(%s, %b, %s)",
            (source.name, VectorValue(vector), limit),
        ).fetchall()
    return [Hit(source.name, *row) for row in rows]


def embed(source: Source, settings: Settings, text: str) -> Matrix:
    """The vector of `text`, `(1, dim) float32`, by the source's model; no prefix is added.

    Raises: ConfigurationError when it has other dimensions than the source; EmbedderError.
    """
    provider = Provider(source.provider) if source.provider else settings.embedder
    options = EmbedderOptions.of(settings, provider, source.model or settings.model_of(provider))
    vector = asyncio.run(_embed(options, text))
    if source.dimensions is not None and vector.shape[1] != source.dimensions:
        wanted = (
            f"set WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL to {source.provider} {source.model!r}"
            if source.model
            else "choose another with WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL"
        )
        raise ConfigurationError(
            f"Source {source.name!r} holds {source.dimensions} dimensions, this model gives"
            f" {vector.shape[1]}: {wanted}."
        )
    return vector


async def _embed(options: EmbedderOptions, text: str) -> Matrix:
    embedder = open_embedder(options)
    try:
        matrix = await embedder.embed([text])
    finally:
        await embedder.aclose()
    if not usable_rows(matrix).all():
        raise EmbedderBadAnswer("The model gives no usable vector for that question.")
    return matrix
