"""Ollama: `/api/embed`, which truncates long texts unless `truncate: false` is sent."""

from __future__ import annotations

from collections.abc import Sequence

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, Cut, EmbedderOptions, ModelInfo
from wikiembed.embedders.decode import no_rows, rows_in
from wikiembed.embedders.http import HttpClient
from wikiembed.errors import TextTooLong
from wikiembed.vectors import Matrix


class OllamaEmbedder:
    """One model on an Ollama server.

    Source: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
    """

    def __init__(self, options: EmbedderOptions, *, http: HttpClient) -> None:
        self._http = http
        self._path = options.path or "/api/embed"
        self._model = options.model or ""
        self._request_dimensions = options.request_dimensions

    async def describe(self) -> ModelInfo:
        """Embed the probe; the model is the one that was asked for.

        Raises: EmbedderError.
        """
        matrix = await self.embed([PROBE_TEXT])
        return ModelInfo(
            provider=Provider.OLLAMA, model=self._model, dimensions=int(matrix.shape[1])
        )

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed `texts` in one request: `(n, dim) float32`.

        Raises: EmbedderError.
        """
        return await self._embed(texts, truncate=False) if texts else no_rows()

    async def embed_cut(self, text: str) -> Cut | None:
        """Let the server truncate; some versions of it refuse such a text all the same.

        Raises: EmbedderError.
        """
        try:
            return Cut(matrix=await self._embed([text], truncate=True), chars_kept=None)
        except TextTooLong:
            return None

    async def _embed(self, texts: Sequence[str], *, truncate: bool) -> Matrix:
        payload: dict[str, object] = {
            "model": self._model,
            "input": list(texts),
            "truncate": truncate,
        }
        if self._request_dimensions is not None:
            payload["dimensions"] = self._request_dimensions
        body = await self._http.post(self._path, payload, texts=texts)
        matrix = rows_in(body, "embeddings", count=len(texts))
        self._http.learn_dimensions(int(matrix.shape[1]))
        return matrix

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()
