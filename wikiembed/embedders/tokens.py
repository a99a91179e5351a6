"""Tokens of a text: by the model's own tokenizer where it is in this process, else an estimate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wikiembed.config import Provider
from wikiembed.errors import ConfigurationError, EmbedderMisconfigured

_FILES = ("tokenizer.json", "0_Transformer/tokenizer.json", "0_StaticEmbedding/tokenizer.json")
BYTES_PER_TOKEN = 4
"""Of UTF-8, roughly, for the tokenizers of most embedding models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounter:
    """Counts the tokens of a text, without those that a model adds to every text.

    `exact`: by the model's own tokenizer; else at `BYTES_PER_TOKEN`, rounded up. `known_from` says
    which, as a clause for a sentence.
    """

    count: Callable[[str], int]
    exact: bool
    known_from: str


def token_counter(provider: Provider, model: str | None) -> TokenCounter:
    """The counter of texts that `model` of `provider` embeds; servers' tokenizers are not here.

    Raises: ConfigurationError when the tokenizer of a model in the process is not on this machine.
    """
    if provider is Provider.LOCAL:
        from wikiembed.embedders.local import LOCAL_MODEL

        return TokenCounter(
            count=_local_tokenizer(),
            exact=True,
            known_from=f"counted by the tokenizer of {LOCAL_MODEL}",
        )
    file = None if model is None else _tokenizer_file(provider, model)
    if file is not None:
        return TokenCounter(
            count=_counter_of(file), exact=True, known_from=f"counted by the tokenizer of {model}"
        )
    return TokenCounter(
        count=estimated_tokens,
        exact=False,
        known_from=f"estimated at {BYTES_PER_TOKEN} bytes each, since the tokenizer of the"
        f" {provider.value} model is not in this process",
    )


def _tokenizer_file(provider: Provider, model: str) -> Path | None:
    """The tokenizer of a model in the process; None for one that has no such file, and of servers.

    Raises: ConfigurationError when the model is not on this machine.
    """
    if not provider.needs_model:
        return None
    if Path(model).is_absolute():
        folder = Path(model) if Path(model).is_dir() else None
    elif provider is Provider.FASTEMBED:
        return None  # its names are not those of the hub
    else:
        from wikiembed.embedders.hub import cached_folder

        folder = cached_folder(model)
    if folder is None:
        raise ConfigurationError(
            f"The tokenizer of {model} is not on this machine: it is in the model's folder."
        )
    return next((file for file in (folder / name for name in _FILES) if file.is_file()), None)


@functools.cache
def _counter_of(file: Path) -> Callable[[str], int]:
    """Counts by the tokenizer of `file`, without the tokens that a model adds."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def estimated_tokens(text: str) -> int:
    """Tokens of `text` at `BYTES_PER_TOKEN`, rounded up."""
    return -(-len(text.encode(errors="surrogatepass")) // BYTES_PER_TOKEN)


@functools.cache
def _local_tokenizer() -> Callable[[str], int]:
    """Counts by the tokenizer of wordllama, without the weights of the model."""
    from wikiembed.embedders.local_model import load_tokenizer

    try:
        tokenizer = load_tokenizer()
    except EmbedderMisconfigured as error:
        raise ConfigurationError(
            "The local model's tokenizer cannot be loaded: reinstall 'wikiembed[embedded]'."
        ) from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
