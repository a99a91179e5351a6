"""Compare the stored chunks of a document with its new ones, to write only what changed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

_MAX_COMPARED = 4_096
"""Pairs of chunks in one gap of which the similarity is computed."""
_SHINGLE_WORDS = 3
_LEAST_SIMILARITY = 0.2
"""Of two chunks far from each other, for one to be the other after an edit."""
_MAX_SHARED_BY = 16
"""A shingle that more chunks have than this says nothing."""


@dataclass(frozen=True, slots=True)
class OldChunk:
    """A stored chunk; `context` is what stands before `content` when it is embedded."""

    id: int
    content: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk of the document as it is now."""

    content: str
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What makes the stored chunks the new ones; each old id and each new index occurs once.

    `kept` and `changed` are pairs of an old id and a new index, ordered by index. A kept chunk's
    embedded text is the same, so that its vector is, too; only position, offsets and heading may
    differ. A changed one's text is written to the old row. `inserted` are indexes, `deleted` ids.
    """

    kept: list[tuple[int, int]]
    changed: list[tuple[int, int]]
    inserted: list[int]
    deleted: list[int]


def diff(old: Sequence[OldChunk], new: Sequence[NewChunk]) -> Changes:
    """Align chunks by their embedded text: both sequences in order of position.

    As many equal texts are kept as both sides have, first those in the same order, then moved ones.
    A new chunk without an equal takes over a row that is left: one of the same content under
    another context, else the most similar between the same neighbours, else one far away that
    shares a fifth of its words' sequences.
    Takes time in proportion to the number of chunks, but for sorting.
    """
    match = _Match(old, new)
    match.in_order(lambda chunk: (chunk.context, chunk.content))
    match.moved(lambda chunk: (chunk.context, chunk.content))
    kept = dict(match.old_of)
    match.in_order(lambda chunk: chunk.content)
    match.moved(lambda chunk: chunk.content)
    match.neighbours()
    match.similar()
    changed = sorted((index, at) for index, at in match.old_of.items() if index not in kept)
    return Changes(
        kept=[(old[at].id, index) for index, at in sorted(kept.items())],
        changed=[(old[at].id, index) for index, at in changed],
        inserted=match.new_left(),
        deleted=[old[at].id for at in match.old_left()],
    )


Chunk = OldChunk | NewChunk
Range = tuple[int, int, int, int]
"""Of old and of new chunks: first, last, first, last; last exclusive."""


class _Match:
    """Pairs found so far: `old_of` maps the index of a new chunk to that of an old one."""

    def __init__(self, old: Sequence[OldChunk], new: Sequence[NewChunk]) -> None:
        self.old = old
        self.new = new
        self.old_of: dict[int, int] = {}
        self.used: set[int] = set()
        self.spine: list[tuple[int, int]] = []
        """Pairs in the order of both sides, old and new."""

    def old_left(self) -> list[int]:
        """Indexes of old chunks without a pair."""
        return [at for at in range(len(self.old)) if at not in self.used]

    def new_left(self) -> list[int]:
        """Indexes of new chunks without a pair."""
        return [index for index in range(len(self.new)) if index not in self.old_of]

    def pair(self, at: int, index: int) -> None:
        """The old chunk at `at` becomes the new one at `index`."""
        self.old_of[index] = at
        self.used.add(at)

    def in_order(self, of: Callable[[Chunk], Hashable]) -> None:
        """Pair equal chunks that are in the same order on both sides (patience diff)."""
        number: dict[Hashable, int] = {}
        olds = [number.setdefault(of(chunk), len(number)) for chunk in self.old]
        news = [number.setdefault(of(chunk), len(number)) for chunk in self.new]
        found: list[tuple[int, int]] = []
        for ats, indexes in self.gaps():
            aligned = _patience([olds[at] for at in ats], [news[index] for index in indexes])
            found += [(ats[one], indexes[other]) for one, other in aligned]
        for at, index in found:
            self.pair(at, index)
        self.spine = sorted([*self.spine, *found])

    def gaps(self) -> Iterator[tuple[list[int], list[int]]]:
        """Old and new chunks without a pair, between neighbouring pairs of the spine."""
        before = (-1, -1)
        for pair in [*self.spine, (len(self.old), len(self.new))]:
            olds = [at for at in range(before[0] + 1, pair[0]) if at not in self.used]
            news = [index for index in range(before[1] + 1, pair[1]) if index not in self.old_of]
            if olds and news:
                yield olds, news
            before = pair

    def moved(self, of: Callable[[Chunk], Hashable]) -> None:
        """Pair equal chunks wherever they are."""
        places: dict[Hashable, deque[int]] = defaultdict(deque)
        for at in self.old_left():
            places[of(self.old[at])].append(at)
        for index in self.new_left():
            if equal := places.get(of(self.new[index])):
                self.pair(equal.popleft(), index)

    def neighbours(self) -> None:
        """Pair what is left between the same neighbours: similar chunks, then the rest in order."""
        for olds, news in self.gaps():
            if len(olds) != len(news) and len(olds) * len(news) <= _MAX_COMPARED:
                self.pair_most_similar(olds, news)
            olds = [at for at in olds if at not in self.used]
            news = [index for index in news if index not in self.old_of]
            for at, index in zip(olds, news, strict=False):
                self.pair(at, index)

    def pair_most_similar(self, olds: list[int], news: list[int]) -> None:
        """Pair similar chunks, the most similar first."""
        old_shingles = {at: _shingles(self.old[at].content) for at in olds}
        new_shingles = {index: _shingles(self.new[index].content) for index in news}
        ranked = sorted(
            (-_similarity(old_shingles[at], new_shingles[index]), abs(place - number), at, index)
            for place, at in enumerate(olds)
            for number, index in enumerate(news)
        )
        for similarity, _, at, index in ranked:
            if similarity < 0 and at not in self.used and index not in self.old_of:
                self.pair(at, index)

    def similar(self) -> None:
        """Pair what was moved and edited as well, by shingles that few chunks have."""
        olds = {at: _shingles(self.old[at].content) for at in self.old_left()}
        if not olds:
            return
        holders: dict[int, list[int]] = defaultdict(list)
        for at, shingles in olds.items():
            for shingle in shingles:
                holders[shingle].append(at)
        ranked = []
        for index in self.new_left():
            shingles = _shingles(self.new[index].content)
            shared = Counter(
                at
                for shingle in shingles
                if len(holders.get(shingle, ())) <= _MAX_SHARED_BY
                for at in holders.get(shingle, ())
            )
            ranked += [
                (-_similarity(olds[at], shingles), at, index) for at, _ in shared.most_common(3)
            ]
        for similarity, at, index in sorted(ranked):
            if -similarity < _LEAST_SIMILARITY:
                break
            if at not in self.used and index not in self.old_of:
                self.pair(at, index)


def _patience(olds: list[int], news: list[int]) -> list[tuple[int, int]]:
    """Pairs of places of equal numbers, increasing: B. Cohen's patience diff, without recursion."""
    pairs: list[tuple[int, int]] = []
    waiting: list[Range] = [(0, len(olds), 0, len(news))]
    while waiting:
        old_first, old_last, new_first, new_last = waiting.pop()
        while old_first < old_last and new_first < new_last and olds[old_first] == news[new_first]:
            pairs.append((old_first, new_first))
            old_first, new_first = old_first + 1, new_first + 1
        while (
            old_first < old_last
            and new_first < new_last
            and (olds[old_last - 1] == news[new_last - 1])
        ):
            old_last, new_last = old_last - 1, new_last - 1
            pairs.append((old_last, new_last))
        if old_first == old_last or new_first == new_last:
            continue
        before = (old_first - 1, new_first - 1)
        unique = _unique_pairs(olds, news, (old_first, old_last, new_first, new_last))
        chain = _longest_rising(unique)
        if not chain:
            continue
        for at, index in [*chain, (old_last, new_last)]:
            waiting.append((before[0] + 1, at, before[1] + 1, index))
            before = (at, index)
        pairs += chain
    return pairs


def _unique_pairs(olds: list[int], news: list[int], gap: Range) -> list[tuple[int, int]]:
    """Numbers that occur once on each side, in the order of the new side."""
    old_first, old_last, new_first, new_last = gap
    place: dict[int, int] = {}
    for at in range(old_first, old_last):
        place[olds[at]] = -1 if olds[at] in place else at
    seen: dict[int, int] = {}
    for index in range(new_first, new_last):
        seen[news[index]] = -1 if news[index] in seen else index
    return [
        (place[number], index)
        for number, index in seen.items()
        if index >= 0 and place.get(number, -1) >= 0
    ]


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest chain of pairs, ordered by the second, in which the first rises, too."""
    tops: list[int] = []
    ends: list[int] = []
    back: list[int] = []
    for number, (at, _) in enumerate(pairs):
        depth = bisect_left(tops, at)
        tops[depth : depth + 1] = [at]
        ends[depth : depth + 1] = [number]
        back.append(ends[depth - 1] if depth else -1)
    chain = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = back[number]
    return chain[::-1]


def _shingles(content: str) -> frozenset[int]:
    """Hashes of all sequences of some words, or of some characters where there are few words."""
    words: Sequence[str] = content.split()
    if len(words) < len(content) / 20:
        words = content
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return frozenset(hash(tuple(words[at : at + _SHINGLE_WORDS])) for at in range(count))


def _similarity(one: frozenset[int], other: frozenset[int]) -> float:
    """Shared shingles as a share of all (Jaccard)."""
    return len(one & other) / max(1, len(one | other))
