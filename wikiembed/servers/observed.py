"""An embedder whose requests are recorded: duration, outcome, tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from wikiembed.config import Provider
from wikiembed.embedders.base import Cut, Embedder, ModelInfo, Role
from wikiembed.embedders.usage import metered_apart
from wikiembed.errors import EmbedderError
from wikiembed.metrics.observer import Observer, Request, Server
from wikiembed.vectors import Matrix

Result = TypeVar("Result", bound="Matrix | Cut | None")
_PORTS = {"http": 80, "https": 443}


def server_at(name: str, provider: Provider) -> Server:
    """The server of `Settings.server_of`, with the parts of its address if it has one."""
    parts = urlsplit(name)
    port = parts.port or _PORTS.get(parts.scheme) if parts.hostname else None
    return Server(name=name, provider=provider, address=parts.hostname, port=port)


def outcome_of(error: EmbedderError) -> str:
    """The status of an HTTP error, else the name of its class: few values, no text."""
    return str(error.http_status) if error.http_status is not None else type(error).__name__


class ObservedEmbedder:
    """Passes everything on to `embedder`; of texts, probes included, it records each call."""

    def __init__(
        self, embedder: Embedder, observer: Observer, *, server: Server, model: str | None
    ) -> None:
        self._embedder = embedder
        self._observer = observer
        self._server = server
        self._model = model

    async def describe(self) -> ModelInfo:
        """See `Embedder.describe`; what a server without a requested model says is its model.

        Raises: EmbedderError.
        """
        info = await self._embedder.describe()
        self._model = self._model or info.model
        return info

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """See `Embedder.embed`.

        Raises: EmbedderError.
        """
        return await self._record(len(texts), lambda: self._embedder.embed(texts, role=role))

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """See `Embedder.embed_cut`.

        Raises: EmbedderError.
        """
        return await self._record(1, lambda: self._embedder.embed_cut(text, role=role))

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._embedder.aclose()

    async def _record(self, texts: int, send: Callable[[], Awaitable[Result]]) -> Result:
        request = Request(server=self._server, model=self._model, texts=texts)
        with self._observer.request(request), metered_apart() as usage:
            try:
                answer = await send()
            except EmbedderError as error:
                request.outcome = outcome_of(error)
                raise
            else:
                matrix = answer.matrix if isinstance(answer, Cut) else answer
                request.dimensions = None if matrix is None else int(matrix.shape[1])
                return answer
            finally:
                request.tokens, request.estimated = usage.tokens, usage.estimated
