"""Whether a model makes the vectors that are stored: chunks are embedded again and compared.

The thresholds are measured: see docs/how-to/verify.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wikiembed.embedders.base import Embedder, Role
from wikiembed.errors import EmbedderBadAnswer, EmbedderError, EmbedderRejected
from wikiembed.store.model_checks import Sampled
from wikiembed.vectors import SHIFTED, Distances, Matrix, distances_of, usable_rows

SAME = 1e-5
"""Cosine distance up to which two vectors are of one model, whatever noise its server shows."""
NOISE_FACTOR = 4.0
MOST_NOISE = 1e-4
"""The most that is put down to noise: a server that answers a text with other vectors each time
by more than this has no vector to compare."""
FEW, MOST = 0.1, 0.9
"""Share of chunks beyond the threshold: few may be stray, most are all."""
STRAY = 10.0
NOISE_TEXTS = 8
PREFIX_TEXTS = 4
PREFIXES = (
    "",
    "search_document: ",
    "passage: ",
    "title: none | text: ",
    "search_query: ",
    "query: ",
)
"""Of models in use, which are tried where no vector is as stored."""
LEAST_CHARS = 200
"""Of texts whose end is replaced: shorter ones fit every model."""
END, LEAST_END = 20, 40
"""The last part that is replaced: a twentieth, but so many characters."""
_OTHER = (
    "engine valve piston torque gasket clutch diesel rotor violin sonata choir melody tempo organ"
)


class Outcome(StrEnum):
    """What a comparison says of the model."""

    SAME = "same"
    MIXED = "mixed"
    SHIFTED = "shifted"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """New vectors against the stored ones: cosine distances, by `keys`.

    `threshold`: up to which they are the same, raised by the server's own `noise`, None where it
    was not measured. `prefix`: another one that makes the stored vectors, if one was found.
    `refused`: keys of texts that the server does not embed. `ends`: how many texts were embedded
    with another end; `cut`: keys of those whose vector stayed the same.
    """

    keys: Sequence[str]
    distances: Distances
    threshold: float
    noise: float | None
    outcome: Outcome
    prefix: str | None
    refused: Sequence[str]
    ends: int
    cut: Sequence[str]

    @property
    def off(self) -> list[str]:
        """Keys beyond the threshold, the farthest first."""
        order = np.argsort(-self.distances, kind="stable")
        return [self.keys[i] for i in order if self.distances[i] > self.threshold]

    @property
    def median(self) -> float:
        """The median distance."""
        return float(np.median(self.distances))

    @property
    def largest(self) -> float:
        """The largest distance."""
        return float(self.distances.max())


async def compare(
    embedder: Embedder,
    chunks: Sequence[Sampled],
    *,
    prefix: str,
    batch_size: int,
    ends: int = 0,
    prefixes: Sequence[str] = (),
) -> Comparison | None:
    """Embed `chunks` again, behind `prefix`, and compare; nothing is written.

    `ends`: of so many of the longest ones the end is replaced. `prefixes`: tried where chunks are
    off. None: no chunk could be embedded as it was, since a server that cuts is needed.

    Raises: EmbedderError, when no text is embedded too.
    """
    vectors, refused = await _embed_again(embedder, chunks, prefix=prefix, batch_size=batch_size)
    if not vectors:
        return None
    at = sorted(vectors)
    distances = distances_of(
        np.stack([chunks[i].vector for i in at]), np.stack([vectors[i] for i in at])
    )
    noise, threshold = None, SAME
    if (distances > SAME).any():
        noise = await _noise(embedder, chunks, vectors, prefix=prefix)
        threshold = max(SAME, min(MOST_NOISE, NOISE_FACTOR * noise))
    outcome = judge(distances, threshold)
    found = None
    if outcome is not Outcome.SAME:
        off = [chunks[i] for i, d in zip(at, distances, strict=True) if d > threshold]
        found = await _other_prefix(
            embedder, off, [p for p in prefixes if p != prefix], threshold=threshold
        )
    tested, cut = await _ends(embedder, chunks, ends, prefix=prefix)
    return Comparison(
        keys=[chunks[i].key for i in at],
        distances=distances,
        threshold=threshold,
        noise=noise,
        outcome=outcome,
        prefix=found,
        refused=[chunks[i].key for i in refused],
        ends=tested,
        cut=cut,
    )


def judge(distances: Distances, threshold: float) -> Outcome:
    """The outcome on `(n,) float64` distances."""
    share = float((distances > threshold).mean())
    if share <= FEW and not (distances > STRAY * threshold).any():
        return Outcome.SAME
    if share < MOST:
        return Outcome.MIXED
    return Outcome.SHIFTED if float(np.median(distances)) <= SHIFTED else Outcome.DIFFERENT


async def _embed_again(
    embedder: Embedder, chunks: Sequence[Sampled], *, prefix: str, batch_size: int
) -> tuple[dict[int, Matrix], list[int]]:
    """Vectors by number of the chunk, and the numbers of those that the server refuses.

    A text that was cut is cut in the same place, by the server if that did it.
    """
    whole = [i for i, chunk in enumerate(chunks) if not chunk.truncated or chunk.chars_kept]
    texts = {i: prefix + chunks[i].content[: chunks[i].chars_kept or None] for i in whole}
    vectors, refused = await embed_each(embedder, texts, batch_size=batch_size)
    for i in sorted(set(range(len(chunks))) - set(whole)):
        cut = await embedder.embed_cut(prefix + chunks[i].content, role=Role.DOCUMENT)
        if cut is not None and usable_rows(cut.matrix).all():
            vectors[i] = cut.matrix[0]
    return vectors, sorted(refused)


async def embed_each(
    embedder: Embedder, texts: dict[int, str], *, batch_size: int
) -> tuple[dict[int, Matrix], dict[int, EmbedderError]]:
    """The vector of each text, in batches; one that is refused is halved, as a worker's is.

    Raises: EmbedderError when the server is out of reach, or refuses every text.
    """
    numbers = list(texts)
    waiting = deque(numbers[i : i + batch_size] for i in range(0, len(numbers), max(batch_size, 1)))
    vectors: dict[int, Matrix] = {}
    refused: dict[int, EmbedderError] = {}
    while waiting:
        part = waiting.popleft()
        try:
            matrix = await embedder.embed([texts[i] for i in part], role=Role.DOCUMENT)
            usable = usable_rows(matrix)
            if len(part) > 1 and not usable.all():
                raise EmbedderBadAnswer("The server answers without usable vectors.")
            if not usable.all():
                refused[part[0]] = EmbedderBadAnswer("The server has no usable vector of a text.")
                continue
        except (EmbedderRejected, EmbedderBadAnswer) as error:
            if len(part) == 1:
                refused[part[0]] = error
            else:
                middle = len(part) // 2
                waiting.extendleft((part[middle:], part[:middle]))
            continue
        vectors.update(zip(part, matrix, strict=True))
    if refused and not vectors:
        raise next(iter(refused.values()))
    return vectors, refused


async def _noise(
    embedder: Embedder, chunks: Sequence[Sampled], vectors: dict[int, Matrix], *, prefix: str
) -> float:
    """The largest distance between vectors of one text, alone and in its batch.

    Raises: EmbedderError.
    """
    largest = 0.0
    whole = [i for i in sorted(vectors) if not chunks[i].truncated]
    for i in whole[:NOISE_TEXTS]:
        alone = await embedder.embed([prefix + chunks[i].content], role=Role.DOCUMENT)
        if usable_rows(alone).all():
            largest = max(largest, float(distances_of(alone, vectors[i][np.newaxis])[0]))
    return largest


async def _other_prefix(
    embedder: Embedder, chunks: Sequence[Sampled], prefixes: Sequence[str], *, threshold: float
) -> str | None:
    """The one of `prefixes` that makes the stored vectors of `chunks`, or None.

    Raises: EmbedderError.
    """
    some = [chunk for chunk in chunks if not chunk.truncated][:PREFIX_TEXTS]
    if not some:
        return None
    stored = np.stack([chunk.vector for chunk in some])
    for prefix in dict.fromkeys(prefixes):
        try:
            made = await embedder.embed(
                [prefix + chunk.content for chunk in some], role=Role.DOCUMENT
            )
        except (EmbedderRejected, EmbedderBadAnswer):
            continue
        if (distances_of(stored, made) <= threshold).all():
            return prefix
    return None


async def _ends(
    embedder: Embedder, chunks: Sequence[Sampled], most: int, *, prefix: str
) -> tuple[int, list[str]]:
    """How many long texts were embedded with another end, and keys of those of one vector.

    Raises: EmbedderError when the server is out of reach.
    """
    longest = sorted(
        (c for c in chunks if not c.truncated and len(c.content) >= LEAST_CHARS),
        key=lambda chunk: -len(chunk.content),
    )[:most]
    tested, cut = 0, []
    for chunk in longest:
        texts = [prefix + chunk.content, prefix + other_end(chunk.content)]
        try:
            # In one request, so that the same tokens get the same vector.
            both = await embedder.embed(texts, role=Role.DOCUMENT)
        except (EmbedderRejected, EmbedderBadAnswer):
            continue
        if not usable_rows(both).all():
            continue
        tested += 1
        if distances_of(both[:1], both[1:])[0] <= SAME:
            cut.append(chunk.key)
    return tested, cut


def other_end(text: str) -> str:
    """`text` with other words in its last twentieth, as long as before."""
    n = max(LEAST_END, len(text) // END)
    return text[:-n] + (f"{_OTHER} " * (n // len(_OTHER) + 1))[:n]
