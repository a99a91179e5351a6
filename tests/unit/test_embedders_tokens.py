"""Tokens of texts: the local model's own, and the estimate for servers."""

from __future__ import annotations

from pathlib import Path

import pytest
import wordllama

from wikiembed.config import Provider
from wikiembed.documents import SplitOptions, split
from wikiembed.embedders.tokens import token_counter

TEXTS = ["", "a", "Bees make honey of nectar.", "꿀벌은 꿀을 만든다.", "e\u0301 🐝 " * 2_000]


def test_local_tokens_are_those_that_the_model_embeds() -> None:
    """Also of a long text, which is not cut."""
    counter = token_counter(Provider.LOCAL)
    model = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )
    tokenized = [len(model.tokenize([text])[0].ids) for text in TEXTS]
    assert [counter.count(text) for text in TEXTS] == tokenized
    assert counter.exact
    assert tokenized[-1] > 8_000


@pytest.mark.parametrize(
    "provider", [provider for provider in Provider if provider is not Provider.LOCAL]
)
def test_tokens_of_servers_are_estimated_from_bytes(provider: Provider) -> None:
    """Rounded up; it says so, and whose tokenizer is missing."""
    counter = token_counter(provider)
    assert [counter.count(text) for text in TEXTS[:4]] == [0, 1, 7, 7]
    assert not counter.exact
    assert counter.known_from.startswith("estimated at 4 bytes each")
    assert provider.value in counter.known_from


@pytest.mark.parametrize("provider", [Provider.LOCAL, Provider.OPENAI])
def test_no_chunk_has_more_tokens_than_its_bound(provider: Provider) -> None:
    """In languages with few and with many tokens a character."""
    count = token_counter(provider).count
    text = "\n\n".join(TEXTS[2:4] * 30 + ["word " * 300, "꿀" * 900])
    options = SplitOptions(max_chars=400, max_tokens=50, tokens=count)
    pieces = split(text, options=options)
    sizes = [count(text[piece.start : piece.end]) for piece in pieces]
    assert max(sizes) <= 50
    assert max(sizes) > 25
