"""How a setting is chosen on one half of the questions, and judged by the other."""

from __future__ import annotations

import pytest

from wikiembed.search.recall import (
    Answer,
    _choose,
    _latency,
    _setting,
    options_of,
)


def answers(*recalls: tuple[float, float]) -> list[Answer]:
    """Questions whose recall is the first number at 20 and the second at 40."""
    return [Answer(9.0, {20: (low, 1.0, True), 40: (high, 2.0, False)}) for low, high in recalls]


def chosen(target: float, given: list[Answer]) -> int | None:
    """The value that is chosen."""
    best = _choose(target, [_setting(value, given) for value in (20, 40)], given)
    return None if best is None else best.ef_search


def test_recall_of_the_held_out_half_is_reported() -> None:
    """The even questions choose, the odd ones are reported."""
    found = _setting(20, answers(*[(1.0, 1.0), (0.5, 1.0)] * 10))
    assert (found.chosen_on, found.recall) == (1.0, 0.5)
    assert (found.latency.median_ms, found.by_index) == (1.0, 1.0)


def test_least_setting_that_reaches_the_target_is_chosen() -> None:
    """None where the highest does not."""
    given = answers(*[(0.9, 1.0)] * 20)
    assert (chosen(0.9, given), chosen(0.95, given)) == (20, 40)
    assert chosen(0.95, answers(*[(0.9, 0.9)] * 20)) is None


def test_setting_that_reaches_the_target_by_chance_is_not_chosen() -> None:
    """A mean within two standard errors of the target is no proof."""
    given = answers(*([(1.0, 1.0)] * 18 + [(0.6, 1.0)] * 2))
    assert sum(answer.by_value[20][0] for answer in given[::2]) / 10 == pytest.approx(0.96)
    assert chosen(0.95, given) == 40


def test_latency_is_the_nearest_rank() -> None:
    """Of a hundred times, the 99th; of few, the longest."""
    found = _latency([float(n) for n in range(100, 0, -1)])
    assert (found.median_ms, found.p99_ms) == (50.5, 99.0)
    assert _latency([3.0, 1.0]).p99_ms == 3.0


def test_options_repeat_a_measurement() -> None:
    """As they can be typed; the default limit is left out."""
    assert options_of(10, None) == []
    assert options_of(5, {"tenant": [3, "a b"], "lang": "en"}) == [
        *("--limit", "5"),
        *("--filter", 'tenant=[3,"a b"]', "--filter", 'lang="en"'),
    ]
