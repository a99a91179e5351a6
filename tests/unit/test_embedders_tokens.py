"""Tokens of texts: the local model's own, and the estimate for servers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import wordllama

from wikiembed.config import Provider
from wikiembed.documents import SplitOptions, split
from wikiembed.embedders.tokens import token_counter
from wikiembed.errors import ConfigurationError

TEXTS = ["", "a", "Bees make honey of nectar.", "꿀벌은 꿀을 만든다.", "e\u0301 🐝 " * 2_000]


def test_local_tokens_are_those_that_the_model_embeds() -> None:
    """Also of a long text, which is not cut."""
    counter = token_counter(Provider.LOCAL, None)
    model = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )
    tokenized = [len(model.tokenize([text])[0].ids) for text in TEXTS]
    assert [counter.count(text) for text in TEXTS] == tokenized
    assert counter.exact
    assert tokenized[-1] > 8_000


@pytest.mark.parametrize("provider", [provider for provider in Provider if not provider.in_process])
def test_tokens_of_servers_are_estimated_from_bytes(provider: Provider) -> None:
    """Rounded up; it says so, and whose tokenizer is missing."""
    counter = token_counter(provider, "m")
    assert [counter.count(text) for text in TEXTS[:4]] == [0, 1, 7, 7]
    assert not counter.exact
    assert counter.known_from.startswith("estimated at 4 bytes each")
    assert provider.value in counter.known_from


@pytest.mark.parametrize("provider", [provider for provider in Provider if provider.needs_model])
def test_tokens_of_a_folder_are_its_tokenizers(provider: Provider, tmp_path: Path) -> None:
    """In the folder or its first module's; a model without that file is estimated."""
    file = Path(wordllama.__file__).parent / "tokenizers/l2_supercat_tokenizer_config.json"
    for folder in (tmp_path / "flat", tmp_path / "modules" / "0_Transformer"):
        folder.mkdir(parents=True)
        shutil.copy(file, folder / "tokenizer.json")
    own = token_counter(Provider.LOCAL, None)
    for model in (tmp_path / "flat", tmp_path / "modules"):
        counter = token_counter(provider, str(model))
        assert [counter.count(text) for text in TEXTS] == [own.count(text) for text in TEXTS]
        assert (counter.exact, counter.known_from) == (True, f"counted by the tokenizer of {model}")
    assert not token_counter(provider, str(tmp_path)).exact
    with pytest.raises(ConfigurationError, match="is not on this machine"):
        token_counter(provider, str(tmp_path / "absent"))


@pytest.mark.parametrize("provider", [Provider.LOCAL, Provider.OPENAI])
def test_no_chunk_has_more_tokens_than_its_bound(provider: Provider) -> None:
    """In languages with few and with many tokens a character."""
    count = token_counter(provider, None).count
    text = "\n\n".join(TEXTS[2:4] * 30 + ["word " * 300, "꿀" * 900])
    options = SplitOptions(max_chars=400, max_tokens=50, tokens=count)
    pieces = split(text, options=options)
    sizes = [count(text[piece.start : piece.end]) for piece in pieces]
    assert max(sizes) <= 50
    assert max(sizes) > 25
