"""Text Embeddings Inference: `/embed`, and `/info` for the model and the batch limit."""

from __future__ import annotations

from collections.abc import Sequence

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, Cut, EmbedderOptions, ModelInfo
from wikiembed.embedders.decode import no_rows, read_json, rows_in
from wikiembed.embedders.http import HttpClient
from wikiembed.embedders.names import same_model
from wikiembed.errors import EmbedderBadAnswer, EmbedderMisconfigured, EmbedderRejected, TextTooLong
from wikiembed.vectors import Matrix

UNNAMED_MODEL = "tei"
"""What a server's one model is called that neither `/info` nor the settings name."""


class TeiEmbedder:
    """The one model that a TEI server serves.

    Source: https://huggingface.github.io/text-embeddings-inference/
    """

    def __init__(self, options: EmbedderOptions, *, http: HttpClient) -> None:
        self._http = http
        self._path = options.path or "/embed"
        self._model = options.model
        self._request_dimensions = options.request_dimensions

    async def describe(self) -> ModelInfo:
        """Embed the probe; the model and its largest batch are what `/info` says.

        A gateway that passes on `/embed` alone has no `/info`: then the model is the one that
        the settings name, and the batch limit is learned from the first refusal.

        Raises: EmbedderError.
        """
        matrix = await self.embed([PROBE_TEXT])
        model, limit = await self._info()
        asked = self._model
        differs = asked is not None and not same_model(asked, model)
        return ModelInfo(
            provider=Provider.TEI,
            model=model,
            dimensions=int(matrix.shape[1]),
            max_batch=limit,
            served=model if differs else None,
        )

    async def _info(self) -> tuple[str, int | None]:
        try:
            info = read_json(await self._http.get("/info"))
        except (EmbedderMisconfigured, EmbedderRejected, EmbedderBadAnswer):
            info = {}
        known = info if isinstance(info, dict) else {}
        model, limit = known.get("model_id"), known.get("max_client_batch_size")
        return (
            model if isinstance(model, str) and model else self._model or UNNAMED_MODEL,
            limit if type(limit) is int and limit > 0 else None,
        )

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed `texts` in one request: `(n, dim) float32`, normalised as the server does it.

        Raises: EmbedderError.
        """
        return await self._embed(texts, truncate=False) if texts else no_rows()

    async def embed_cut(self, text: str) -> Cut | None:
        """Let the server truncate.

        Raises: EmbedderError.
        """
        try:
            return Cut(matrix=await self._embed([text], truncate=True), chars_kept=None)
        except TextTooLong:
            return None

    async def _embed(self, texts: Sequence[str], *, truncate: bool) -> Matrix:
        payload: dict[str, object] = {"inputs": list(texts), "truncate": truncate}
        if self._request_dimensions is not None:
            payload["dimensions"] = self._request_dimensions
        body = await self._http.post(self._path, payload, texts=texts)
        matrix = rows_in(body, None, count=len(texts))
        self._http.learn_dimensions(int(matrix.shape[1]))
        return matrix

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()
