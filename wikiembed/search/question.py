"""The vector of a question, by the model that made a source's vectors."""

from __future__ import annotations

import ctypes
import os
from collections import OrderedDict
from weakref import WeakSet

from wikiembed.config import Settings
from wikiembed.embedders.base import Embedder, EmbedderOptions, Role
from wikiembed.embedders.open import open_first
from wikiembed.errors import ConfigurationError, EmbedderBadAnswer, TextTooLong
from wikiembed.store.resolution import for_queries
from wikiembed.store.source import Source
from wikiembed.vectors import Matrix, usable_rows

CACHED = 1_000
Servers = tuple[EmbedderOptions, ...]


class Questions:
    """Embeds questions; keeps the servers' connections and the last `cached` vectors.

    Of several servers of a model the first that answers embeds a question.
    """

    def __init__(self, settings: Settings, *, cached: int = CACHED) -> None:
        self._settings = settings
        self._cached = cached
        self._embedders: dict[tuple[Servers, int | None], Embedder] = {}
        self._vectors: OrderedDict[tuple[Servers, int | None, str], Matrix] = OrderedDict()
        _OPEN.add(self)

    async def vector(self, source: Source, text: str, *, prefixed: bool = True) -> Matrix:
        """The vector of `text`, `(1, dim) float32`, behind the source's prefix for questions.

        Raises: ConfigurationError when it has other dimensions than the source; EmbedderError.
        """
        found = for_queries(source, self._settings)
        text = found.prefix + text if prefixed else text
        servers = EmbedderOptions.each(self._settings, found.provider, found.model)
        key = (servers, source.dimensions)
        vector = self._vectors.get((*key, text))
        if vector is None:
            embedder = self._embedders.get(key)
            if embedder is None:
                embedder = open_first(servers, dimensions=source.dimensions)
                self._embedders[key] = embedder
            vector = await embed_question(embedder, text, truncate=self._settings.truncate)
            self._vectors[*key, text] = vector
            while len(self._vectors) > self._cached:
                self._vectors.popitem(last=False)
        else:
            self._vectors.move_to_end((*key, text))
        require_dimensions(source, vector)
        return vector

    async def aclose(self) -> None:
        """Close the connections to the servers."""
        for embedder in self._embedders.values():
            await embedder.aclose()
        self._embedders.clear()


_OPEN: WeakSet[Questions] = WeakSet()


def _never_collect_the_parents() -> None:
    """In a child that was forked, keep what its parent has open until the process ends.

    Its epoll and its sockets are shared: a connection that the child collects is closed, which
    takes the parent's out of the epoll or ends its TLS session.
    """
    for questions in _OPEN:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(questions))


os.register_at_fork(after_in_child=_never_collect_the_parents)


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
