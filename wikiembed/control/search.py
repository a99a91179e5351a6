"""Find the chunks nearest to a question, with the model that embedded them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import Vector

from wikiembed.config import Provider, Settings
from wikiembed.db.connect import translate_errors
from wikiembed.db.pool import OIDS_OF_VECTOR, register_vectors
from wikiembed.embedders.base import Embedder, EmbedderOptions, Role
from wikiembed.embedders.open import open_embedder
from wikiembed.errors import ConfigurationError, EmbedderBadAnswer, InvalidArgument, TextTooLong
from wikiembed.store.resolution import for_queries
from wikiembed.store.source import SOURCE, Source
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

    @property
    def similarity(self) -> float:
        """The cosine similarity, from -1 to 1: 1 - distance."""
        return 1 - self.distance

    def as_json(self) -> dict[str, object]:
        """Its fields by name, and the similarity."""
        return {
            "source": self.source,
            "key": self.key,
            "similarity": self.similarity,
            "distance": self.distance,
            "content": self.content,
        }


def search(
    connection: Connection, settings: Settings, text: str, *, source: str, limit: int
) -> list[Hit]:
    """The `limit` chunks of `source` nearest to `text`, nearest first.

    Raises: SourceNotFound, ConfigurationError, EmbedderError.
    """
    return search_all(connection, settings, text, sources=[source], limit=limit)


def search_all(
    connection: Connection, settings: Settings, text: str, *, sources: Sequence[str], limit: int
) -> list[Hit]:
    """The `limit` chunks of all `sources` together that are nearest to `text`, nearest first.

    Raises: SourceNotFound, InvalidArgument when they have different models, whose similarities
    cannot be compared; ConfigurationError, EmbedderError.
    """
    found = [find(connection, name) for name in sources]
    _require_one_model(found, settings)
    vectors: dict[str, Matrix] = {}
    hits: list[Hit] = []
    for source in found:
        question = for_queries(source, settings).prefix + text
        if question not in vectors:
            vectors[question] = embed(source, settings, question)
        require_dimensions(source, vectors[question])
        hits += nearest(connection, source, vectors[question], limit=limit)
    return sorted(hits, key=lambda hit: hit.distance)[:limit]


def _require_one_model(sources: Sequence[Source], settings: Settings) -> None:
    models: dict[tuple[Provider, str | None], list[str]] = {}
    for source in sources:
        models.setdefault(for_queries(source, settings).server_key, []).append(source.name)
    if len(models) > 1:
        (provider, model), names = next(iter(models.items()))
        raise InvalidArgument(
            f"The sources have vectors of {len(models)} different models, whose similarities cannot"
            f" be compared: choose a source with --source, such as --source {names[0]}"
            f" ({' '.join(filter(None, (provider.value, model)))})."
        )


def find(connection: Connection, name: str) -> Source:
    """The source of that name.

    Raises: SourceNotFound.
    """
    with translate_errors():
        row = connection.execute(
            SOURCE,
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
        # An HNSW scan returns at most ef_search rows.
        wide = min(max(limit, USUAL_EF_SEARCH), MOST_EF_SEARCH)
        connection.execute("select set_config('hnsw.ef_search', %s, false)", (str(wide),))
        rows = connection.execute(
            "select key, content, distance from wikiembed.search_chunks(%s, %b, %s)",
            (source.name, Vector(vector[0]), limit),
        ).fetchall()
    return [Hit(source.name, *row) for row in rows]


def embed(source: Source, settings: Settings, text: str) -> Matrix:
    """The vector of `text`, `(1, dim) float32`, by the source's model; no prefix is added.

    Raises: ConfigurationError when it has other dimensions than the source; EmbedderError.
    """
    found = for_queries(source, settings)
    options = EmbedderOptions.of(settings, found.provider, found.model)
    vector = asyncio.run(_embed(options, text, truncate=settings.truncate))
    require_dimensions(source, vector)
    return vector


def require_dimensions(source: Source, vector: Matrix) -> None:
    """Reject a vector whose dimensions are not the source's.

    Raises: ConfigurationError.
    """
    if source.dimensions is not None and vector.shape[1] != source.dimensions:
        wanted = (
            f"set WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL to {source.provider} {source.model!r}"
            if source.model
            else "choose another with WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL"
        )
        raise ConfigurationError(
            f"Source {source.name!r} has {source.dimensions} dimensions, this model returns"
            f" {vector.shape[1]}: {wanted}."
        )


async def _embed(options: EmbedderOptions, text: str, *, truncate: bool) -> Matrix:
    embedder = open_embedder(options)
    try:
        return await embed_question(embedder, text, truncate=truncate)
    finally:
        await embedder.aclose()


async def embed_question(embedder: Embedder, text: str, *, truncate: bool) -> Matrix:
    """The vector of `text`, `(1, dim) float32`; too long ones are truncated by the server.

    Raises: EmbedderError.
    """
    try:
        matrix = await embedder.embed([text], role=Role.QUERY)
    except TextTooLong:
        cut = await embedder.embed_cut(text, role=Role.QUERY) if truncate else None
        if cut is None:
            raise
        matrix = cut.matrix
    if not usable_rows(matrix).all():
        raise EmbedderBadAnswer("The model returns no usable vector for that question.")
    return matrix
