"""Bisection: exactly the texts at fault are blamed, in O(k log n) requests."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pipeline_fakes import (
    FakeEmbedder,
    channel_of,
    most_requests,
    rejected,
    texts_of,
    vector_of,
)
from wikiembed.errors import (
    BatchTooLarge,
    EmbedderError,
    EmbedderMisconfigured,
    EmbedderTimeout,
    EmbedderUnavailable,
    TextTooLong,
)
from wikiembed.pipeline.bisection import FAILURES_BEFORE_BLAME, Bisection

GONE = EmbedderUnavailable("The embedding server cannot be reached.")


async def bisect(embedder: FakeEmbedder, texts: list[str]) -> Bisection:
    bisection = Bisection(channel_of(embedder), texts)
    await bisection.run()
    assert bisection.vectors.keys().isdisjoint(bisection.blamed)
    assert sorted([*bisection.vectors, *bisection.blamed]) == list(range(len(texts)))
    good = sorted(bisection.vectors)
    if good:
        expected = np.stack([vector_of(texts[i]) for i in good])
        np.testing.assert_array_equal(bisection.matrix(good), expected)
    return bisection


def spoil(embedder: FakeEmbedder, texts: list[str], bad: list[int]) -> None:
    for i in bad:
        embedder.bad[texts[i]] = rejected()


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_bisection_blames_exactly_the_bad_texts(data: st.DataObject) -> None:
    """Whatever set of a batch is bad: it is blamed, the others embedded, within the bound."""
    n = data.draw(st.integers(1, 128))
    bad = sorted(data.draw(st.sets(st.integers(0, n - 1))))
    limit = data.draw(st.none() | st.integers(1, 128))
    embedder, texts = FakeEmbedder(max_batch=limit), texts_of(n)
    spoil(embedder, texts, bad)
    bisection = asyncio.run(bisect(embedder, texts))
    assert sorted(bisection.blamed) == bad
    assert {blame.attempts for blame in bisection.blamed.values()} <= {FAILURES_BEFORE_BLAME}
    if limit is None or limit >= n:
        assert len(embedder.log) - 1 <= most_requests(n, len(bad))


@pytest.mark.parametrize(
    "bad", [[0], [63], [31], [17], [0, 63], [10, 11, 12], list(range(0, 64, 8))]
)
async def test_requests_are_within_the_bound_for_a_batch_of_64(bad: list[int]) -> None:
    """2 k log2(64), plus a constant per bad text."""
    embedder, texts = FakeEmbedder(), texts_of(64)
    spoil(embedder, texts, bad)
    await bisect(embedder, texts)
    assert len(embedder.log) - 1 <= most_requests(64, len(bad))


@pytest.mark.parametrize("bad", [20, 21])
async def test_good_texts_are_embedded_once_without_wasted_requests(bad: int) -> None:
    """One bad text of 64: no passed text is sent again; alone it fails three times, not four."""
    embedder, texts = FakeEmbedder(), texts_of(64)
    spoil(embedder, texts, [bad])
    await bisect(embedder, texts)
    passed = [batch for batch in embedder.requests if texts[bad] not in batch]
    assert embedder.requests.count([texts[bad]]) == FAILURES_BEFORE_BLAME
    assert sum(len(batch) for batch in passed) == 63


async def test_groups_grow_again_among_good_texts() -> None:
    """Eight bad texts at the start shrink the groups to one; the 56 good ones cost few requests."""
    embedder, texts = FakeEmbedder(), texts_of(64)
    spoil(embedder, texts, list(range(8)))
    await bisect(embedder, texts)
    good = set(texts[8:])
    assert len([batch for batch in embedder.requests if good.issuperset(batch)]) <= 6


async def test_batch_of_bad_texts_costs_a_few_requests_per_text() -> None:
    """The groups shrink where bad texts are dense: 64 of 64 cost 6 requests each and few more."""
    embedder, texts = FakeEmbedder(), texts_of(64)
    spoil(embedder, texts, list(range(64)))
    await bisect(embedder, texts)
    assert len(embedder.log) <= 64 * 2 * FAILURES_BEFORE_BLAME + 64


@settings(max_examples=60, deadline=None)
@given(bad=st.sets(st.integers(0, 63), min_size=1))
def test_bisection_of_64_texts_costs_at_most_twice_k_log2_n_requests(bad: set[int]) -> None:
    """For any k from one to all: 12 k requests, and one that passes."""
    embedder, texts = FakeEmbedder(), texts_of(64)
    spoil(embedder, texts, sorted(bad))
    asyncio.run(bisect(embedder, texts))
    assert len(embedder.requests) <= 2 * len(bad) * math.log2(64) + 1


async def test_run_of_1000_with_5_bad_is_within_the_bound() -> None:
    """Sixteen batches: the bound per bad text, and one request per clean batch."""
    texts = texts_of(1000)
    bad = [3, 130, 131, 500, 999]
    embedder = FakeEmbedder()
    spoil(embedder, texts, bad)
    channel = channel_of(embedder)
    blamed: list[int] = []
    for start in range(0, 1000, 64):
        bisection = Bisection(channel, texts[start : start + 64])
        await bisection.run()
        blamed += [start + i for i in bisection.blamed]
    assert sorted(blamed) == bad
    assert len(embedder.log) - 1 <= most_requests(64, 5) + 16


async def test_bisection_blames_after_three_failures_with_a_passing_probe_each() -> None:
    """Alone, a text fails and the probe passes, three times; there is no fourth try."""
    embedder = FakeEmbedder()
    spoil(embedder, ["text 0"], [0])
    bisection = await bisect(embedder, ["text 0"])
    assert embedder.log[1:] == ["embed 1", "probe"] * 3
    blame = bisection.blamed[0]
    assert (blame.error_class, blame.http_status, blame.attempts) == ("rejected", 500, 3)


async def test_text_that_fails_twice_is_not_blamed() -> None:
    """A text that passes the third time is embedded."""
    embedder = FakeEmbedder()
    embedder.script = [rejected(), rejected()]
    assert (await bisect(embedder, ["text 0"])).blamed == {}


async def test_text_too_long_is_blamed_immediately() -> None:
    """The server named the fault: one request for the batch, no probes, no retry."""
    embedder, texts = FakeEmbedder(), texts_of(8)
    embedder.bad = {"text 0": TextTooLong("Too long.", http_status=400)}
    bisection = await bisect(embedder, texts)
    blame = bisection.blamed[0]
    assert (blame.error_class, blame.attempts, embedder.probes) == ("text_too_long", 1, 0)
    assert [len(batch) for batch in embedder.requests] == [8, 4, 2, 1, 4, 3]


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        (rejected(), "rejected"),
        (EmbedderTimeout("No answer."), "timeout"),
        (GONE, "no_answer"),
        (BatchTooLarge("413", http_status=413), "text_too_large"),
        (EmbedderMisconfigured("404", http_status=404), "refused"),
    ],
)
async def test_blame_names_the_kind_of_failure(error: EmbedderError, error_class: str) -> None:
    """Each error that a text may cause has a stable word."""
    embedder = FakeEmbedder()
    embedder.bad = {"text 1": error}
    bisection = await bisect(embedder, texts_of(4))
    assert {i: b.error_class for i, b in bisection.blamed.items()} == {1: error_class}


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
async def test_row_without_usable_numbers_is_blamed_and_its_neighbours_are_kept(
    value: float,
) -> None:
    """NaN, infinity or zeros in one row do not affect the others."""
    embedder = FakeEmbedder()
    embedder.rows = {"text 2": value}
    bisection = await bisect(embedder, texts_of(8))
    assert {i: b.error_class for i, b in bisection.blamed.items()} == {2: "bad_answer"}
    assert embedder.log[1:] == ["embed 8", *["embed 1", "probe"] * 3]


async def test_answer_without_any_usable_row_is_a_failure_of_the_batch() -> None:
    """One such answer blames no text: the halves pass."""
    embedder, texts = FakeEmbedder(), texts_of(8)
    embedder.script = [np.zeros((8, 4), np.float32)]
    assert (await bisect(embedder, texts)).blamed == {}


async def test_rows_unusable_while_the_probe_fails_are_an_outage() -> None:
    """A server whose vectors are all NaN, the probe's too, is waited for."""
    embedder, texts = FakeEmbedder(), texts_of(8)
    embedder.script = [np.full((8, 4), math.nan, np.float32)]
    embedder.probe_script = [np.full((1, 4), math.nan, np.float32)] * 3
    assert (await bisect(embedder, texts)).blamed == {}
    assert [len(batch) for batch in embedder.requests] == [8, 8]


async def test_crash_during_bisection_blames_no_other_text() -> None:
    """The server crashes at every third request during bisection, and comes back."""
    for down_at in range(1, 14):
        embedder, texts = FakeEmbedder(), texts_of(64)
        spoil(embedder, texts, [37])
        seen = 0

        def crash(
            batch: object, embedder: FakeEmbedder = embedder, at: int = down_at
        ) -> EmbedderError | None:
            nonlocal seen
            seen += 1
            if seen != at:
                return None
            embedder.probe_script = [GONE, GONE, GONE]
            return GONE

        embedder.judge = crash
        bisection = await bisect(embedder, texts)
        assert {i: b.attempts for i, b in bisection.blamed.items()} == {37: FAILURES_BEFORE_BLAME}


async def test_results_are_kept_when_the_run_ends_early() -> None:
    """A misconfiguration in mid-run keeps the vectors that were already fetched."""
    embedder, texts = FakeEmbedder(max_batch=4), texts_of(12)
    wrong = EmbedderMisconfigured("401")
    embedder.judge = lambda batch: wrong if "text 8" in batch else None
    embedder.probe_script = [wrong]
    bisection = Bisection(channel_of(embedder), texts)
    with pytest.raises(EmbedderMisconfigured):
        await bisection.run()
    assert (sorted(bisection.vectors), bisection.blamed) == (list(range(8)), {})


async def test_limit_learned_during_bisection_applies() -> None:
    """Another job learns a limit of 2 while this one bisects 64: nothing larger is sent."""
    embedder, texts = FakeEmbedder(), texts_of(64)
    spoil(embedder, texts, [5, 40])
    channel = channel_of(embedder)

    def learn(batch: object) -> EmbedderError | None:
        if len(embedder.requests) == 2:
            return BatchTooLarge("At most 2.", limit=2)
        return None

    embedder.judge = learn
    bisection = Bisection(channel, texts)
    await bisection.run()
    assert sorted(bisection.blamed) == [5, 40]
    assert max(len(batch) for batch in embedder.requests[2:]) == 2
