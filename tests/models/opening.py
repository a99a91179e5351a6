"""Embedders of models in the process, as a worker opens them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wikiembed.config import Provider, Settings
from wikiembed.embedders.base import Embedder, EmbedderOptions
from wikiembed.embedders.open import open_embedder


def options_of(provider: Provider, model: Path, **given: object) -> EmbedderOptions:
    """How these settings reach the model of a folder."""
    settings = Settings(embedder=provider, model=str(model), **given)  # type: ignore[arg-type]
    return EmbedderOptions.each(settings, provider, settings.model_of(provider))[0]


@asynccontextmanager
async def opened(options: EmbedderOptions) -> AsyncIterator[Embedder]:
    """An embedder, closed after use."""
    embedder = open_embedder(options)
    try:
        yield embedder
    finally:
        await embedder.aclose()
