"""The formula for the wait between tries."""

from __future__ import annotations

import pytest

from wikiembed.backoff import Backoff, Waits


def test_wait_doubles_up_to_the_longest() -> None:
    """No number of tries overflows."""
    backoff = Backoff(first_s=0.5, longest_s=4.0)
    assert [backoff.wait_s(n) for n in (0, 1, 2, 3, 10_000)] == [0.5, 1.0, 2.0, 4.0, 4.0]


@pytest.mark.parametrize("tries", [0, 1, 5])
def test_jitter_subtracts_at_most_its_share(tries: int) -> None:
    """The wait is 60 to 100 % of the plain wait, and varies."""
    plain_s = Backoff(first_s=1.0, longest_s=8.0).wait_s(tries)
    waits = {Backoff(first_s=1.0, longest_s=8.0, jitter=0.4).wait_s(tries) for _ in range(200)}
    assert 0.6 * plain_s <= min(waits) < max(waits) <= plain_s


def test_wait_starts_over_after_a_reset() -> None:
    """A successful try ends the series."""
    waits = Waits(Backoff(first_s=1.0, longest_s=10.0, factor=3.0))
    before = [waits.next_s(), waits.next_s(), waits.next_s()]
    waits.reset()
    assert (before, waits.next_s()) == ([1.0, 3.0, 9.0], 1.0)
