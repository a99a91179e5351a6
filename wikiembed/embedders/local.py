"""In process: wordllama's 256-dimensional static embeddings, offline, on the CPU."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, Cut, ModelInfo, Role
from wikiembed.embedders.local_model import load_wordllama
from wikiembed.embedders.unicode import require_unicode
from wikiembed.embedders.usage import count_answer
from wikiembed.errors import TextTooLong
from wikiembed.vectors import Matrix

LOCAL_MODEL = "wordllama-l2-supercat-256"
LONGEST_TEXT = 200_000
"""Characters; the model itself has no limit but memory, 1 KiB a token."""


class StaticModel(Protocol):
    """What is needed of `WordLlama`."""

    def embed(self, texts: Sequence[str]) -> Matrix: ...


class LocalEmbedder:
    """wordllama, loaded once at the first use and run in a thread; safe from many threads."""

    def __init__(self, *, load: Callable[[], StaticModel] | None = None) -> None:
        self._load = load or load_wordllama
        self._lock = threading.Lock()
        self._model: StaticModel | None = None

    async def describe(self) -> ModelInfo:
        """Embed the probe.

        Raises: EmbedderError.
        """
        matrix = await self.embed([PROBE_TEXT], role=Role.DOCUMENT)
        return ModelInfo(
            provider=Provider.LOCAL, model=LOCAL_MODEL, dimensions=int(matrix.shape[1])
        )

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """Embed `texts`: `(n, 256) float32`; a text without tokens gives zeros.

        Raises: TextTooLong beyond 200,000 characters; EmbedderRejected for a text that is not
        valid Unicode; EmbedderMisconfigured when the model cannot be loaded.
        """
        matrix = await asyncio.to_thread(self._embed, list(texts))
        count_answer(texts)
        return matrix

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Embed the first 200,000 characters.

        Raises: EmbedderRejected, EmbedderMisconfigured.
        """
        # Its tables of characters take as long to import as a question takes to embed.
        from wikiembed.embedders.cut import cut_before

        end = cut_before(text, LONGEST_TEXT)
        return Cut(matrix=await self.embed([text[:end]], role=role), chars_kept=end)

    async def aclose(self) -> None:
        """Let go of the model."""
        self._model = None

    def _embed(self, texts: list[str]) -> Matrix:
        if any(len(text) > LONGEST_TEXT for text in texts):
            raise TextTooLong(f"A text of the batch has more than {LONGEST_TEXT:,} characters.")
        require_unicode(texts)
        return self._loaded().embed(texts)

    def _loaded(self) -> StaticModel:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model
