"""The embedder of a provider."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import assert_never

from wikiembed.config import Provider
from wikiembed.embedders.base import Embedder, EmbedderOptions
from wikiembed.embedders.first import FirstAnswering
from wikiembed.errors import ConfigurationError


def open_embedder(options: EmbedderOptions) -> Embedder:
    """Make the embedder of `options`; nothing is asked of a server and no model is loaded yet.

    Raises: ConfigurationError when an address, a model, a key or an extra is missing or wrong.
    """
    if options.provider is Provider.LOCAL:
        return _local()
    # The libraries of HTTP take a quarter of a second to import, and the local model needs none.
    from wikiembed.embedders.http import HttpClient
    from wikiembed.embedders.ollama import OllamaEmbedder
    from wikiembed.embedders.openai import OpenAIEmbedder
    from wikiembed.embedders.tei import TeiEmbedder

    match options.provider:
        case Provider.OLLAMA:
            if not options.model:
                raise ConfigurationError("Ollama needs a model's name: set WIKIEMBED_MODEL.")
            return OllamaEmbedder(options, http=HttpClient(options))
        case Provider.OPENAI:
            return OpenAIEmbedder(options, http=HttpClient(options))
        case Provider.TEI:
            return TeiEmbedder(options, http=HttpClient(options))
        case _:
            assert_never(options.provider)


def open_first(options: Sequence[EmbedderOptions], *, dimensions: int | None = None) -> Embedder:
    """Make an embedder that asks the first server that answers; `dimensions`: those it must give.

    Raises: ConfigurationError, as `open_embedder`.
    """
    embedders = [open_embedder(one) for one in options]
    return embedders[0] if len(embedders) == 1 else FirstAnswering(embedders, dimensions=dimensions)


def _local() -> Embedder:
    if importlib.util.find_spec("wordllama") is None:
        raise ConfigurationError(
            "The local embedder needs an extra: pip install 'wikiembed[embedded]', "
            "or set WIKIEMBED_EMBEDDER to a server's dialect."
        )
    from wikiembed.embedders.local import LocalEmbedder

    return LocalEmbedder()
