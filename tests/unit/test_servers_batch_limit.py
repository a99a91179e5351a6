"""The maximum number of texts per request: a stated limit is kept, a guess is tried again."""

from __future__ import annotations

from wikiembed.servers.batch_limit import BatchLimit


def passes(limit: BatchLimit, n: int, times: int) -> None:
    for _ in range(times):
        limit.passed(n)


def test_guess_is_tried_again_after_16_passes_then_after_32() -> None:
    """A size that was refused costs a request seldom, and ever more seldom."""
    limit = BatchLimit()
    assert limit.refused(64)
    passes(limit, 32, 15)
    assert limit.value == 32
    passes(limit, 32, 1)
    assert limit.value == 64
    assert limit.refused(64)
    passes(limit, 32, 31)
    assert limit.value == 32
    passes(limit, 32, 1)
    assert limit.value == 64


def test_smaller_batches_do_not_confirm_a_guess() -> None:
    """The last batch of a queue has few texts: it passes whatever the limit is."""
    limit = BatchLimit()
    limit.refused(64)
    passes(limit, 31, 100)
    assert limit.value == 32


def test_stated_limit_is_the_smallest_one_stated_and_does_not_grow() -> None:
    """Two answers may differ; the smaller limit applies, and a guess below it too."""
    limit = BatchLimit()
    limit.state(32)
    limit.state(48)
    passes(limit, 32, 100)
    assert limit.value == 32
    limit.refused(33)
    assert limit.value == 16


def test_limit_is_at_least_one_text() -> None:
    """The refusal of one text does not set the limit to zero."""
    limit = BatchLimit()
    assert limit.refused(1)
    assert limit.value == 1
