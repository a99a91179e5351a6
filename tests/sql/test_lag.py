"""Lag: quantiles of waiting times within 5 %, from histograms that are merged by adding."""

from __future__ import annotations

import random

import pytest

from tests.support.database import Database
from wikiembed.pipeline.lag import lag_bucket


def record(
    database: Database, waits: list[float], *, at: str = "now()", fresh: bool = True
) -> None:
    """Record chunks of docs that waited for these seconds, one batch each."""
    database.execute(
        "insert into wikiembed_private.batch_ledger"
        f" select 1, {at}, 1, 0, 1, 1, 0, array[%s], array[bucket], array[1], 'docs'"
        " from unnest(%s::smallint[]) as bucket",
        [fresh, [lag_bucket(wait) for wait in waits]],
    )


def quantile(waits: list[float], share: float) -> float:
    """The smallest wait that `share` of them do not exceed."""
    ordered = sorted(waits)
    return ordered[max(0, -(-int(share * 1000 * len(ordered)) // 1000) - 1)]


@pytest.mark.parametrize("spread", [1.0, 6.0])
def test_quantiles_are_within_five_percent(docs_table: Database, spread: float) -> None:
    """Over waits from milliseconds to days, before and after the fold."""
    dice = random.Random(16)
    waits = [10 ** dice.uniform(-2, -2 + spread) for _ in range(2000)]
    record(docs_table, waits, at="'2026-11-20 10:30+00'::timestamptz")
    columns = "select p50_s, p95_s, p99_s, chunks::int from wikiembed.lag where source = 'docs'"
    (before,) = docs_table.rows(columns)
    for found, share in zip(before, (0.5, 0.95, 0.99), strict=False):
        assert found == pytest.approx(quantile(waits, share), rel=0.0501)
    docs_table.execute("update wikiembed_private.batch_ledger set at = at")
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.rows(columns) == [before]


@pytest.mark.parametrize(("wait", "stands_for"), [(-5.0, 0.001), (0.0, 0.001), (1e12, 1e9)])
def test_impossible_waits_are_bounded(docs_table: Database, wait: float, stands_for: float) -> None:
    """A clock that was set back, or a queue from another century: a bucket that can be recorded."""
    docs_table.execute(
        "select wikiembed.record_batches('docs', 1, array[1, 0, 1, 1, 0], false,"
        " array[true], array[%s]::smallint[], array[1])",
        [lag_bucket(wait)],
    )
    seconds = docs_table.one("select seconds from wikiembed.lag_histogram")
    assert seconds == pytest.approx(stands_for, rel=0.051)


def test_hours_of_a_histogram_are_merged_by_adding(docs_table: Database) -> None:
    """A quantile over two hours, from the histogram, is that of all waits."""
    first, second = [1.0] * 90, [100.0] * 60
    record(docs_table, first, at="'2026-11-20 10:30+00'::timestamptz")
    record(docs_table, second, at="'2026-11-20 11:30+00'::timestamptz")
    docs_table.execute("select wikiembed.fold_ledger()")
    merged = docs_table.rows(
        "select seconds, upto_s >= seconds, sum(chunks)::int from wikiembed.lag_histogram"
        " group by bucket, seconds, upto_s order by bucket"
    )
    assert [(within, chunks) for _, within, chunks in merged] == [(True, 90), (True, 60)]
    assert [s for s, _, _ in merged] == [
        pytest.approx(1, rel=0.0501),
        pytest.approx(100, rel=0.0501),
    ]


def test_histograms_are_kept_for_90_days(docs_table: Database) -> None:
    """Older ones go when the next minute is folded."""
    for days in (89, 91):
        record(docs_table, [1.0], at=f"date_trunc('hour', now()) - interval '{days} days'")
    docs_table.execute("select wikiembed.fold_ledger()")
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.one("select count(*)::int from wikiembed.lag") == 1
