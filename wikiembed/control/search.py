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


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk and its cosine distance (0 to 2) from the question."""

    source: str
    key: str
    content: str
    distance: float


def search(
    connection: psycopg.Connection[Any],
    settings: Settings,
    text: str,
    *,
    source: str,
    limit: int,
) -> list[Hit]:
    """The `limit` chunks of `source` nearest to `text`, nearest first.

    Raises: SourceNotFound, ConfigurationError, EmbedderError.
    """
    with translate_errors():
        row = connection.execute(
            f"select {COLUMNS} from wikiembed.sources where name = %s",  # noqa: S608
            (source,),
        ).fetchone()
        if row is None:
            connection.execute("select wikiembed.is_ready(%s)", (source,))
        found = Source.from_row(row)  # type: ignore[arg-type]
        vector = asyncio.run(_embed(found, settings, text))
        if found.dimensions is not None and vector.shape[1] != found.dimensions:
            wanted = (
                f"set WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL to {found.provider} {found.model!r}"
                if found.model
                else "choose another with WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL"
            )
            raise ConfigurationError(
                f"Source {source!r} holds {found.dimensions} dimensions, this model gives"
                f" {vector.shape[1]}: {wanted}."
            )
        oids = connection.execute(OIDS_OF_VECTOR).fetchone()
        if oids is None:
            raise ConfigurationError("The database has no extension vector.")
        register_vectors(connection, oids[0], oids[1])
        rows = connection.execute(
            "select key, content, distance from wikiembed.search_chunks(%s, %b, %s)",
            (source, VectorValue(vector), limit),
        ).fetchall()
    return [Hit(source, *row) for row in rows]


async def _embed(source: Source, settings: Settings, text: str) -> Matrix:
    provider = Provider(source.provider) if source.provider else settings.embedder
    prefix = settings.query_prefix if source.query_prefix is None else source.query_prefix
    embedder = open_embedder(
        EmbedderOptions.of(settings, provider, source.model or settings.model_of(provider))
    )
    try:
        matrix = await embedder.embed([prefix + text])
    finally:
        await embedder.aclose()
    if not usable_rows(matrix).all():
        raise EmbedderBadAnswer("The model gives no usable vector for that question.")
    return matrix
