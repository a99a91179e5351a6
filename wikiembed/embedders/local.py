"""In process: wordllama's 256-dimensional static embeddings, offline, on the CPU."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from wikiembed.config import LOCAL_DIMENSIONS, Provider
from wikiembed.embedders.base import PROBE_TEXT, Cut, ModelInfo, Role
from wikiembed.embedders.cut import cut_before
from wikiembed.errors import EmbedderMisconfigured, EmbedderRejected, TextTooLong
from wikiembed.vectors import Matrix

LOCAL_MODEL = "wordllama-l2-supercat-256"
LONGEST_TEXT = 200_000
"""Characters; wordllama itself has no limit but memory, 2 KiB a token."""

_PADDED_BYTES = 1 << 18


class StaticModel(Protocol):
    """The one method of wordllama that is used here."""

    def embed(self, texts: list[str]) -> Matrix: ...


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
        return await asyncio.to_thread(self._embed, list(texts))

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Embed the first 200,000 characters.

        Raises: EmbedderRejected, EmbedderMisconfigured.
        """
        end = cut_before(text, LONGEST_TEXT)
        return Cut(matrix=await self.embed([text[:end]], role=role), chars_kept=end)

    async def aclose(self) -> None:
        """Let go of the model."""
        self._model = None

    def _embed(self, texts: list[str]) -> Matrix:
        if any(len(text) > LONGEST_TEXT for text in texts):
            raise TextTooLong(f"A text of the batch has more than {LONGEST_TEXT:,} characters.")
        try:
            sizes = [len(text.encode()) for text in texts]
        except UnicodeEncodeError:
            sizes = None
        if sizes is None:
            raise EmbedderRejected(
                "A text of the batch is not valid Unicode (half a surrogate pair)."
            )
        model = self._loaded()
        matrix = np.empty((len(texts), LOCAL_DIMENSIONS), dtype=np.float32)
        for group in _groups(sizes):
            matrix[group] = model.embed([texts[i] for i in group])
        return matrix

    def _loaded(self) -> StaticModel:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model


def _groups(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Indexes of texts of like size: wordllama pads a call's texts to the longest of them."""
    group: list[int] = []
    for i in sorted(range(len(sizes)), key=sizes.__getitem__):
        if group and (len(group) + 1) * sizes[i] > _PADDED_BYTES:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def load_wordllama() -> StaticModel:
    """Load the model from wordllama's own wheel: it looks in the wrong folder by itself.

    Raises: EmbedderMisconfigured when its files are not there.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        from wordllama import WordLlama

        origin = importlib.util.find_spec("wordllama")
        folder = Path(origin.origin if origin is not None and origin.origin else "").parent
        model: StaticModel = WordLlama.load(cache_dir=folder, disable_download=True)
    except (ImportError, OSError, ValueError) as error:
        raise EmbedderMisconfigured(
            "The local model cannot be loaded: reinstall 'wikiembed[embedded]'."
        ) from error
    finally:
        # Importing wordllama calls logging.basicConfig, which is not a library's business.
        for handler in [item for item in root.handlers if item not in handlers]:
            root.removeHandler(handler)
        root.setLevel(level)
    return model
