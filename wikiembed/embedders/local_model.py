"""The model of wordllama, read from the files of its wheel.

Its own package is not imported: that takes as long as the whole answer to a question, most of it
for downloads, clustering and training; it looks for its tokenizer in the wrong folder; and it calls
`logging.basicConfig`.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wikiembed.errors import EmbedderMisconfigured
from wikiembed.vectors import Matrix

if TYPE_CHECKING:
    import numpy.typing as npt
    from tokenizers import Tokenizer

_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TENSOR = "embedding.weight"
_BATCH = 64
_LOADING = threading.Lock()


class WordLlama:
    """A vector for each token, `(tokens, 256) float16`; that of a text is their mean."""

    def __init__(self, tokenizer: Tokenizer, weights: npt.NDArray[np.float16]) -> None:
        self._tokenizer = tokenizer
        self._weights = weights

    def embed(self, texts: Sequence[str]) -> Matrix:
        """The vectors of `texts`, `(n, 256) float32`; a text without tokens gives zeros."""
        matrix = np.zeros((len(texts), self._weights.shape[1]), np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            for row, found in enumerate(
                self._tokenizer.encode_batch(batch, add_special_tokens=False), start
            ):
                if found.ids:
                    matrix[row] = self._weights[found.ids].astype(np.float32).mean(axis=0)
        return matrix


def load_wordllama() -> WordLlama:
    """The model of this process, read once; who asks for it meanwhile waits.

    Raises: EmbedderMisconfigured when its files are not there.
    """
    with _LOADING:
        return _load()


@functools.cache
def _load() -> WordLlama:
    tokenizer = load_tokenizer()
    try:
        from safetensors.numpy import load_file

        weights = load_file(_folder() / _WEIGHTS)[_TENSOR]
    except Exception as error:  # safetensors raises one of its own for a damaged file
        raise _damaged() from error
    return WordLlama(tokenizer, weights)


def load_tokenizer() -> Tokenizer:
    """The tokenizer alone, without truncation or padding.

    Raises: EmbedderMisconfigured when it is not there.
    """
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(_folder() / _TOKENIZER))
    except Exception as error:  # tokenizers raises a bare Exception
        raise _damaged() from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _folder() -> Path:
    found = importlib.util.find_spec("wordllama")
    return Path(found.origin if found is not None and found.origin else "").parent


def _damaged() -> EmbedderMisconfigured:
    return EmbedderMisconfigured(
        "The local model cannot be loaded: reinstall 'wikiembed[embedded]'."
    )
