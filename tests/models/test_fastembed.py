"""fastembed in the process, with a folder made of what two packages ship."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.models.conftest import NEEDS
from tests.models.opening import opened, options_of
from wikiembed.config import Provider
from wikiembed.embedders.base import Role
from wikiembed.errors import ConfigurationError, TextTooLong

pytest.importorskip("fastembed", reason=NEEDS.format("fastembed"))

TEXTS = ["Bees make honey.", "꿀벌은 꿀을 만든다.", "x", *(f"river {n} " * n for n in range(1, 60))]


options = partial(options_of, Provider.FASTEMBED)


async def test_vectors_are_those_of_the_library(minilm_onnx: Path) -> None:
    """Mean of the tokens and length 1, as the folder says; cosine > 0.9999 in equal batches."""
    from fastembed import TextEmbedding

    async with opened(options(minilm_onnx)) as embedder:
        info = await embedder.describe()
        alone = np.concatenate([await embedder.embed([t], role=Role.DOCUMENT) for t in TEXTS])
        together = await embedder.embed(TEXTS, role=Role.DOCUMENT)
    assert (info.provider, info.model, info.dimensions) == (
        Provider.FASTEMBED,
        str(minilm_onnx),
        384,
    )
    model = TextEmbedding(str(minilm_onnx), specific_model_path=str(minilm_onnx))
    wanted = np.stack([next(iter(model.embed([text]))) for text in TEXTS])
    assert np.einsum("ij,ij->i", alone, wanted).min() > 0.9999
    assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)
    # 8-bit weights round by the batch: padding changes the scale of activations.
    assert np.einsum("ij,ij->i", together, wanted).min() > 0.97


async def test_long_text_is_refused_or_cut(minilm_onnx: Path) -> None:
    """At the 256 tokens of the folder's configuration; the tokenizer alone would take 512."""
    text = "unbelievable embeddings " * 200
    async with opened(options(minilm_onnx)) as embedder:
        with pytest.raises(TextTooLong, match="the model takes 256"):
            await embedder.embed([text], role=Role.DOCUMENT)
        cut = await embedder.embed_cut(text, role=Role.DOCUMENT)
        assert cut is not None
        kept = await embedder.embed([text[: cut.chars_kept]], role=Role.DOCUMENT)
    assert np.allclose(kept, cut.matrix, atol=1e-5)


async def test_dimensions_are_cut_where_asked(minilm_onnx: Path) -> None:
    """The first ones, of length 1; more than the model has are refused."""
    asked = options(minilm_onnx, dimensions=64, request_dimensions=True)
    async with opened(asked) as embedder, opened(options(minilm_onnx)) as whole:
        short = await embedder.embed(TEXTS[:1], role=Role.QUERY)
        long = (await whole.embed(TEXTS[:1], role=Role.QUERY))[:, :64]
    assert np.allclose(short, long / np.linalg.norm(long), atol=1e-5)
    async with opened(replace(asked, request_dimensions=512)) as embedder:
        with pytest.raises(ConfigurationError, match="has 384 dimensions, not the 512"):
            await embedder.describe()


@pytest.fixture
def variant(minilm_onnx: Path, tmp_path: Path) -> Callable[[str, object], Path]:
    """The folder with another content of one of its files; None: without the file."""

    def make(name: str, content: object) -> Path:
        made = tmp_path / "variant"
        shutil.copytree(minilm_onnx, made, dirs_exist_ok=True)
        if content is None:
            (made / name).unlink()
        else:
            (made / name).write_text(json.dumps(content))
        return made

    return make


async def test_prompts_are_the_models_own(
    variant: Callable[[str, object], Path], minilm_onnx: Path
) -> None:
    """Those of the folder's configuration."""
    prompts = {"prompts": {"query": "query: ", "document": "passage: "}}
    made = variant("config_sentence_transformers.json", prompts)
    async with opened(options(made)) as embedder, opened(options(minilm_onnx)) as plain:
        got = await embedder.embed(["Bees"], role=Role.QUERY)
        wanted = await plain.embed(["query: Bees"], role=Role.QUERY)
    assert np.allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("modules.json", None, r"has no file modules\.json"),
        ("model.onnx", None, r"has no model\.onnx or onnx/model\.onnx"),
        ("modules.json", [{"type": "x.Dense", "path": "2"}], "cannot run the module Dense"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "cannot pool as"),
        ("tokenizer_config.json", {}, r"cannot be loaded \(ValueError"),
    ],
)
async def test_folder_that_would_give_wrong_vectors_is_refused(
    variant: Callable[[str, object], Path], name: str, content: object, said: str
) -> None:
    """In one sentence."""
    async with opened(options(variant(name, content))) as embedder:
        with pytest.raises(ConfigurationError, match=said):
            await embedder.describe()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model_dtype": "float16"}, "WIKIEMBED_MODEL_DTYPE"),
        ({"model_device": "mps"}, "has no mps, but cpu and cuda"),
        ({"model_device": "cuda:63"}, "cannot be"),
    ],
)
async def test_settings_that_it_has_not_are_refused(
    given: dict[str, object], said: str, minilm_onnx: Path
) -> None:
    """It would ignore them."""
    async with opened(options(minilm_onnx, **given)) as embedder:
        with pytest.raises(ConfigurationError, match=said):
            await embedder.describe()


async def test_absent_model_is_not_downloaded(minilm_onnx: Path, no_network: list[object]) -> None:
    """Of fastembed's list, and of none, without any address looked up."""
    async with opened(options(minilm_onnx, model_batch_tokens=500)) as embedder:
        await embedder.describe()
    for model, said in (
        ("BAAI/bge-small-en-v1.5", "not on this machine"),
        ("no/such", "fastembed"),
    ):
        async with opened(replace(options(minilm_onnx), model=model)) as embedder:
            with pytest.raises(ConfigurationError, match=said):
                await embedder.describe()
    assert no_network == []
