"""What the pipeline asks of an embedding server, whatever its dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from wikiembed.config import Provider, Settings
from wikiembed.embedders.names import same_model

if TYPE_CHECKING:
    from wikiembed.vectors import Matrix

PROBE_TEXT = "wikiembed probe"
"""The one short known text that distinguishes a dead server from a bad batch."""


class Role(StrEnum):
    """What a text is embedded for: many models have a prefix of their own for questions."""

    DOCUMENT = "document"
    QUERY = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderOptions:
    """How to reach one model on one server, or in this process; timeouts in seconds.

    `device`, `dtype`, `batch_tokens`, `download`: of a model in the process. `on_headers` receives
    the headers of each response to texts, with names in lower case.
    """

    provider: Provider
    url: str | None
    model: str | None
    api_key: SecretStr | None = None
    api_key_header: str | None = None
    path: str | None = None
    ca_file: Path | None = None
    request_timeout_s: float = 60.0
    request_dimensions: int | None = None
    device: str | None = None
    dtype: str | None = None
    batch_tokens: int = 16_384
    download: bool = False
    on_headers: Callable[[Mapping[str, str]], None] | None = field(default=None, compare=False)

    @classmethod
    def each(
        cls, settings: Settings, provider: Provider, model: str | None
    ) -> tuple[EmbedderOptions, ...]:
        """How `settings` reach `model` at each server of `provider`, in the order of the URLs.

        All have the same key and headers.

        Raises: ConfigurationError when the file of the API key cannot be read.
        """
        api_key = settings.read_api_key()
        return tuple(
            cls(
                provider=provider,
                url=url,
                model=model,
                api_key=api_key,
                api_key_header=settings.api_key_header,
                path=settings.embedder_path,
                ca_file=settings.ca_file,
                request_timeout_s=settings.request_timeout_s,
                request_dimensions=settings.dimensions if settings.request_dimensions else None,
                device=settings.model_device,
                dtype=settings.model_dtype,
                batch_tokens=settings.model_batch_tokens,
                download=settings.model_download,
            )
            for url in settings.urls_of(provider)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What the server says that it embeds with; `max_batch` is in texts per request.

    `served`: the only model that the server lists, where that is not `model` by any of its names;
    `ignores_name`: and it gives the same vector under either name.
    """

    provider: Provider
    model: str
    dimensions: int
    max_batch: int | None = None
    served: str | None = None
    ignores_name: bool = False

    def pins_as(self, pinned: str | None) -> str:
        """The name to pin, or the one that is pinned where that is the same model's."""
        actual = self.served if self.served is not None and self.ignores_name else None
        if actual is None or pinned == self.model:
            return self.model
        return pinned if pinned is not None and same_model(pinned, actual) else actual


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The vector of a text's beginning, `(1, dim) float32`.

    `chars_kept` none: the server cut, and does not say how many characters it kept.
    """

    matrix: Matrix
    chars_kept: int | None


class Embedder(Protocol):
    """One model on one server; safe to call from many coroutines of one event loop."""

    async def describe(self) -> ModelInfo:
        """Embed `PROBE_TEXT` and say which model answered and with how many dimensions.

        Raises: EmbedderError; ConfigurationError when a model in the process cannot be loaded.
        """
        ...

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        """Embed `texts` in one request: `(n, dim) float32`, row i for text i.

        A dialect that has a field for it sends `role`. Where the server has an option, no text is
        truncated.

        A row that the server answered with nulls is all NaN; nothing else is judged here
        (see `wikiembed.vectors.usable_rows`).

        Raises: EmbedderError.
        """
        ...

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        """Embed as much of `text` as the model takes; None where the server has no option.

        Raises: EmbedderError.
        """
        ...

    async def aclose(self) -> None:
        """Give back the connections."""
        ...
