"""A canary finds servers that truncate silently, in few requests, without side effects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.pipeline_fakes import FakeEmbedder, rejected, vector_of
from tests.support.standin import StandIn
from tests.support.standin.profiles import (
    INFINITY,
    LLAMA_CPP,
    OPENAI,
    TEI,
    VLLM,
    WORKERS_AI,
    Profile,
)
from wikiembed.config import Provider
from wikiembed.embedders.base import EmbedderOptions, Role
from wikiembed.embedders.canary import LENGTHS, MOST_REQUESTS, Canary, release_canary, text_of
from wikiembed.embedders.local import LocalEmbedder
from wikiembed.embedders.open import open_embedder
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderError,
    EmbedderLost,
    EmbedderThrottled,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.vectors import Matrix

FIRST = LENGTHS[0]


class _Truncating(FakeEmbedder):
    """Reads that many characters of a text, and no more; each row differs a little."""

    def __init__(self, limit: int, *, noise: float = 1e-3) -> None:
        super().__init__(dimensions=256)
        self._limit = limit
        self._noise = noise
        self._random = np.random.default_rng(1)

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        await super().embed(texts, role=role)
        rows = [self._row(text[: self._limit]) for text in texts]
        return np.stack(rows)

    def _row(self, text: str) -> Matrix:
        """The mean of its words' vectors, as a model without attention computes it."""
        words = text.split()
        mean = np.mean([_word(word) for word in words], axis=0)
        jitter = self._noise * self._random.normal(size=256)
        return np.asarray(mean + np.linalg.norm(mean) * jitter / 16, dtype=np.float32)


def _word(word: str) -> Matrix:
    seed = int(vector_of(word)[0])
    return np.random.default_rng(seed).normal(size=256).astype(np.float32)


@pytest.mark.parametrize("limit", [300, 1200, 2000, 3900])
async def test_canary_finds_and_measures_silent_truncation(limit: int) -> None:
    """From nearly that many characters on, in a bounded number of requests, despite noise."""
    embedder = _Truncating(limit)
    found = await release_canary(embedder, chars=FIRST)
    assert (found.outcome, found.checked_chars) == ("silent", FIRST)
    assert found.from_chars is not None
    assert limit <= found.from_chars <= limit * 17 / 16 + 16
    assert len(embedder.requests) <= 1 + MOST_REQUESTS


@pytest.mark.parametrize("limit", [FIRST + 200, 10**6])
async def test_canary_reports_no_truncation_for_a_model_that_reads_the_end(limit: int) -> None:
    """One request of two texts; reading only part of the end is not silent truncation."""
    embedder = _Truncating(limit)
    found = await release_canary(embedder, chars=FIRST)
    assert found == Canary(outcome="whole", from_chars=None, checked_chars=FIRST)
    assert [len(texts) for texts in embedder.requests] == [2]


async def test_canary_rechecks_a_known_truncation_in_one_request() -> None:
    """`doctor` checks whether the server still truncates."""
    embedder = _Truncating(300)
    found = await release_canary(embedder, chars=FIRST, precise=False)
    assert (found.outcome, found.from_chars, len(embedder.requests)) == ("silent", FIRST, 1)


async def test_canary_starts_its_search_above_the_length_read_whole() -> None:
    """A longer canary after a shorter one."""
    embedder = _Truncating(9_000)
    found = await release_canary(embedder, chars=LENGTHS[1], above=FIRST)
    assert found.from_chars is not None
    assert 9_000 <= found.from_chars <= 9_600
    asked = [min(len(text) for text in texts) for texts in embedder.requests]
    assert min(asked) > FIRST


REFUSALS: dict[str, tuple[EmbedderError, str]] = {
    "too long": (TextTooLong("Too long.", http_status=500), "refused"),
    "too large": (BatchTooLarge("Too large.", http_status=413), "refused"),
    "4xx": (rejected(400), "refused"),
    "5xx": (rejected(500), "unanswered"),
    "no answer": (EmbedderTimeout("Too slow."), "unanswered"),
    "cut off": (EmbedderLost("Cut off."), "unanswered"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_canary_does_not_count_a_refusal_as_silent_truncation(name: str) -> None:
    """A transient error is not an outcome either."""
    error, outcome = REFUSALS[name]
    embedder = FakeEmbedder()
    embedder.judge = lambda texts: error
    found = await release_canary(embedder, chars=FIRST)
    assert found == Canary(outcome=outcome, from_chars=None, checked_chars=FIRST)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [EmbedderUnavailable("Down."), EmbedderThrottled("Slow down.")])
async def test_canary_has_no_outcome_for_an_unreachable_server(error: EmbedderError) -> None:
    """There is no outcome, and nothing to record."""
    embedder = FakeEmbedder()
    embedder.judge = lambda texts: error
    with pytest.raises(type(error)):
        await release_canary(embedder, chars=FIRST)


async def test_canary_does_not_wait_for_a_slow_server() -> None:
    """The canary ends by its own time limit."""
    embedder = FakeEmbedder()

    async def never(texts: Sequence[str], *, role: Role) -> Matrix:
        await asyncio.Event().wait()
        raise AssertionError

    embedder.embed = never  # type: ignore[method-assign]
    found = await release_canary(embedder, chars=FIRST, request_s=0.01)
    assert found.outcome == "unanswered"


async def test_canary_sends_two_requests_to_a_server_of_one_text_per_request() -> None:
    """A refusal of two texts is not a refusal of long texts."""
    embedder = _Truncating(300)
    embedder.judge = lambda texts: BatchTooLarge("One.", limit=1) if len(texts) > 1 else None
    assert (await release_canary(embedder, chars=FIRST, precise=False)).outcome == "silent"


def test_canary_texts_differ_only_at_the_end() -> None:
    """By a fifth of their length, and in no word before."""
    one, other = text_of(FIRST, 0), text_of(FIRST, 1)
    assert len(one) == len(other) == FIRST * 5 // 4
    assert one[:FIRST] == other[:FIRST]
    words = [{word for word in text[FIRST:].split() if word.isalpha()} for text in (one, other)]
    assert words[0].isdisjoint(words[1])
    assert len(one) / len(one.split()) < 7


@pytest.mark.parametrize(
    ("profile", "outcome"),
    [
        (INFINITY, "silent"), (WORKERS_AI, "silent"), (VLLM, "refused"), (OPENAI, "refused"),
        (LLAMA_CPP, "refused"), (TEI, "refused"),
    ],
)  # fmt: skip
async def test_canary_distinguishes_servers(profile: Profile, outcome: str) -> None:
    """By their known behaviour; the number is the stand-in's limit."""
    with StandIn(dialect=profile.dialect, max_chars=2000, profile=profile) as server:
        embedder = open_embedder(
            EmbedderOptions(provider=Provider(profile.dialect), url=server.url, model="m")
        )
        try:
            found = await release_canary(embedder, chars=FIRST)
        finally:
            await embedder.aclose()
    assert found.outcome == outcome
    if outcome == "silent":
        assert found.from_chars is not None
        assert 2000 <= found.from_chars <= 2125


class _CutModel(LocalEmbedder):
    """The real model in process, behind a server that reads 700 characters."""

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        return await super().embed([text[:700] for text in texts], role=role)


async def test_canary_measures_a_real_model() -> None:
    """Its vectors are means over all words, so that the end has the least weight there."""
    found = await release_canary(_CutModel(), chars=FIRST)
    assert found.outcome == "silent"
    assert found.from_chars is not None
    assert 700 <= found.from_chars <= 750
    for chars in LENGTHS:
        assert (await release_canary(LocalEmbedder(), chars=chars)).outcome == "whole"
