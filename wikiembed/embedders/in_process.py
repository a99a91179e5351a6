"""A model in this process, whatever its library: batches by tokens, refuses what is too long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Generic, ParamSpec, Protocol, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, Cut, EmbedderOptions, ModelInfo, Role
from wikiembed.embedders.cut import cut_before
from wikiembed.embedders.decode import no_rows
from wikiembed.embedders.unicode import require_unicode
from wikiembed.embedders.usage import count_answer, count_failure
from wikiembed.errors import BatchTooLarge, EmbedderError, EmbedderRejected, TextTooLong
from wikiembed.vectors import Matrix

PADDING_SHARE = 64
"""A batch is filled up to its longest text by at most this part of the most tokens of a batch: 1/64
of 16,384 tokens are 256, which take a model about as long as the start of another batch. With one
batch of 64 texts of 10 to 100 tokens a CPU would spend half of its time on filling."""
_STEP_BACK = 32
"""A beginning that is still too long loses this part of its characters: 1/32."""
P = ParamSpec("P")
Result = TypeVar("Result")
Model = TypeVar("Model")


class DeviceMemoryExceeded(Exception):
    """The device has too little memory for a batch."""


class ProcessModel(Protocol):
    """A model and its library: `encode` is called by one thread, the others by another one.

    `dimensions`: of its vectors. `max_tokens`: of a text, with the prompt and what the tokenizer
    adds; None: it has no limit.
    """

    @property
    def dimensions(self) -> int: ...

    @property
    def max_tokens(self) -> int | None: ...

    def count_tokens(self, texts: Sequence[str], *, role: Role) -> list[int]:
        """Tokens of each text, with the model's prompt for `role` and what its tokenizer adds."""
        ...

    def chars_of(self, text: str, tokens: int, *, role: Role) -> int | None:
        """Characters of `text` in its first `tokens` tokens; None where that is not known."""
        ...

    def encode(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """The vectors of one batch: `(n, dim) float32`.

        Raises: DeviceMemoryExceeded.
        """
        ...


class SharedModels(Generic[Model]):
    """The models of a library that this process uses, each once, and no longer than it is used."""

    def __init__(self, load: Callable[[EmbedderOptions], Model]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._in_use: WeakValueDictionary[EmbedderOptions, Model] = WeakValueDictionary()

    def get(self, options: EmbedderOptions) -> Model:
        """The model of `options`.

        Raises: what `load` raises.
        """
        with self._lock:
            model = self._in_use.get(options)
            if model is None:
                model = self._in_use[options] = self._load(options)
            return model


class InProcessEmbedder:
    """Loads its model at the first use; a thread runs it, while another one counts tokens.

    One batch runs at a time, since a second one would only share the same cores or device.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        model: str,
        load: Callable[[], ProcessModel],
        batch_tokens: int,
    ) -> None:
        self._provider = provider
        self._name = model
        self._load = load
        self._batch_tokens = batch_tokens
        self._model: ProcessModel | None = None
        self._running = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._counting = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")

    async def describe(self) -> ModelInfo:
        """Embed the probe.

        Raises: EmbedderError; ConfigurationError when the model cannot be loaded.
        """
        matrix = await self.embed([PROBE_TEXT], role=Role.DOCUMENT)
        return ModelInfo(provider=self._provider, model=self._name, dimensions=int(matrix.shape[1]))

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """Embed `texts`: `(n, dim) float32`; none is truncated.

        Raises: TextTooLong where one has more tokens than the model takes; BatchTooLarge where the
        device has no memory for one; EmbedderRejected when the model fails; ConfigurationError
        when it cannot be loaded.
        """
        if not texts:
            return no_rows()
        try:
            require_unicode(texts)
            model = await self._loaded()
            tokens = await _run(self._counting, self._count, model, texts, role)
            matrix = await _run(self._running, self._encode, model, texts, tokens, role)
        except EmbedderError:
            count_failure()
            raise
        count_answer(texts, tokens=sum(tokens))
        return matrix

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Embed the beginning of `text` that the model takes; None where the tokenizer is slow.

        Raises: as `embed`.
        """
        require_unicode([text])
        model = await self._loaded()
        end = await _run(self._counting, self._fitting, model, text, role)
        if end is None:
            return None
        return Cut(matrix=await self.embed([text[:end]], role=role), chars_kept=end)

    async def aclose(self) -> None:
        """Let go of the model; a batch that runs ends by itself."""
        self._model = None
        self._running.shutdown(wait=False)
        self._counting.shutdown(wait=False)

    async def _loaded(self) -> ProcessModel:
        if self._model is None:
            return await _run(self._running, self._load_once)
        return self._model

    def _load_once(self) -> ProcessModel:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _count(self, model: ProcessModel, texts: Sequence[str], role: Role) -> list[int]:
        """Tokens of each text.

        Raises: TextTooLong, EmbedderRejected.
        """
        try:
            tokens = model.count_tokens(texts, role=role)
        except Exception as error:  # of libraries; it may quote the text
            raise _failed(error, quote=False) from error
        if model.max_tokens is not None and max(tokens) > model.max_tokens:
            raise TextTooLong(
                f"A text of the batch has {max(tokens):,} tokens, and the model takes"
                f" {model.max_tokens:,}.",
                limit=model.max_tokens,
                given=max(tokens),
            )
        return tokens

    def _encode(
        self, model: ProcessModel, texts: Sequence[str], tokens: Sequence[int], role: Role
    ) -> Matrix:
        """Run the model on batches of similar length, the longest texts first."""
        order = sorted(range(len(texts)), key=tokens.__getitem__, reverse=True)
        matrix = np.empty((len(texts), model.dimensions), dtype=np.float32)
        at = 0
        while at < len(order):
            longest = max(tokens[order[at]], 1)
            part = order[at : at + self._batch_size([tokens[i] for i in order[at:]])]
            try:
                matrix[part] = model.encode([texts[i] for i in part], role=role)
            except DeviceMemoryExceeded as error:
                if len(part) == 1:
                    raise BatchTooLarge(
                        f"The device has no memory for a text of {longest:,} tokens."
                    ) from error
                self._batch_tokens = longest * len(part) // 2
            except Exception as error:
                raise _failed(error, quote=True) from error
            else:
                at += len(part)
        return matrix

    def _batch_size(self, tokens: Sequence[int]) -> int:
        """How many of the texts with so many tokens, the longest first, form the next batch."""
        longest = max(tokens[0], 1)
        most = max(self._batch_tokens // longest, 1)
        padding = 0
        for size, one in enumerate(tokens[:most]):
            padding += longest - one
            if padding > self._batch_tokens // PADDING_SHARE:
                return size
        return min(most, len(tokens))

    def _fitting(self, model: ProcessModel, text: str, role: Role) -> int | None:
        """Characters of the longest beginning that the model takes, nearly: whole words if near."""
        if model.max_tokens is None:
            return len(text)
        kept = model.chars_of(text, model.max_tokens, role=role)
        while kept is not None and kept > 0:
            end = cut_before(text, kept)
            # A word that is cut may have more tokens than it had within the whole.
            if model.count_tokens([text[:end]], role=role)[0] <= model.max_tokens:
                return end
            kept = end - max(end // _STEP_BACK, 1)
        return kept


async def _run(
    executor: Executor, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
) -> Result:
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: work(*args, **kwargs))


def _failed(error: Exception, *, quote: bool) -> EmbedderRejected:
    """What a library raised, in one sentence: `quote` it, if it cannot hold a text."""
    what = first_line(error) if quote else type(error).__name__
    return EmbedderRejected(f"The model fails on a batch ({what}).")


def first_line(error: BaseException) -> str:
    """The kind of an error of a library and the beginning of its message."""
    said = str(error).strip().partition("\n")[0][:200].rstrip(". ")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
