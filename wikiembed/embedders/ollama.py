"""Ollama: `/api/embed`, which truncates long texts unless `truncate: false` is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, ModelInfo, Role
from wikiembed.embedders.truncating import TruncatingEmbedder


class OllamaEmbedder(TruncatingEmbedder):
    """One model on an Ollama server.

    Source: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
    """

    _default_path = "/api/embed"
    _rows = "embeddings"

    def _payload(self, texts: Sequence[str], *, role: Role, truncate: bool) -> Mapping[str, object]:
        return {"model": self._model or "", "input": list(texts), "truncate": truncate}

    async def describe(self) -> ModelInfo:
        """Embed the probe; the model is the one that was asked for.

        Raises: EmbedderError.
        """
        matrix = await self.embed([PROBE_TEXT], role=Role.DOCUMENT)
        return ModelInfo(
            provider=Provider.OLLAMA, model=self._model or "", dimensions=int(matrix.shape[1])
        )
