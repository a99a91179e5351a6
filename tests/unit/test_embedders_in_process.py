"""A model in the process, whatever its library: batches, limits, cuts, threads, errors."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from wikiembed.config import Provider, Settings
from wikiembed.embedders.base import EmbedderOptions, Role
from wikiembed.embedders.in_process import DeviceMemoryExceeded, InProcessEmbedder
from wikiembed.embedders.open import open_embedder
from wikiembed.embedders.prompts import prompted, prompts_of
from wikiembed.embedders.usage import Usage, metered
from wikiembed.errors import BatchTooLarge, ConfigurationError, EmbedderRejected, TextTooLong
from wikiembed.vectors import Matrix


class FakeModel:
    """A token per character; the vector of a text is its length and its role."""

    def __init__(
        self, *, max_tokens: int | None = 100, memory: int = 10**9, offsets: bool = True
    ) -> None:
        self.dimensions = 2
        self.max_tokens = max_tokens
        self.memory = memory
        self.offsets = offsets
        self.batches: list[list[int]] = []
        self.running = 0
        self.most_running = 0
        self.fails: Exception | None = None
        self.entered = threading.Event()
        self.may_run = threading.Event()
        self.may_run.set()

    def count_tokens(self, texts: Sequence[str], *, role: Role) -> list[int]:
        return [len(text) for text in texts]

    def chars_of(self, text: str, tokens: int, *, role: Role) -> int | None:
        return min(tokens, len(text)) if self.offsets else None

    def encode(self, texts: Sequence[str], *, role: Role) -> Matrix:
        self.running += 1
        self.entered.set()
        self.most_running = max(self.most_running, self.running)
        try:
            assert self.may_run.wait(30)
            if self.fails is not None:
                raise self.fails
            lengths = [len(text) for text in texts]
            if max(lengths) * len(lengths) > self.memory:
                raise DeviceMemoryExceeded
            self.batches.append(lengths)
            side = 1.0 if role is Role.QUERY else 2.0
            return np.array([[n, side] for n in lengths], dtype=np.float32)
        finally:
            self.running -= 1


def embedder_of(model: FakeModel, *, batch_tokens: int = 1_000) -> InProcessEmbedder:
    return InProcessEmbedder(
        provider=Provider.SENTENCE_TRANSFORMERS,
        model="fake",
        load=lambda: model,
        batch_tokens=batch_tokens,
    )


async def test_batches_are_formed_by_tokens() -> None:
    """Similar lengths together, padded by a 64th of the most tokens at most; rows in order."""
    model = FakeModel(max_tokens=None)
    lengths = [30, 900, 100, 100, 21, 450, 96, 447]
    matrix = await embedder_of(model, batch_tokens=960).embed(
        ["x" * n for n in lengths], role=Role.DOCUMENT
    )
    assert model.batches == [[900], [450, 447], [100, 100, 96], [30, 21]]
    assert matrix[:, 0].tolist() == lengths
    assert matrix.dtype == np.float32


async def test_text_beyond_the_batch_goes_alone() -> None:
    """More tokens than a batch has are no error, if the model takes them."""
    model = FakeModel()
    await embedder_of(model, batch_tokens=10).embed(["x" * 99, "y"], role=Role.DOCUMENT)
    assert model.batches == [[99], [1]]


async def test_too_long_text_is_refused_before_the_model_runs() -> None:
    """With both numbers of tokens; nothing is truncated."""
    model = FakeModel()
    with pytest.raises(TextTooLong, match=r"has 101 tokens, and the model takes 100\.") as raised:
        await embedder_of(model).embed(["x", "x" * 101], role=Role.DOCUMENT)
    assert (raised.value.limit, raised.value.given) == (100, 101)
    assert model.batches == []


async def test_cut_keeps_what_the_model_takes() -> None:
    """Whole words, and the kept text embedded again has the same vector."""
    model = FakeModel()
    text = "word " * 60
    cut = await embedder_of(model).embed_cut(text, role=Role.DOCUMENT)
    assert cut is not None
    assert cut.chars_kept == 99
    assert cut.matrix.tolist() == [[99.0, 2.0]]


async def test_cut_without_offsets_is_left_to_the_search() -> None:
    """A tokenizer that does not say where its tokens end."""
    assert await embedder_of(FakeModel(offsets=False)).embed_cut("x", role=Role.QUERY) is None


async def test_cut_of_a_model_without_a_limit_is_the_whole() -> None:
    """Nothing is cut."""
    cut = await embedder_of(FakeModel(max_tokens=None)).embed_cut("x" * 500, role=Role.QUERY)
    assert cut is not None
    assert cut.chars_kept == 500


async def test_short_memory_makes_batches_smaller() -> None:
    """And they stay so; a text that does not fit alone is the batch's fault."""
    model = FakeModel(memory=40)
    embedder = embedder_of(model)
    matrix = await embedder.embed(["x" * 10] * 9, role=Role.DOCUMENT)
    assert model.batches == [[10] * 4] * 2 + [[10]]
    assert matrix[:, 0].tolist() == [10.0] * 9
    model.memory = 10**9
    await embedder.embed(["x" * 10] * 5, role=Role.DOCUMENT)
    assert model.batches[-2:] == [[10] * 4, [10]]
    model.memory = 40
    with pytest.raises(BatchTooLarge, match="no memory for a text of 41 tokens"):
        await embedder.embed(["x" * 41], role=Role.DOCUMENT)


async def test_one_batch_runs_at_a_time_and_the_event_loop_goes_on() -> None:
    """Four requests: the model is never entered twice, and the loop is free meanwhile."""
    model = FakeModel()
    model.may_run.clear()
    embedder = embedder_of(model)
    requests = [
        asyncio.create_task(embedder.embed(["x" * n], role=Role.DOCUMENT)) for n in (1, 2, 3, 4)
    ]
    await asyncio.to_thread(model.entered.wait, 30)
    model.may_run.set()  # from the event loop, which the model does not block
    rows = await asyncio.gather(*requests)
    assert [row[0, 0] for row in rows] == [1, 2, 3, 4]
    assert model.most_running == 1


async def test_model_is_loaded_once() -> None:
    """By many first requests."""
    loads: list[FakeModel] = []

    def load() -> FakeModel:
        loads.append(FakeModel())
        return loads[-1]

    embedder = InProcessEmbedder(
        provider=Provider.FASTEMBED, model="fake", load=load, batch_tokens=10
    )
    await asyncio.gather(*(embedder.embed(["x"], role=Role.QUERY) for _ in range(8)))
    assert len(loads) == 1
    info = await embedder.describe()
    assert (info.provider, info.model, info.dimensions) == (Provider.FASTEMBED, "fake", 2)
    await embedder.aclose()


async def test_no_text_and_invalid_text() -> None:
    """No text has no vectors; half a surrogate pair is rejected."""
    embedder = embedder_of(FakeModel())
    assert (await embedder.embed([], role=Role.DOCUMENT)).shape == (0, 0)
    with pytest.raises(EmbedderRejected, match="not valid Unicode"):
        await embedder.embed(["fine", "\ud800"], role=Role.DOCUMENT)


async def test_failure_of_the_library_is_one_sentence() -> None:
    """Its first line; that of a tokenizer, which may quote the text, is left out."""
    model = FakeModel()
    model.fails = RuntimeError("mat1 and mat2\ncannot be multiplied")
    with pytest.raises(
        EmbedderRejected, match=r"^The model fails on a batch \(RuntimeError: mat1 and mat2\)\.$"
    ):
        await embedder_of(model).embed(["secret"], role=Role.DOCUMENT)

    class Broken(FakeModel):
        def count_tokens(self, texts: Sequence[str], *, role: Role) -> list[int]:
            raise ValueError(texts[0])

    with pytest.raises(EmbedderRejected, match=r"\(ValueError\)") as raised:
        await embedder_of(Broken()).embed(["secret"], role=Role.DOCUMENT)
    assert "secret" not in str(raised.value)


async def test_usage_has_the_exact_tokens() -> None:
    """Not an estimate; a refused request counts as failed."""
    usage = Usage()
    embedder = embedder_of(FakeModel())
    with metered(usage):
        await embedder.embed(["x" * 7, "y"], role=Role.DOCUMENT)
        with pytest.raises(TextTooLong):
            await embedder.embed(["x" * 101], role=Role.DOCUMENT)
    assert usage == Usage(requests=2, failed=1, texts=2, tokens=8, estimated=0)


@pytest.mark.parametrize(
    ("config", "document", "query"),
    [
        ({"query": "query: ", "document": "passage: "}, "passage: ", "query: "),
        ({"query": "q ", "document": "", "passage": "p "}, "p ", "q "),
        ({"query": "", "document": ""}, "", ""),
        ({"query": None}, "", ""),
        ({"retrieval": "r: "}, "r: ", "r: "),
    ],
)
def test_prompts_come_from_the_configuration(
    config: dict[str, str | None], document: str, query: str
) -> None:
    """By the names that sentence-transformers uses, else the default one."""
    found = prompts_of(config, "retrieval" if "retrieval" in config else None)
    assert found == {Role.DOCUMENT: document, Role.QUERY: query}


def test_prompt_is_not_put_twice() -> None:
    """A source's prefix may be the model's prompt."""
    assert prompted("passage: a", "passage: ") == "passage: a"
    assert prompted("a", "passage: ") == "passage: a"


def options_of(settings: Settings) -> EmbedderOptions:
    model = settings.model_of(settings.embedder)
    return EmbedderOptions.each(settings, settings.embedder, model)[0]


@pytest.mark.parametrize(
    ("provider", "package", "extra"),
    [
        (Provider.SENTENCE_TRANSFORMERS, "sentence_transformers", "transformers"),
        (Provider.FASTEMBED, "fastembed", "fastembed"),
    ],
)
def test_settings_are_checked_before_anything_is_loaded(
    provider: Provider, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing extra, no model, a folder that is not there: one sentence each."""
    find = importlib.util.find_spec

    def only_package(name: str) -> object | None:
        return find("json") if name == package else None

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'wikiembed\[{extra}\]'\.$"):
        open_embedder(options_of(Settings(embedder=provider, model="m")))
    monkeypatch.setattr(importlib.util, "find_spec", only_package)
    with pytest.raises(ConfigurationError, match="needs a model: set WIKIEMBED_MODEL"):
        open_embedder(options_of(Settings(embedder=provider)))
    with pytest.raises(ConfigurationError, match=r"there is no folder /no/such on this machine\."):
        open_embedder(options_of(Settings(embedder=provider, model="/no/such")))
    open_embedder(options_of(Settings(embedder=provider, model="org/name")))


def test_folder_is_pinned_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative one too, so that a search from another folder finds it; a hub's name stays."""
    (tmp_path / "models" / "mini").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    of = {
        given: Settings(model=given).model_of(Provider.SENTENCE_TRANSFORMERS)
        for given in ("models/mini", "~/models/mini", "./absent", "org/name@v1")
    }
    whole = str(tmp_path / "models" / "mini")
    assert list(of.values()) == [whole, whole, str(tmp_path / "absent"), "org/name@v1"]
    assert Settings(model="models/mini").model_of(Provider.OPENAI) == "models/mini"
