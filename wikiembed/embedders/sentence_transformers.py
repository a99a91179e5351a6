"""Models of sentence-transformers, in this process."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wikiembed.embedders.base import EmbedderOptions, Role
from wikiembed.embedders.hub import cached_folder, hub_name
from wikiembed.embedders.in_process import DeviceMemoryExceeded, SharedModels, first_line
from wikiembed.embedders.prompts import prompted, prompts_of
from wikiembed.embedders.token_spans import TokenSpans
from wikiembed.embedders.tokens import estimated_tokens
from wikiembed.errors import ConfigurationError
from wikiembed.vectors import Matrix

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_NO_LIMIT = 10**9
"""Tokenizers without a limit say numbers beyond."""


def load_model(options: EmbedderOptions) -> SentenceTransformersModel:
    """The model of `options`, which all embedders of this process share.

    Raises: ConfigurationError.
    """
    return _SHARED.get(options)


class SentenceTransformersModel:
    """`model` with its prompts; `dimensions`: cut its vectors to so many, None: do not.

    Raises: ConfigurationError when the model has fewer.
    """

    def __init__(self, model: SentenceTransformer, *, dimensions: int | None = None) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._cut: int | None = None
        self._tokens = _tokens_of(model)
        self._prompts = prompts_of(model.prompts, model.default_prompt_name)
        own = int(self._encode([""], Role.DOCUMENT).shape[1])
        if dimensions is not None and dimensions > own:
            raise ConfigurationError(
                f"The model has {own} dimensions, not the {dimensions} that WIKIEMBED_DIMENSIONS"
                " requests: lower it, or choose another model."
            )
        if dimensions is not None and dimensions < own:
            self._cut = dimensions
        self.dimensions = self._cut or own
        longest = model.max_seq_length
        self.max_tokens = int(longest) if longest and longest < _NO_LIMIT else None

    def count_tokens(self, texts: Sequence[str], *, role: Role) -> list[int]:
        """See `ProcessModel.count_tokens`."""
        return self._tokens.count([prompted(text, self._prompts[role]) for text in texts])

    def chars_of(self, text: str, tokens: int, *, role: Role) -> int | None:
        """See `ProcessModel.chars_of`; None where the tokenizer has no offsets."""
        if isinstance(self._tokens, _SlowTokens):
            return None
        whole = prompted(text, self._prompts[role])
        return max(self._tokens.chars(whole, tokens) - (len(whole) - len(text)), 0)

    def encode(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """See `ProcessModel.encode`.

        Raises: DeviceMemoryExceeded.
        """
        import torch

        try:
            return self._encode(texts, role)
        except torch.OutOfMemoryError as error:
            raise DeviceMemoryExceeded from error

    def _encode(self, texts: Sequence[str], role: Role) -> Matrix:
        prompt = self._prompts[role]
        with self._lock:
            rows = self._model.encode(
                [text.removeprefix(prompt) for text in texts],
                prompt=prompt,
                task=role.value,
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=True,
                truncate_dim=self._cut,
                normalize_embeddings=self._cut is not None and _normalises(self._model),
            )
        return np.asarray(rows).astype(np.float32, copy=False)


def _normalises(model: SentenceTransformer) -> bool:
    """Whether its vectors have length 1, which a cut must restore."""
    return any(type(module).__name__ == "Normalize" for module in model)


class _SlowTokens:
    """Counts by a tokenizer in Python, without offsets; by an estimate where there is none."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def count(self, texts: Sequence[str]) -> list[int]:
        if not callable(self._tokenizer):
            return list(map(estimated_tokens, texts))
        return list(map(len, self._tokenizer(list(texts), verbose=False)["input_ids"]))


def _tokens_of(model: SentenceTransformer) -> TokenSpans | _SlowTokens:
    """By a copy of the model's tokenizer, since another thread uses that."""
    from tokenizers import Tokenizer

    tokenizer: Any = getattr(model[0], "tokenizer", None)
    if isinstance(tokenizer, Tokenizer):  # of StaticEmbedding
        return TokenSpans(tokenizer, special=False)
    if getattr(tokenizer, "is_fast", False):
        return TokenSpans(tokenizer.backend_tokenizer)
    return _SlowTokens(copy.deepcopy(tokenizer))


def _load(options: EmbedderOptions) -> SentenceTransformer:
    """Read the model's files; a download only if `options` allow it.

    Raises: ConfigurationError.
    """
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.util import is_sentence_transformer_model
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            f"sentence-transformers cannot be imported ({first_line(error)}): reinstall"
            " 'wikiembed[transformers]'."
        ) from error
    if options.device is not None:
        try:
            torch.zeros(1, device=options.device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise ConfigurationError(
                f"WIKIEMBED_MODEL_DEVICE: {options.device} cannot be used here"
                f" ({first_line(error)})."
            ) from error
    name, revision = _place(options)
    kind = {} if options.dtype is None else {"dtype": getattr(torch, options.dtype)}
    local = not options.download
    try:
        with _quiet():
            model = SentenceTransformer(
                name,
                device=options.device,
                revision=revision,
                local_files_only=local,
                model_kwargs=kind,
            )
            pooled = is_sentence_transformer_model(name, revision=revision, local_files_only=local)
    except Exception as error:  # of four libraries
        what = "downloaded from the hub" if options.download else "loaded"
        raise ConfigurationError(
            f"Model {options.model} cannot be {what} ({first_line(error)})."
        ) from error
    if not pooled:
        # The library would assume the mean.
        raise ConfigurationError(
            f"Model {options.model} has no file modules.json, which says how tokens become one"
            " vector: save it with sentence-transformers, `SentenceTransformer(…).save(FOLDER)`."
        )
    return model


def _place(options: EmbedderOptions) -> tuple[str, str | None]:
    """The folder of the model, or its name and revision where it may be downloaded.

    Raises: ConfigurationError.
    """
    model = options.model or ""
    if Path(model).is_dir():
        return model, None
    if options.download:
        return hub_name(model)
    folder = cached_folder(model)
    if folder is None:
        raise ConfigurationError(
            f"Model {model} is not on this machine: set WIKIEMBED_MODEL to its folder, fetch it"
            f" with `hf download {hub_name(model)[0]}`, or set WIKIEMBED_MODEL_DOWNLOAD=true."
        )
    return str(folder), None


@contextmanager
def _quiet() -> Iterator[None]:
    """Show no progress bars, which are no lines of a log."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


_SHARED = SharedModels(
    lambda options: SentenceTransformersModel(_load(options), dimensions=options.request_dimensions)
)
