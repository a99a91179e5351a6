"""Models of fastembed in this process: ONNX, without PyTorch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wikiembed.embedders.base import EmbedderOptions, Role
from wikiembed.embedders.in_process import SharedModels, first_line
from wikiembed.embedders.prompts import prompted, prompts_of
from wikiembed.embedders.token_spans import TokenSpans
from wikiembed.errors import ConfigurationError
from wikiembed.vectors import Matrix

if TYPE_CHECKING:
    from fastembed import TextEmbedding

_FILES = ("model.onnx", "onnx/model.onnx")
_POOLINGS = {"cls": "CLS", "mean": "MEAN", "lasttoken": "LAST_TOKEN"}
"""Of sentence-transformers' 1_Pooling/config.json, as fastembed calls them."""


def load_model(options: EmbedderOptions) -> FastembedModel:
    """The model of `options`, which all embedders of this process share.

    Raises: ConfigurationError.
    """
    return _SHARED.get(options)


class FastembedModel:
    """A model of a folder, with its own prompts, or one of fastembed's list, with fastembed's.

    `dimensions`: cut its vectors to so many, None: do not. `longest`: tokens of a text, if the
    model takes fewer than its tokenizer.

    Raises: ConfigurationError when the model has fewer dimensions.
    """

    def __init__(
        self,
        model: TextEmbedding,
        *,
        prompts: dict[Role, str] | None,
        longest: int | None = None,
        dimensions: int | None = None,
    ) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._prompts = prompts
        tokenizer: Any = model.model.tokenizer
        self._tokens = TokenSpans(tokenizer)
        limit = (tokenizer.truncation or {}).get("max_length")
        self.max_tokens = min((n for n in (limit, longest) if n is not None), default=None)
        self._cut: int | None = None
        own = int(self.encode(["."], role=Role.DOCUMENT).shape[1])
        if dimensions is not None and dimensions > own:
            raise ConfigurationError(
                f"The model has {own} dimensions, not the {dimensions} that WIKIEMBED_DIMENSIONS"
                " requests: lower it, or choose another model."
            )
        if dimensions is not None and dimensions < own:
            self._cut = dimensions
        self.dimensions = self._cut or own

    def count_tokens(self, texts: Sequence[str], *, role: Role) -> list[int]:
        """See `ProcessModel.count_tokens`; without the prompts that fastembed adds itself."""
        return self._tokens.count([prompted(text, self._prompt(role)) for text in texts])

    def chars_of(self, text: str, tokens: int, *, role: Role) -> int | None:
        """See `ProcessModel.chars_of`."""
        whole = prompted(text, self._prompt(role))
        return max(self._tokens.chars(whole, tokens) - (len(whole) - len(text)), 0)

    def encode(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """See `ProcessModel.encode`."""
        batch = [prompted(text, self._prompt(role)) for text in texts]
        with self._lock:
            rows: Iterable[Any]
            if self._prompts is not None:
                rows = self._model.embed(batch, batch_size=len(batch))
            elif role is Role.QUERY:
                rows = self._model.query_embed(batch)
            else:
                rows = self._model.passage_embed(batch, batch_size=len(batch))
            matrix = np.stack(list(rows)).astype(np.float32, copy=False)
        if self._cut is None:
            return matrix
        short: Matrix = matrix[:, : self._cut].copy()
        lengths = np.linalg.norm(short, axis=1, keepdims=True)
        np.divide(short, lengths, out=short, where=lengths > 0)
        return short

    def _prompt(self, role: Role) -> str:
        return "" if self._prompts is None else self._prompts[role]


def _load(options: EmbedderOptions) -> FastembedModel:
    try:
        from fastembed import TextEmbedding
        from loguru import logger
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            f"fastembed cannot be imported ({first_line(error)}): reinstall 'wikiembed[fastembed]'."
        ) from error
    logger.disable("fastembed")  # which writes to standard error what is raised here
    if options.dtype is not None:
        raise ConfigurationError(
            "WIKIEMBED_MODEL_DTYPE: fastembed runs a model in the type of its file: unset it."
        )
    name = options.model or ""
    device = _device(options.device)
    if Path(name).is_dir():
        folder = _Folder(Path(name))
        folder.register()
        try:
            model = TextEmbedding(name, specific_model_path=name, **device)
        except Exception as error:  # of three libraries
            raise ConfigurationError(
                f"The model in {name} cannot be loaded ({first_line(error)})."
            ) from error
        prompts, longest = folder.prompts, folder.longest
    else:
        prompts, longest = None, None
        try:
            model = TextEmbedding(name, local_files_only=not options.download, **device)
        except Exception as error:
            raise ConfigurationError(_not_loaded(options, name, error)) from error
    _require_device(model, options.device)
    return FastembedModel(
        model, prompts=prompts, longest=longest, dimensions=options.request_dimensions
    )


def _device(device: str | None) -> dict[str, Any]:
    """The arguments of fastembed for `device`; unset: it chooses."""
    if device is None:
        return {}
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return {"providers": ["CPUExecutionProvider"]}
    if kind == "cuda":
        return {"cuda": True, "device_ids": [int(number or 0)]}
    raise ConfigurationError(
        f"WIKIEMBED_MODEL_DEVICE: fastembed has no {device}, but cpu and cuda."
    )


def _require_device(model: TextEmbedding, device: str | None) -> None:
    """Check that the model is on `device`: onnxruntime takes the CPU where it has no CUDA."""
    session: Any = model.model.model
    wanted = device is not None and device.startswith("cuda")
    if wanted and "CUDAExecutionProvider" not in session.get_providers():
        raise ConfigurationError(f"WIKIEMBED_MODEL_DEVICE: {device} cannot be used here.")


def _not_loaded(options: EmbedderOptions, name: str, error: Exception) -> str:
    if options.download or "not supported" in str(error):
        return f"Model {name} cannot be loaded by fastembed ({first_line(error)})."
    return (
        f"Model {name} is not on this machine: set WIKIEMBED_MODEL to its folder, or"
        " WIKIEMBED_MODEL_DOWNLOAD=true."
    )


class _Folder:
    """A folder in the layout of sentence-transformers, with an ONNX file.

    Raises: ConfigurationError for one that lacks what makes its vectors right.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = next((name for name in _FILES if (folder / name).is_file()), None)
        if self._file is None:
            raise ConfigurationError(f"Folder {folder} has no {' or '.join(_FILES)}.")
        modules = self._json("modules.json")
        if not isinstance(modules, list):
            raise ConfigurationError(
                f"Folder {folder} has no file modules.json, which says how tokens become one"
                " vector: copy it from the model's repository."
            )
        kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
        if unknown := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
            raise ConfigurationError(
                f"fastembed cannot run the module {min(unknown)} of {folder}: use"
                " WIKIEMBED_EMBEDDER=sentence-transformers."
            )
        self._normalises = "Normalize" in kinds
        at = next(
            (m.get("path", "") for m, k in zip(modules, kinds, strict=True) if k == "Pooling"), ""
        )
        self._pooling, self._dimensions = self._read_pooling(at)
        config = self._json("config_sentence_transformers.json") or {}
        self.prompts = prompts_of(config.get("prompts") or {}, config.get("default_prompt_name"))
        self.longest = (self._json("sentence_bert_config.json") or {}).get("max_seq_length")

    def _json(self, name: str) -> Any:
        """The content of a file; None where there is none.

        Raises: ConfigurationError.
        """
        file = self._folder / name
        try:
            return json.loads(file.read_bytes()) if file.is_file() else None
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{file} cannot be read ({first_line(error)}).") from error

    def _read_pooling(self, at: str) -> tuple[str, int]:
        """Which vector of the tokens is the text's, and its dimensions."""
        found = self._json(f"{at}/config.json") or {}
        wanted = (
            [found["pooling_mode"]]
            if isinstance(found.get("pooling_mode"), str)
            else [
                name.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
                for name, on in found.items()
                if name.startswith("pooling_mode_") and on is True
            ]
        )
        dimensions = found.get("word_embedding_dimension") or found.get("embedding_dimension")
        if len(wanted) != 1 or wanted[0] not in _POOLINGS or not isinstance(dimensions, int):
            raise ConfigurationError(
                f"fastembed cannot pool as {self._folder / at / 'config.json'} says: use"
                " WIKIEMBED_EMBEDDER=sentence-transformers."
            )
        return _POOLINGS[wanted[0]], dimensions

    def register(self) -> None:
        """Make the folder known to fastembed under its path, once in a process."""
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType

        name = str(self._folder)
        if any(model["model"] == name for model in TextEmbedding.list_supported_models()):
            return
        TextEmbedding.add_custom_model(
            model=name,
            pooling=PoolingType(self._pooling),
            normalization=self._normalises,
            sources=ModelSource(hf=name),
            dim=self._dimensions,
            model_file=str(self._file),
        )


_SHARED = SharedModels(_load)
