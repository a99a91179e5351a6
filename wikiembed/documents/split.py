"""Split a document into pieces that can be embedded, so that an edit changes few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, assert_never

from wikiembed.documents.html import html_sections
from wikiembed.documents.pack import KEPT_TOGETHER, NOISE, pack
from wikiembed.documents.structure import (
    Section,
    markdown_sections,
    soften,
    text_sections,
)
from wikiembed.documents.units import Unit, Units

SPLITTER_VERSION = 1
"""Raise it, and wikiembed_private.splitter_version(), when the same text would give other pieces.

Documents keep the pieces that another version gave until they are edited or `wikiembed resplit` is
run, which `doctor` and `reconcile` advise then. 1 is the version of the first release.
"""
LEAST_CHARS = 32

Splitter = Literal["text", "markdown", "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOptions:
    """How to split.

    `max_chars` bounds a piece in characters, overlap included; `max_tokens` in tokens, as `tokens`
    counts them. A piece after the first of its section begins up to `overlap_chars` earlier.
    Raises: ValueError for bounds that cannot be kept.
    """

    splitter: Splitter = "text"
    max_chars: int = 1_000
    overlap_chars: int = 0
    max_tokens: int | None = None
    tokens: Callable[[str], int] | None = None

    def __post_init__(self) -> None:
        if self.max_chars < LEAST_CHARS:
            raise ValueError(f"max_chars: at least {LEAST_CHARS}, not {self.max_chars}")
        if not 0 <= self.overlap_chars <= self.max_chars // 4:
            raise ValueError(
                f"overlap_chars: from 0 to a quarter of max_chars, not {self.overlap_chars}"
            )
        if (self.max_tokens is None) != (self.tokens is None):
            raise ValueError("max_tokens and tokens: both or neither")
        if self.max_tokens is not None and self.max_tokens < LEAST_CHARS // 4:
            raise ValueError(f"max_tokens: at least {LEAST_CHARS // 4}, not {self.max_tokens}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A slice of a document in characters, `end` exclusive.

    `heading` is the path of headings above it, joined by " / "; empty before the first.
    """

    start: int
    end: int
    heading: str


def split(text: str, *, options: SplitOptions) -> list[Piece]:
    """Pieces of `text`, in order, that cover all of it but white space between them.

    A section is never mixed with another one; its heading is part of its first piece, and a section
    without text goes with the next. Within a section cuts are made between paragraphs where
    possible, else sentences, else words, else graphemes. Tables, lists and blocks of code are kept
    whole where they fit. No piece is larger than the limit, and none smaller than a quarter of it
    unless its section is. Where the cuts are depends on the text near them: see
    `wikiembed.documents.pack`.

    The splitter ``html`` gives slices of the markup itself, so that offsets are those of the stored
    text; tags count as characters. Remove them after slicing, not before.

    Takes time in proportion to the length of `text`.
    Raises: ConfigurationError when semantic-text-splitter is not installed.
    """
    if not text or text.isspace():
        return []
    sections, flat = _sections(text, options.splitter)
    room = options.max_chars - options.overlap_chars
    limits = _Limits(
        text=text,
        room=room,
        least=options.max_chars / 4,
        max_tokens=options.max_tokens,
        tokens=options.tokens,
    )
    units = Units(text, flat, limits.size)
    pieces: list[Piece] = []
    for section in sections:
        found = list(_units(section, units))
        if not found:
            continue
        first = len(pieces)
        for start, end in _packed(found, units, limits):
            lapped = start
            if len(pieces) > first and options.overlap_chars:
                lapped = _overlapping(units, start, options.overlap_chars, found[0].start)
            pieces.append(Piece(lapped, end, section.heading))
    return pieces


def _sections(text: str, splitter: Splitter) -> tuple[list[Section], str]:
    match splitter:
        case "text":
            return text_sections(text), soften(text)
        case "markdown":
            return markdown_sections(text), soften(text)
        case "html":
            return html_sections(text)
        case _ as never:
            assert_never(never)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    text: str
    room: int
    least: float
    max_tokens: int | None
    tokens: Callable[[str], int] | None

    def size(self, start: int, end: int) -> float:
        """The larger share of what a piece may hold: of its characters or its tokens."""
        chars = (end - start) / self.room
        if self.tokens is None or self.max_tokens is None:
            return chars
        # Far more characters than fit need not be counted.
        return (
            chars if chars > 1 else max(chars, self.tokens(self.text[start:end]) / self.max_tokens)
        )


def _units(section: Section, units: Units) -> Iterator[Unit]:
    """Units of a section; the cost of each has what its group and the nearest text add."""
    starts = [units.boundary_from(part.start) for part in section.parts]
    ends = [*starts[1:], units.boundary_from(section.end)]
    parts = list(zip(section.parts, starts, ends, strict=True))
    groups: dict[int, tuple[int, int]] = {}
    for part, start, end in parts:
        if part.group is not None:
            groups[part.group] = (groups.get(part.group, (start, end))[0], end)
    fitting = {group for group, bounds in groups.items() if _fits(units, bounds)}
    before = None
    for part, start, end in parts:
        for unit in units.of_part(start, end, cost=part.cost, by_line=part.by_line):
            if part.group is not None and part.group == before and part.group in fitting:
                unit.cost += KEPT_TOGETHER
            unit.cost += NOISE * units.noise(unit.start)
            before = part.group
            yield unit


def _fits(units: Units, bounds: tuple[int, int]) -> bool:
    trimmed = units.trimmed(*bounds)
    return trimmed is None or units.size(*trimmed) <= 1


def _packed(found: list[Unit], units: Units, limits: _Limits) -> Iterator[tuple[int, int]]:
    """Slices of one piece each."""
    starts: list[float] = [unit.start for unit in found]
    ends: list[float] = [unit.end for unit in found]
    if limits.tokens is not None:
        # Each unit takes the larger of its shares, so that sums bound characters and tokens.
        nexts = [*(unit.start for unit in found[1:]), found[-1].end]
        widths = [
            limits.room * units.size(unit.start, stop)
            for unit, stop in zip(found, nexts, strict=True)
        ]
        starts = list(accumulate(widths, initial=0.0))[:-1]
        ends = [
            start + limits.room * units.size(unit.start, unit.end)
            for start, unit in zip(starts, found, strict=True)
        ]
    costs = [unit.cost for unit in found]
    for first, last in pack(starts, ends, costs, most=limits.room, least=limits.least):
        yield from _counted(found[first:last], units)


def _counted(found: list[Unit], units: Units) -> Iterator[tuple[int, int]]:
    """The slice of `found`; in several where its tokens are more than those of its units."""
    start, end = found[0].start, found[-1].end
    if len(found) == 1 or units.size(start, end) <= 1:
        yield start, end
        return
    middle = min(
        range(1, len(found)), key=lambda index: abs(found[index].start - (start + end) // 2)
    )
    yield from _counted(found[:middle], units)
    yield from _counted(found[middle:], units)


def _overlapping(units: Units, start: int, overlap: int, least: int) -> int:
    """Where a piece begins that repeats up to `overlap` characters: at a sentence, else a word."""
    return units.first_start(max(least, start - overlap), start)
