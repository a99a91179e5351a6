"""Tokens of a text: by the model's own tokenizer where it is in this process, else an estimate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from wikiembed.config import Provider
from wikiembed.errors import ConfigurationError, EmbedderMisconfigured

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


def token_counter(provider: Provider) -> TokenCounter:
    """The counter of texts that `provider` embeds; servers have no tokenizer in this process.

    Raises: ConfigurationError when the local model's tokenizer is not installed.
    """
    if provider is Provider.LOCAL:
        from wikiembed.embedders.local import LOCAL_MODEL

        return TokenCounter(
            count=_local_tokenizer(),
            exact=True,
            known_from=f"counted by the tokenizer of {LOCAL_MODEL}",
        )
    return TokenCounter(
        count=estimated_tokens,
        exact=False,
        known_from=f"estimated at {BYTES_PER_TOKEN} bytes each, since the tokenizer of the"
        f" {provider.value} model is not in this process",
    )


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
