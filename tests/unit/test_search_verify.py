"""Vectors made again against the stored ones: the same model, or what differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from wikiembed.embedders.base import Cut, ModelInfo, Role
from wikiembed.embedders.local import LocalEmbedder
from wikiembed.errors import BatchTooLarge, EmbedderLost, TextTooLong
from wikiembed.sample import sample_path
from wikiembed.search.verify import (
    MOST_NOISE,
    SAME,
    Comparison,
    Outcome,
    compare,
    embed_each,
    judge,
    other_end,
)
from wikiembed.store.model_checks import Sampled, sampled
from wikiembed.vectors import SHIFTED, Matrix, distances_of

DIMENSIONS = 64


class Fake:
    """A model whose vectors depend on the words and on their order.

    `blur`: relative noise, other each time. `most`: texts of a request. `cuts`, `refuses`:
    characters beyond which a text is cut silently, or refused.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        blur: float = 0.0,
        shift: float = 0.0,
        most: int | None = None,
        cuts: int | None = None,
        refuses: int | None = None,
    ) -> None:
        self.seed, self.blur, self.shift = seed, blur, shift
        self.most, self.cuts, self.refuses = most, cuts, refuses
        self.texts = 0
        self._random = np.random.default_rng(1)

    async def describe(self) -> ModelInfo:
        raise NotImplementedError

    async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
        self.texts += len(texts)
        if self.most is not None and len(texts) > self.most:
            raise BatchTooLarge("Too many.")
        if self.refuses is not None and any(len(text) > self.refuses for text in texts):
            raise TextTooLong("Too long.")
        matrix = np.stack([self._vector(text[: self.cuts]) for text in texts])
        noise = self._random.standard_normal(matrix.shape)
        blurred: Matrix = (matrix + self.blur * noise / np.sqrt(DIMENSIONS)).astype(np.float32)
        return blurred

    async def embed_cut(self, text: str, *, role: Role) -> Cut | None:
        if self.cuts is None:
            return None
        return Cut(matrix=await self.embed([text], role=role), chars_kept=None)

    async def aclose(self) -> None:
        raise NotImplementedError

    def _vector(self, text: str) -> Matrix:
        whole = np.zeros(DIMENSIONS)
        for place, word in enumerate(text.split()):
            key = [self.seed, *word.encode(), place]
            whole += np.random.default_rng(key).standard_normal(DIMENSIONS)
        own = np.random.default_rng([9, *text.encode()]).standard_normal(DIMENSIONS)
        unit = whole / np.linalg.norm(whole) + self.shift * own / np.linalg.norm(own)
        return unit.astype(np.float32)


TEXTS = [f"chunk {n} " + "of many words that follow one another " * (3 + n) for n in range(12)]


async def stored(embedder: Fake | LocalEmbedder, texts: Sequence[str] = TEXTS) -> list[Sampled]:
    """The chunks of `texts` as this model embedded them, as halfvec keeps them."""
    made = await embedder.embed(texts, role=Role.DOCUMENT)
    kept = made.astype(np.float16).astype(np.float32)
    return [
        Sampled(key=str(n), content=text, vector=vector)
        for n, (text, vector) in enumerate(zip(texts, kept, strict=True))
    ]


async def compared(
    model: Fake | LocalEmbedder, chunks: Sequence[Sampled], **given: object
) -> Comparison:
    """The comparison of `chunks` with what `model` makes now."""
    options = {"prefix": "", "batch_size": 5, **given}
    found = await compare(model, chunks, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


async def test_same_model_passes_through_halfvec() -> None:
    """Half precision, other batches; no further text is sent to find a cause."""
    model = Fake()
    chunks = await stored(Fake())
    found = await compared(model, chunks, prefixes=("a ",))
    assert (found.outcome, found.off, found.noise, found.prefix) == (Outcome.SAME, [], None, None)
    assert 0 < found.largest < 1e-6
    assert model.texts == len(TEXTS)


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        (Fake(seed=1), Outcome.DIFFERENT),
        (Fake(shift=0.1), Outcome.SHIFTED),
        (Fake(blur=0.005), Outcome.SAME),
        (Fake(blur=0.5), Outcome.DIFFERENT),
    ],
    ids=["another model", "other weights", "noise of half precision", "no vector of its own"],
)
async def test_outcomes(model: Fake, outcome: Outcome) -> None:
    """By how far off, and by the noise that the server itself shows."""
    found = await compared(model, await stored(Fake()))
    assert found.outcome is outcome
    assert found.noise is not None
    if outcome is Outcome.SAME:
        assert SAME < found.largest < found.threshold <= MOST_NOISE
        assert found.off == []
    elif model.blur:
        assert found.noise > found.threshold
    else:
        assert found.threshold == SAME
        assert found.noise < 1e-9


async def test_chunks_of_another_model_among_others_are_named() -> None:
    """The farthest first."""
    chunks = await stored(Fake())
    other = await stored(Fake(seed=1))
    found = await compared(Fake(), [*chunks[:9], *other[9:]])
    assert found.outcome is Outcome.MIXED
    assert sorted(found.off) == ["10", "11", "9"]
    by_key = dict(zip(found.keys, found.distances, strict=True))
    assert found.off == sorted(found.off, key=lambda key: -by_key[key])


@pytest.mark.parametrize("prefix", ["query: ", "search_document: ", " "])
@pytest.mark.parametrize("chars", [300, 2000])
async def test_changed_prefix_is_found_in_a_real_model(prefix: str, chars: int) -> None:
    """Also by static vectors, which a word changes least, and of the longest chunks."""
    text = " ".join(json.loads(line)["text"] for line in sample_path().read_text().splitlines())
    texts = [text[i * chars : (i + 1) * chars] for i in range(12)]
    model = LocalEmbedder()
    chunks = await stored(model, texts)
    same = await compared(model, chunks)
    assert (same.outcome, same.noise) == (Outcome.SAME, None)
    found = await compared(model, chunks, prefix=prefix, prefixes=("no such: ", ""))
    if prefix == " " and chars == 2000:
        assert found.outcome is Outcome.SAME or found.prefix == ""  # 1e-5: at the threshold
        return
    assert found.outcome in {Outcome.SHIFTED, Outcome.DIFFERENT}
    assert found.prefix == ""


async def test_texts_whose_end_is_ignored_are_named() -> None:
    """Long ones that the server cuts silently; shorter ones are embedded whole."""
    long = [f"{n} " + "some words of the beginning and then " * 30 for n in range(3)]
    short = [text[:300] for text in long]
    model = Fake(cuts=800)
    chunks = await stored(model, [*short, *long])
    found = await compared(model, chunks, ends=5)
    assert found.outcome is Outcome.SAME
    assert (found.ends, sorted(found.cut)) == (5, ["3", "4", "5"])
    assert (await compared(Fake(), await stored(Fake(), long), ends=5)).cut == []


async def test_marked_chunks_are_cut_again() -> None:
    """Where it was cut, by the server if that did it; and their ends are not tested."""
    text = "words of a text that is long " * 20
    model = Fake(cuts=400)
    ((by_server,), (by_client,)) = [await stored(model, [one]) for one in (text, text[:100])]
    marked = [
        Sampled(key="1", content=text, vector=by_server.vector, truncated=True),
        Sampled(key="2", content=text, vector=by_client.vector, truncated=True, chars_kept=100),
    ]
    found = await compared(model, marked, ends=5)
    assert (found.outcome, found.ends, found.keys) == (Outcome.SAME, 0, ["1", "2"])
    assert await compare(Fake(), marked[:1], prefix="", batch_size=5) is None


async def test_refused_texts_are_named_and_batches_are_halved() -> None:
    """The others are compared."""
    chunks = await stored(Fake())
    longest = max(map(len, TEXTS))
    found = await compared(Fake(most=2, refuses=longest - 1), chunks, batch_size=64)
    assert (found.refused, len(found.keys), found.outcome) == (["11"], 11, Outcome.SAME)


async def test_a_server_that_refuses_every_text_is_an_error() -> None:
    """With its first refusal; one that is lost is not asked again."""
    with pytest.raises(TextTooLong):
        await embed_each(Fake(refuses=1), dict(enumerate(TEXTS)), batch_size=4)

    class Lost(Fake):
        async def embed(self, texts: Sequence[str], *, role: Role) -> Matrix:
            self.texts += len(texts)
            raise EmbedderLost("Gone.")

    model = Lost()
    with pytest.raises(EmbedderLost):
        await embed_each(model, dict(enumerate(TEXTS)), batch_size=4)
    assert model.texts == 4


@pytest.mark.parametrize(
    ("distances", "outcome"),
    [
        ([0] * 10, Outcome.SAME),
        ([0] * 9 + [5 * SAME], Outcome.SAME),
        ([0] * 9 + [20 * SAME], Outcome.MIXED),
        ([0] * 8 + [5 * SAME] * 2, Outcome.MIXED),
        ([0] + [SHIFTED] * 9, Outcome.SHIFTED),
        ([0] + [2 * SHIFTED] * 9, Outcome.DIFFERENT),
        ([0, 0, 0.5], Outcome.MIXED),
    ],
)
def test_judge(distances: list[float], outcome: Outcome) -> None:
    """A stray chunk near the threshold is none; one far beyond it is."""
    assert judge(np.asarray(distances, dtype=np.float64), SAME) is outcome


def test_distances_are_those_of_the_angle() -> None:
    """Whatever the lengths; none is negative by rounding."""
    one = np.array([[1, 0], [2, 0], [1, 0], [0.1, 0.2]], dtype=np.float32)
    other = np.array([[3, 0], [0, 5], [-1, 0], [0.1, 0.2]], dtype=np.float32)
    assert distances_of(one, other).tolist() == pytest.approx([0, 1, 2, 0], abs=1e-7)
    assert (distances_of(one, other) >= 0).all()


@pytest.mark.parametrize("make", [str, lambda text: text * 3])
def test_other_end_has_the_same_length(make: Callable[[str], str]) -> None:
    """And the same beginning."""
    text = make("가나다 one two three " * 20)
    changed = other_end(text)
    assert len(changed) == len(text)
    kept = len(text) - max(40, len(text) // 20)
    assert (changed[:kept] == text[:kept], changed[kept:] == text[kept:]) == (True, False)


def test_rows_without_text_are_left_out() -> None:
    """A worker would embed none."""
    rows = [("1", None, [1.0], False, None), ("2", " ", [1.0], False, None),
            ("3", "x", [1.0], True, 4)]  # fmt: skip
    (one,) = sampled(rows)
    assert (one.key, one.truncated, one.chars_kept) == ("3", True, 4)
