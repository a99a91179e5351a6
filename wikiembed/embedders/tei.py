"""Text Embeddings Inference: `/embed`, and `/info` for the model and the batch limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, ModelInfo, Role
from wikiembed.embedders.decode import read_json
from wikiembed.embedders.names import same_model
from wikiembed.embedders.truncating import TruncatingEmbedder
from wikiembed.errors import EmbedderBadAnswer, EmbedderMisconfigured, EmbedderRejected

UNNAMED_MODEL = "tei"
"""What a server's one model is called that neither `/info` nor the settings name."""


class TeiEmbedder(TruncatingEmbedder):
    """The one model that a TEI server serves.

    Source: https://huggingface.github.io/text-embeddings-inference/
    """

    _default_path = "/embed"

    def _payload(self, texts: Sequence[str], *, role: Role, truncate: bool) -> Mapping[str, object]:
        return {"inputs": list(texts), "truncate": truncate}

    async def describe(self) -> ModelInfo:
        """Embed the probe; the model and its largest batch are what `/info` says.

        A gateway that passes on `/embed` alone has no `/info`: then the model is the one that
        the settings name, and the batch limit is learned from the first refusal.

        Raises: EmbedderError.
        """
        matrix = await self.embed([PROBE_TEXT], role=Role.DOCUMENT)
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
