"""Pieces from units, cut where the text near a boundary says so.

A cut costs what its boundary is worth (nothing between paragraphs, most within a word), plus a
number that depends on the characters next to it only; a piece costs the more the farther it is from
the usual size. The cheapest way is found by dynamic programming. Two ways that share a cut are the
same behind it, so that an edit changes few pieces; and it changes none beyond an anchor, a boundary
that is cheaper than all others within reach, where a cut is made in any case.

Source of the anchors: local-minimum chunking, N. Bjørner et al., "Content-dependent chunking for
differential compression", 2010.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

NOISE = 1.0
"""What the number that depends on the nearest characters adds at most."""
KEPT_TOGETHER = 10.0
"""Added to a cut within a table, list or block of code that fits into one piece."""
REACH = 0.65
"""Distance, in pieces of the largest size, within which an anchor is the cheapest boundary."""
CLOSE = 1 / 50
"""Distance, likewise, within which only the cheapest boundary is looked at."""
USUAL = 0.75
UNEVEN = 4.0
TOO_SMALL = 1_000.0


Places = Sequence[float]


def pack(
    starts: Places, ends: Places, costs: Sequence[float], *, most: float, least: float
) -> list[tuple[int, int]]:
    """Ranges of units that make one piece each: first and last, exclusive.

    `costs` are those of a cut before each unit. No piece is larger than `most` unless a unit is,
    and none smaller than `least` unless all units together are, or gaps between them are wide.
    """
    kept = [0, *_cheap_enough(starts, costs, most), len(starts)]
    joined = [*pairwise(kept)]
    starts = [starts[first] for first, _ in joined]
    ends = [ends[last - 1] for _, last in joined]
    costs = [costs[first] for first, _ in joined]
    cuts = [0, *_anchors(starts, ends, costs, most * REACH, least), len(starts)]
    return [
        (joined[first][0], joined[last - 1][1])
        for units in pairwise(cuts)
        for first, last in _cheapest(starts, ends, costs, range(*units), most, least)
    ]


def _cheap_enough(starts: Places, costs: Sequence[float], most: float) -> Iterator[int]:
    """Boundaries worth a look: of those close together only the cheapest."""
    before = starts[0]
    for unit, is_cheapest in _cheapest_within(starts, costs, most * CLOSE):
        if is_cheapest or starts[unit] - before >= most / 8:
            before = starts[unit]
            yield unit


def _anchors(
    starts: Places, ends: Places, costs: Sequence[float], reach: float, least: float
) -> Iterator[int]:
    """Units before which the text is cut in any case, because no boundary in reach is cheaper."""
    stranding = _stranding(starts, ends, costs, least)
    for unit, is_cheapest in _cheapest_within(starts, costs, reach):
        is_inside = ends[unit - 1] - starts[0] >= least and ends[-1] - starts[unit] >= least
        if is_cheapest and is_inside and unit not in stranding:
            yield unit


def _cheapest_within(
    starts: Places, costs: Sequence[float], reach: float
) -> Iterator[tuple[int, bool]]:
    """Each boundary, and whether all others up to `reach` before and after it cost more."""
    count = len(starts)
    rising: deque[int] = deque()
    ahead = 1
    for unit in range(1, count):
        while ahead < count and starts[ahead] <= starts[unit] + reach:
            while rising and costs[rising[-1]] > costs[ahead]:
                rising.pop()
            rising.append(ahead)
            ahead += 1
        while starts[rising[0]] < starts[unit] - reach:
            rising.popleft()
        alone = len(rising) == 1 or costs[rising[1]] > costs[unit]
        yield unit, rising[0] == unit and alone


def _stranding(starts: Places, ends: Places, costs: Sequence[float], least: float) -> set[int]:
    """Boundaries with too little text between them and a block that is to be kept together."""
    found: set[int] = set()
    count = len(starts)
    for unit in range(1, count):
        if costs[unit] < KEPT_TOGETHER:
            continue
        if costs[unit - 1] < KEPT_TOGETHER:
            first = unit - 1
            before = first - 1
            while before > 0 and 0 < starts[first] - starts[before] < least:
                found.add(before)
                before -= 1
        if unit + 1 == count or costs[unit + 1] < KEPT_TOGETHER:
            after = unit + 2
            while after < count and ends[after - 1] - starts[unit + 1] < least:
                found.add(after)
                after += 1
    return found


def _cheapest(
    starts: Places,
    ends: Places,
    costs: Sequence[float],
    units: range,
    most: float,
    least: float,
) -> list[tuple[int, int]]:
    """The cheapest way to cut `units`."""
    first = units.start
    best = [0.0] * (len(units) + 1)
    back = [first] * (len(units) + 1)
    for unit in units:
        stop = ends[unit]
        lowest = float("inf")
        for begin in range(unit, first - 1, -1):
            size = stop - starts[begin]
            if size > most and begin < unit:
                break
            cost = best[begin - first] + UNEVEN * (size / most - USUAL) ** 2
            if begin > first:
                cost += costs[begin]
            if size < least:
                cost += TOO_SMALL
            if cost < lowest:
                lowest, back[unit + 1 - first] = cost, begin
        best[unit + 1 - first] = lowest
    pieces = []
    end = units.stop
    while end > first:
        pieces.append((back[end - first], end))
        end = back[end - first]
    return pieces[::-1]
