"""A server whose requests say whether it may cut a text: Ollama, TEI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from wikiembed.embedders.base import Cut, EmbedderOptions, Role
from wikiembed.embedders.decode import no_rows, rows_in
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import TextTooLong
from wikiembed.vectors import Matrix


class TruncatingEmbedder:
    """What such dialects share; each has its path, its request and its answer.

    `_rows` is the answer's field of vectors (none: the answer is the vectors), unless `_matrix`
    reads it in another way; `_dimensions` is the request's field of dimensions.
    """

    _default_path: ClassVar[str]
    _rows: ClassVar[str | None] = None
    _dimensions: ClassVar[str] = "dimensions"

    def __init__(self, options: EmbedderOptions, *, http: HttpClient) -> None:
        self._http = http
        self._path = options.path or self._default_path
        self._model = options.model
        self._request_dimensions = options.request_dimensions

    def _payload(self, texts: Sequence[str], *, role: Role, truncate: bool) -> Mapping[str, object]:
        """The fields of a request, but its dimensions; the model is in it where it is named."""
        raise NotImplementedError

    def _matrix(self, body: bytes, *, count: int) -> Matrix:
        """The vectors of an answer: `(count, dim) float32`."""
        return rows_in(body, self._rows, count=count)

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """Embed `texts` in one request: `(n, dim) float32`, normalised as the server does it.

        Raises: EmbedderError.
        """
        return await self._embed(texts, role=role, truncate=False) if texts else no_rows()

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Let the server truncate; some versions of Ollama refuse such a text all the same.

        Raises: EmbedderError.
        """
        try:
            matrix = await self._embed([text], role=role, truncate=True)
        except TextTooLong:
            return None
        return Cut(matrix=matrix, chars_kept=None)

    async def _embed(self, texts: Sequence[str], *, role: Role, truncate: bool) -> Matrix:
        payload = dict(self._payload(texts, role=role, truncate=truncate))
        if self._request_dimensions is not None:
            payload[self._dimensions] = self._request_dimensions
        body = await self._http.post(self._path, payload, texts=texts)
        matrix = self._matrix(body, count=len(texts))
        self._http.learn_dimensions(int(matrix.shape[1]))
        return matrix

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()
