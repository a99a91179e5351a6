"""A server whose requests say by `truncate` whether it may cut: Ollama, TEI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from wikiembed.embedders.base import Cut, EmbedderOptions, Role
from wikiembed.embedders.decode import no_rows, rows_in
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import TextTooLong
from wikiembed.vectors import Matrix


class TruncatingEmbedder:
    """What such dialects share: `_path` is asked, and `_rows` is the answer's field of vectors.

    `_rows` none: the answer is the vectors.
    """

    _default_path: ClassVar[str]
    _rows: ClassVar[str | None]

    def __init__(self, options: EmbedderOptions, *, http: HttpClient) -> None:
        self._http = http
        self._path = options.path or self._default_path
        self._model = options.model
        self._request_dimensions = options.request_dimensions

    def _payload(self, texts: Sequence[str]) -> Mapping[str, object]:
        """The fields of a request that name the texts, and the model where it is named."""
        raise NotImplementedError

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """Embed `texts` in one request: `(n, dim) float32`, normalised as the server does it.

        Raises: EmbedderError.
        """
        return await self._embed(texts, truncate=False) if texts else no_rows()

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Let the server truncate; some versions of Ollama refuse such a text all the same.

        Raises: EmbedderError.
        """
        try:
            return Cut(matrix=await self._embed([text], truncate=True), chars_kept=None)
        except TextTooLong:
            return None

    async def _embed(self, texts: Sequence[str], *, truncate: bool) -> Matrix:
        payload: dict[str, object] = {**self._payload(texts), "truncate": truncate}
        if self._request_dimensions is not None:
            payload["dimensions"] = self._request_dimensions
        body = await self._http.post(self._path, payload, texts=texts)
        matrix = rows_in(body, self._rows, count=len(texts))
        self._http.learn_dimensions(int(matrix.shape[1]))
        return matrix

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()
