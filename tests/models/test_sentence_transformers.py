"""sentence-transformers in the process, with the model that a package ships."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.models.conftest import NEEDS
from tests.models.opening import opened, options_of
from wikiembed.config import Provider
from wikiembed.embedders.base import Role
from wikiembed.embedders.tokens import token_counter
from wikiembed.errors import ConfigurationError, EmbedderRejected, TextTooLong
from wikiembed.vectors import Matrix, usable_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytest.importorskip("sentence_transformers", reason=NEEDS.format("sentence-transformers"))
pytest.importorskip("torch", reason=NEEDS.format("torch"))

TEXTS = [
    "Bees make honey.",
    "꿀벌은 꿀을 만든다.",
    "é 🐝",
    "x",
    *(f"The river {n} runs north " * (n % 40 + 1) for n in range(100)),
]


options = partial(options_of, Provider.SENTENCE_TRANSFORMERS)


@pytest.fixture(scope="module")
def library(minilm: Path) -> SentenceTransformer:
    """The library alone."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(minilm), device="cpu", local_files_only=True)


def least_cosine(one: Matrix, other: Matrix) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float((np.einsum("ij,ij->i", one, other) / lengths).min())


async def test_vectors_are_those_of_the_library(minilm: Path, library: SentenceTransformer) -> None:
    """Of any length and language, in small batches and in large ones."""
    wanted = library.encode_document(TEXTS, show_progress_bar=False)
    for batch_tokens in (16_384, 300):
        async with opened(options(minilm, model_batch_tokens=batch_tokens)) as embedder:
            got = await embedder.embed(TEXTS, role=Role.DOCUMENT)
        assert got.shape == (len(TEXTS), 384)
        assert got.dtype == np.float32
        assert least_cosine(got, wanted) > 0.9999


async def test_describe_names_the_folder(minilm: Path) -> None:
    """The model, its dimensions; blank texts have finite vectors."""
    async with opened(options(minilm)) as embedder:
        info = await embedder.describe()
        assert (info.provider, info.model) == (Provider.SENTENCE_TRANSFORMERS, str(minilm))
        assert info.dimensions == 384
        assert usable_rows(await embedder.embed(["", " "], role=Role.DOCUMENT)).all()
        with pytest.raises(EmbedderRejected, match="not valid Unicode"):
            await embedder.embed(["\ud800"], role=Role.DOCUMENT)


async def test_long_text_is_refused_or_cut(minilm: Path, library: SentenceTransformer) -> None:
    """At the 256 tokens that the library truncates to without a word."""
    text = "unbelievable embeddings " * 200
    async with opened(options(minilm)) as embedder:
        with pytest.raises(TextTooLong, match="the model takes 256") as raised:
            await embedder.embed(["short", text], role=Role.DOCUMENT)
        assert raised.value.limit == 256
        cut = await embedder.embed_cut(text, role=Role.DOCUMENT)
        assert cut is not None
        assert cut.chars_kept is not None
        kept = text[: cut.chars_kept]
        assert 240 < len(library.tokenizer(kept)["input_ids"]) <= 256
        again = await embedder.embed([kept], role=Role.DOCUMENT)
        assert least_cosine(again, cut.matrix) > 0.9999
        assert least_cosine(cut.matrix, library.encode([text], show_progress_bar=False)) > 0.99


@pytest.fixture
def variant(minilm: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the model with another configuration."""

    def make(**config: object) -> Path:
        made = tmp_path / "variant"
        shutil.copytree(minilm, made)
        file = made / "config_sentence_transformers.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | config))
        return made

    return make


async def test_prompts_are_the_models_own(
    variant: Callable[..., Path], library: SentenceTransformer
) -> None:
    """For documents and for questions, once where a prefix is the same."""
    model = variant(prompts={"query": "query: ", "passage": "passage: "})
    async with opened(options(model)) as embedder:
        document = await embedder.embed(["Bees", "passage: Bees"], role=Role.DOCUMENT)
        question = await embedder.embed(["Bees", "query: Bees"], role=Role.QUERY)
    for rows, prompt in ((document, "passage: "), (question, "query: ")):
        wanted = library.encode([prompt + "Bees"] * 2, show_progress_bar=False)
        assert least_cosine(rows, wanted) > 0.9999


async def test_prompt_counts_as_tokens(variant: Callable[..., Path]) -> None:
    """A text that fits only without it is refused, and cut shorter."""
    model = variant(prompts={"document": "bee " * 100})
    text = "river " * 200
    async with opened(options(model)) as embedder:
        with pytest.raises(TextTooLong):
            await embedder.embed([text], role=Role.DOCUMENT)
        assert (await embedder.embed([text], role=Role.QUERY)).shape == (1, 384)
        cut = await embedder.embed_cut(text, role=Role.DOCUMENT)
    assert cut is not None
    assert cut.chars_kept is not None
    assert 140 <= len(text[: cut.chars_kept].split()) <= 154


async def test_dimensions_are_cut_where_asked(minilm: Path, library: SentenceTransformer) -> None:
    """The first ones, of length 1 as the model's; more than it has are refused."""
    asked = options(minilm, dimensions=128, request_dimensions=True)
    async with opened(asked) as embedder:
        assert (await embedder.describe()).dimensions == 128
        got = await embedder.embed(TEXTS[:5], role=Role.DOCUMENT)
    wanted = library.encode(TEXTS[:5], truncate_dim=128, show_progress_bar=False)
    assert least_cosine(got, wanted) > 0.9999
    assert np.allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)
    async with opened(replace(asked, request_dimensions=512)) as embedder:
        with pytest.raises(ConfigurationError, match="has 384 dimensions, not the 512"):
            await embedder.describe()


async def test_dtype_and_device(minilm: Path, library: SentenceTransformer) -> None:
    """Vectors of half precision are near; a device that is not there is refused."""
    async with opened(options(minilm, model_dtype="bfloat16", model_device="cpu")) as embedder:
        got = await embedder.embed(TEXTS[:5], role=Role.DOCUMENT)
    assert got.dtype == np.float32
    assert least_cosine(got, library.encode(TEXTS[:5], show_progress_bar=False)) > 0.999
    async with opened(options(minilm, model_device="cuda:63")) as embedder:
        with pytest.raises(ConfigurationError, match="WIKIEMBED_MODEL_DEVICE: cuda:63 cannot be"):
            await embedder.describe()


async def test_model_is_never_downloaded_unasked(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_network: list[object]
) -> None:
    """A folder, an absent model, and one of the hub's cache, without any address looked up."""
    async with opened(options(minilm, model_batch_tokens=1_000)) as embedder:
        wanted = await embedder.embed(["Bees"], role=Role.DOCUMENT)
    async with opened(replace(options(minilm), model="absent/model")) as embedder:
        with pytest.raises(ConfigurationError, match="is not on this machine: set WIKIEMBED_MODEL"):
            await embedder.describe()
    cache = tmp_path / "models--org--mini"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("abc")
    (cache / "snapshots").mkdir()
    (cache / "snapshots" / "abc").symlink_to(minilm)
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    for model in ("org/mini", "org/mini@abc"):
        async with opened(replace(options(minilm), model=model)) as embedder:
            assert (await embedder.describe()).model == model
            assert np.allclose(await embedder.embed(["Bees"], role=Role.DOCUMENT), wanted)
        assert token_counter(Provider.SENTENCE_TRANSFORMERS, model).exact
    async with opened(replace(options(minilm), model="org/mini@other")) as embedder:
        with pytest.raises(ConfigurationError, match="is not on this machine"):
            await embedder.describe()
    assert no_network == []


async def test_folder_without_pooling_is_refused(minilm: Path, tmp_path: Path) -> None:
    """The library would assume the mean of the tokens, which is valid and wrong."""
    bare = tmp_path / "bare"
    shutil.copytree(minilm, bare)
    (bare / "modules.json").unlink()
    async with opened(options(bare)) as embedder:
        with pytest.raises(ConfigurationError, match=r"has no file modules\.json"):
            await embedder.describe()
    (bare / "config.json").unlink()
    async with opened(options(bare)) as embedder:
        with pytest.raises(ConfigurationError, match=r"cannot be loaded \("):
            await embedder.describe()


async def test_one_model_serves_all_embedders_of_the_process(minilm: Path) -> None:
    """Requests of two embedders at the same time, with one copy of the weights."""
    async with opened(options(minilm)) as one, opened(options(minilm)) as other:
        rows = await asyncio.gather(
            *(
                embedder.embed(TEXTS[n : n + 3], role=Role.DOCUMENT)
                for n in range(0, 12, 3)
                for embedder in (one, other)
            )
        )
        assert one._model is other._model  # type: ignore[attr-defined]
    assert all(least_cosine(a, b) > 0.9999 for a, b in zip(rows[::2], rows[1::2], strict=True))


def test_tokens_are_counted_by_the_models_tokenizer(
    minilm: Path, library: SentenceTransformer
) -> None:
    """For the split of documents, without what the model adds to every text."""
    counter = token_counter(Provider.SENTENCE_TRANSFORMERS, str(minilm))
    assert counter.exact
    wanted = [len(library.tokenizer(t, add_special_tokens=False)["input_ids"]) for t in TEXTS]
    assert [counter.count(text) for text in TEXTS] == wanted
