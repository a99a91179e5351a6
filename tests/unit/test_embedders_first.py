"""The first of several servers that answers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.pipeline_fakes import FakeEmbedder, rejected
from wikiembed.embedders.base import Cut, Role
from wikiembed.embedders.first import FirstAnswering
from wikiembed.errors import EmbedderError, EmbedderUnavailable, TextTooLong


async def test_server_that_answered_last_is_asked_first() -> None:
    """One that was away costs its time once."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.down = EmbedderUnavailable("a is away.")
    both = FirstAnswering([a, b])
    for text in ("one", "two"):
        assert (await both.embed([text], role=Role.QUERY)).shape == (1, 4)
    a.down = None
    await both.embed(["three"], role=Role.QUERY)
    assert (len(a.requests), len(b.requests)) == (1, 3)
    assert (await both.describe()).dimensions == 4
    await both.aclose()
    assert (a.closed, b.closed) == (True, True)


async def test_server_with_other_dimensions_is_passed_over() -> None:
    """Its vector would compare with none."""
    a, b = FakeEmbedder(dimensions=8), FakeEmbedder()
    both = FirstAnswering([a, b], dimensions=4)
    assert (await both.embed(["text"], role=Role.QUERY)).shape == (1, 4)
    assert (await FirstAnswering([a, b], dimensions=4).describe()).dimensions == 4
    a.cuts = lambda text: Cut(matrix=np.ones((1, 8), np.float32), chars_kept=None)
    assert await FirstAnswering([a, b], dimensions=4).embed_cut("t", role=Role.QUERY) is None


async def test_first_error_is_raised_when_none_answers() -> None:
    """That of the server that is preferred."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.down, b.down = EmbedderUnavailable("a is away."), rejected()
    with pytest.raises(EmbedderUnavailable, match="a is away"):
        await FirstAnswering([a, b]).embed(["text"], role=Role.QUERY)


async def test_text_that_is_too_long_is_refused_by_one_server() -> None:
    """The others run the same model."""
    a, b = FakeEmbedder(), FakeEmbedder()
    a.down = TextTooLong("Too long.")
    with pytest.raises(EmbedderError, match="Too long"):
        await FirstAnswering([a, b]).embed(["text"], role=Role.QUERY)
    assert b.requests == []
