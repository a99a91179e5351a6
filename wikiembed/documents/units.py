"""Units of a part, from which pieces are packed: sentences or lines, and parts of long ones."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

from wcwidth import iter_graphemes

from wikiembed.documents.structure import INVISIBLE
from wikiembed.errors import ConfigurationError

SENTENCE = 2.0
"""What a cut before a unit costs: see `wikiembed.documents.pack`."""
ABBREVIATION = 3.0
CLAUSE = 4.0
WORD = 5.0
GRAPHEME = 7.0

_LOOK = 64
"""Characters of a grapheme cluster that are looked at; longer ones are cut."""
_NEAR = 12
"""Characters on each side of a boundary that decide on its hash."""
_STOP = "。！？｡।॥۔؟։።፧။၊‼⁇⁈⁉"
_CLOSE = "\"'”’»›)\\]」』）】》〉"
_MAYBE = re.compile(rf"[.!?…．{_STOP}]")
# Where any reading of UAX #29 ends a sentence; the library decides on the others.
_SURE = re.compile(
    rf"[{_STOP}]++[{_CLOSE}{INVISIBLE}]*+[ \u3000{INVISIBLE}]*+"
    rf"|(?<![!?])[!?]++[{_CLOSE}{INVISIBLE}]*+ [ {INVISIBLE}]*+(?=[^\W_])"
    rf"|\.[{_CLOSE}{INVISIBLE}]*+ [ {INVISIBLE}]*+(?=[\"“‘(\[«]?[A-ZÀ-ÖØ-ÞΑ-ΫЀ-Яぁ-ヿ一-鿿가-힣])"
)
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[A-Z]|[A-Z][a-z]{1,2}|[A-Z][.][A-Z]|cf|vs|etc|ca)\. *$")
_LONGEST_FOR_LIBRARY = 2_000
_SPACE = re.compile(r"\s+|\u200b+")
_CLAUSE_END = re.compile(r"(?<=[,;:—–،؛])\s+|[、，；：·]\s*")
_LINE_END = re.compile(r"\r\n?|\n")
# An end tag stands with what it ends, a start tag with what it begins.
_TAGS_BEFORE = re.compile(r"(?:<[a-zA-Z][^<>]*>\s*)+$")


@dataclass(slots=True)
class Unit:
    """Text from `start` to `end`, without white space around; `cost` is that of a cut before it."""

    start: int
    end: int
    cost: float


@dataclass(frozen=True, slots=True)
class Units:
    """Finds units in `text`, none larger than a quarter of what `size` takes for 1.

    `flat` is `text` with its markup masked and its line ends as spaces, of the same length.
    `size` is the size of a slice of `text`, as a share of a piece.
    """

    text: str
    flat: str
    size: Callable[[int, int], float]

    def of_part(self, start: int, end: int, *, cost: float, by_line: bool) -> Iterator[Unit]:
        """Units from `start` to `end`; the first costs `cost`."""
        ends = self._lines(start, end) if by_line else self._sentences(start, end)
        is_first = True
        for at, stop, unit_cost in ends:
            bounds = self.trimmed(at, stop)
            if bounds is not None:
                yield from self._fitting(*bounds, cost if is_first else unit_cost)
                is_first = False

    def trimmed(self, start: int, end: int) -> tuple[int, int] | None:
        """The slice without white space around it, cut at graphemes; None for a blank one."""
        slice_ = self.text[start:end]
        first = start + len(slice_) - len(slice_.lstrip())
        if first == end:
            return None
        last = start + len(slice_.rstrip())
        while first > start and not self.is_boundary(first):
            first -= 1
        while last < end and not self.is_boundary(last):
            last += 1
        return first, last

    def is_boundary(self, at: int) -> bool:
        """Whether a grapheme cluster ends at `at`."""
        if at <= 0 or at >= len(self.text):
            return True
        before, after = self.text[at - 1], self.text[at]
        if after.isascii() and before.isascii():
            return not (before == "\r" and after == "\n")
        # Nothing that decides is farther away, but for flags in a row.
        start = max(0, at - _LOOK)
        while start and "\U0001f1e6" <= self.text[start] <= "\U0001f1ff":
            start -= 1
        for cluster in iter_graphemes(self.text[start : at + 1]):
            start += len(cluster)
            if start >= at:
                return start == at
        return True

    def boundary_from(self, at: int) -> int:
        """The first end of a grapheme cluster from `at` on; `at` itself within a long one.

        A tag of HTML ends within a cluster when a combining character stands behind it.
        """
        ends = (place for place in range(at, at + _LOOK) if self.is_boundary(place))
        return next(ends, at)

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int, float]]:
        for found in _LINE_END.finditer(self.text, start, end):
            yield start, found.end(), SENTENCE
            start = found.end()
        yield start, end, SENTENCE

    def _sentences(self, start: int, end: int) -> Iterator[tuple[int, int, float]]:
        cost = SENTENCE
        at = start
        for stop in self._sentence_ends(start, end):
            cut = self._before_tags(at, stop)
            if cut <= at or not self.is_boundary(cut):
                continue
            yield at, cut, cost
            before = self.flat[max(at, cut - 8) : cut]
            cost = ABBREVIATION if _ABBREVIATION.search(before) else SENTENCE
            at = cut
        yield at, end, cost

    def _before_tags(self, start: int, stop: int) -> int:
        if self.flat[stop - 1] != INVISIBLE and self.flat[stop - 2 : stop] != f"{INVISIBLE} ":
            return stop
        found = _TAGS_BEFORE.search(self.text, max(start, stop - 500), stop)
        return found.start() if found else stop

    def _sentence_ends(self, start: int, end: int) -> Iterator[int]:
        at = start
        for found in _SURE.finditer(self.flat, start, end):
            yield from self._library_ends(at, found.end())
            if found.end() < end:
                yield found.end()
            at = found.end()
        yield from self._library_ends(at, end)

    def _library_ends(self, start: int, end: int) -> Iterator[int]:
        """Ends of sentences within what has none for sure, by UAX #29."""
        sentence = self.flat[start:end]
        inner = sentence.rstrip()[:-1]
        if len(sentence) > _LONGEST_FOR_LIBRARY or not _MAYBE.search(inner):
            return
        splitter = _splitter(len(sentence) + 1)
        for offset, _ in splitter(sentence)[1:]:
            yield start + offset

    def _fitting(self, start: int, end: int, cost: float) -> Iterator[Unit]:
        """The slice, cut at clauses, words or graphemes until every unit is small enough."""
        if self.size(start, end) <= 0.25:
            yield Unit(start, end, cost)
            return
        for at, stop, cut_cost in self._cut(start, end, self._words(start, end), cost):
            bounds = self.trimmed(at, stop)
            if bounds is None:
                continue
            if self.size(*bounds) <= 0.25:
                yield Unit(*bounds, cut_cost)
                continue
            graphemes = self._graphemes(*bounds)
            for first, last, inner_cost in self._cut(*bounds, graphemes, cut_cost):
                inner = self.trimmed(first, last)
                if inner is not None:
                    yield Unit(*inner, inner_cost)

    def _cut(
        self, start: int, end: int, boundaries: dict[int, float], cost: float
    ) -> Iterator[tuple[int, int, float]]:
        """Slices that are small enough if boundaries allow, each with what a cut before it costs.

        The cut is the cheapest in the middle half, and of equal ones that of the least hash.
        """
        places = list(boundaries)
        ranks = [boundaries[place] + self.noise(place) / 2 for place in places]
        waiting = [(start, end, cost)]
        while waiting:
            at, stop, before = waiting.pop()
            low, high = bisect_right(places, at), bisect_left(places, stop)
            if low >= high or self.size(at, stop) <= 0.25:
                yield at, stop, before
                continue
            quarter = (stop - at) // 4
            first = bisect_left(places, at + quarter, low, high)
            last = bisect_right(places, stop - quarter, low, high)
            if first >= last:
                first = min(max(low, first - 1), high - 1)
                last = first + 1
            chosen = ranks.index(min(ranks[first:last]), first, last)
            place = places[chosen]
            waiting.append((place, stop, boundaries[place]))
            waiting.append((at, place, before))

    def _words(self, start: int, end: int) -> dict[int, float]:
        """Boundaries at white space and behind clauses, with their costs."""
        found = {
            space.end(): WORD
            for space in _SPACE.finditer(self.flat, start, end)
            if self.is_boundary(space.end())
        }
        for clause in _CLAUSE_END.finditer(self.flat, start, end):
            if self.is_boundary(clause.end()):
                found[clause.end()] = CLAUSE
        found.pop(end, None)
        return dict(sorted(found.items()))

    def _graphemes(self, start: int, end: int) -> dict[int, float]:
        """Boundaries of clusters; those behind what is no letter, digit or mark cost less.

        A cluster larger than a piece is cut between its characters.
        """
        found: dict[int, float] = {}
        at = start
        for cluster in iter_graphemes(self.text[start:end]):
            if len(cluster) > 1 and self.size(at, at + len(cluster)) > 1:
                found |= dict.fromkeys(range(at + 1, at + len(cluster)), GRAPHEME)
            at += len(cluster)
            is_word = unicodedata.category(cluster[0])[0] in "LMN"
            found[at] = GRAPHEME if is_word else GRAPHEME - 1
        found.pop(end, None)
        return found

    def first_start(self, low: int, high: int) -> int:
        """The first place from `low` to `high` where a sentence or else a word begins."""
        if low == 0:
            return low
        sentences = [at for at, _, _ in self._sentences(low, high)][1:]
        place = sentences[0] if sentences else next(iter(self._words(low, high)), high)
        trimmed = self.trimmed(place, high) if place < high else None
        return trimmed[0] if trimmed else high

    def noise(self, at: int) -> float:
        """A number from 0 to 1 that depends on the characters next to `at` and on nothing else."""
        near = self.flat[max(0, at - _NEAR) : at + _NEAR]
        return ((crc32(near.encode()) * 0x9E3779B1) & 0xFFFFFFFF) / 0x1_0000_0000


def _splitter(room: int) -> Callable[[str], list[tuple[int, str]]]:
    try:
        from semantic_text_splitter import TextSplitter
    except ImportError as error:
        raise ConfigurationError(
            f"Splitting documents needs {error.name}, which is not installed:"
            " pip install 'wikiembed[wiki]'."
        ) from None
    return TextSplitter((1, room), trim=False).chunk_indices
