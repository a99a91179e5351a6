"""Tokens of a text: by the model's own tokenizer where it is in this process, else an estimate."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wikiembed.config import Provider
from wikiembed.errors import ConfigurationError

BYTES_PER_TOKEN = 4
"""Of UTF-8, roughly, for the tokenizers of most embedding models."""
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


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
    """Counts as wordllama does, by the file of its wheel, without the weights of the model."""
    try:
        from tokenizers import Tokenizer

        origin = importlib.util.find_spec("wordllama")
        folder = Path(origin.origin if origin is not None and origin.origin else "").parent
        tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    except Exception as error:  # tokenizers raises a bare Exception
        raise ConfigurationError(
            "The local model's tokenizer cannot be loaded: reinstall 'wikiembed[embedded]'."
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
