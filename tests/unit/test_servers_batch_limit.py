"""How many texts a request may hold: what is stated is kept, what is guessed is tried again."""

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


def test_smaller_batches_say_nothing_of_a_guess() -> None:
    """The last batch of a queue has few texts: it passes whatever the limit is."""
    limit = BatchLimit()
    limit.refused(64)
    passes(limit, 31, 100)
    assert limit.value == 32


def test_stated_limit_is_the_least_that_was_stated_and_does_not_grow() -> None:
    """Two answers may differ; the smaller one is obeyed, and a guess below it too."""
    limit = BatchLimit()
    limit.state(32)
    limit.state(48)
    passes(limit, 32, 100)
    assert limit.value == 32
    limit.refused(33)
    assert limit.value == 16


def test_one_text_is_the_least() -> None:
    """A refusal of one text teaches no limit of none."""
    limit = BatchLimit()
    assert limit.refused(1)
    assert limit.value == 1
