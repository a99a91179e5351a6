"""The local model, in process and offline."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wikiembed.config import Provider
from wikiembed.embedders.base import PROBE_TEXT, EmbedderOptions, Role
from wikiembed.embedders.local import LocalEmbedder, StaticModel
from wikiembed.embedders.local_model import load_wordllama
from wikiembed.embedders.open import open_embedder
from wikiembed.errors import EmbedderRejected, TextTooLong
from wikiembed.vectors import usable_rows

TEXTS = ["", "cat", "꿀벌은 꿀을 만든다.", "e\u0301 🐝", "x\n\ty", "naïve café"]
_LOCAL = EmbedderOptions(provider=Provider.LOCAL, url=None, model=None)


async def test_local_embeds_offline() -> None:
    """The model gives 256 dimensions, independent of other texts in the batch and of threads."""
    embedder = open_embedder(_LOCAL)
    info = await embedder.describe()
    assert (info.model, info.dimensions) == ("wordllama-l2-supercat-256", 256)
    texts = ["cats and dogs", PROBE_TEXT, "a much longer text " * 40, "x"]
    together = await embedder.embed(texts, role=Role.DOCUMENT)
    alone = await asyncio.gather(*(embedder.embed([text], role=Role.DOCUMENT) for text in texts))
    assert usable_rows(together).all()
    assert np.allclose(together, np.concatenate(alone), atol=1e-5)


async def test_local_ranks_by_meaning() -> None:
    """Cats are nearer to kittens than to bank rates."""
    rows = await open_embedder(_LOCAL).embed(["cat", "kitten", "bank rate"], role=Role.DOCUMENT)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


async def test_local_loads_one_model_for_many_callers() -> None:
    """Concurrent first calls wait for one load."""
    loads: list[StaticModel] = []

    def load() -> StaticModel:
        time.sleep(0.05)
        loads.append(load_wordllama())
        return loads[-1]

    embedder = LocalEmbedder(load=load)
    rows = await asyncio.gather(*(embedder.embed(["same"], role=Role.DOCUMENT) for _ in range(16)))
    assert all(np.array_equal(rows[0], row) for row in rows)
    assert len(loads) == 1
    await embedder.aclose()


def test_local_model_is_that_of_wordllama() -> None:
    """Its files are read without its package: the vectors of texts of any length are the same."""
    import wordllama  # changes logging

    theirs = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )
    texts = [
        *TEXTS,
        "a much longer text " * 400,
        *(f"number {n} of more than a batch" for n in range(70)),
    ]
    assert np.allclose(load_wordllama().embed(texts), theirs.embed(texts), atol=1e-6, rtol=0)


def test_local_does_not_change_logging() -> None:
    """Loading wordllama, in its own process, leaves the root logger unchanged."""
    code = (
        "import logging; from wikiembed.embedders.local_model import load_wordllama;"
        " load_wordllama();"
        "root = logging.getLogger(); print(root.handlers, root.level)"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ran.stdout.strip(), ran.stderr) == (f"[] {logging.WARNING}", "")


async def test_local_refuses_invalid_texts() -> None:
    """A huge text is too long, half a surrogate pair is rejected; zeros are valid."""
    embedder = open_embedder(_LOCAL)
    with pytest.raises(TextTooLong):
        await embedder.embed(["a" * 200_001], role=Role.DOCUMENT)
    with pytest.raises(EmbedderRejected):
        await embedder.embed(["fine", "\ud800"], role=Role.DOCUMENT)
    assert usable_rows(await embedder.embed(["", "b"], role=Role.DOCUMENT)).tolist() == [
        False,
        True,
    ]
    cut = await embedder.embed_cut("word " * 50_000, role=Role.DOCUMENT)
    assert cut is not None
    assert usable_rows(cut.matrix).all()
    assert cut.chars_kept == 199_999  # between two words


def test_local_is_installed_here() -> None:
    """The tests of the local model are not skipped by accident."""
    assert importlib.util.find_spec("wordllama") is not None
