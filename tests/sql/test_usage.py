"""Usage and prices: what batches cost, per source and day, exact however it is folded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.support.chunks import in_background
from tests.support.database import Database

TODAY = "(now() at time zone 'UTC')::date"


def record(database: Database, *usage: int, number: int = 1, again: bool = False) -> None:
    """Record a batch of docs."""
    database.execute(
        "select wikiembed.record_batches('docs', %s, %s::bigint[], %s)",
        [number, list(usage), again],
    )


def usage(database: Database, columns: str = "requests, failed, texts, tokens, tokens_estimated"):  # type: ignore[no-untyped-def]  # rows of any columns
    """View usage of docs, oldest day first."""
    return database.rows(
        f"select {columns} from wikiembed.usage where source = 'docs' order by day"
    )


def test_usage_is_summed_by_day_before_and_after_the_fold(docs_table: Database) -> None:
    """Young rows stay, so that a repeated record finds its own; days are UTC's."""
    record(docs_table, 1, 0, 64, 500, 0, number=1)
    record(docs_table, 2, 1, 64, 600, 100, number=2)
    docs_table.execute(
        "update wikiembed_private.batch_ledger set at = '2026-11-01 23:30+00' where id = 1"
    )
    before = usage(docs_table, "day, tokens")
    assert before[0] == (dt.date(2026, 11, 1), 500)
    with docs_table.connect() as connection:
        connection.execute("set time zone 'Asia/Seoul'")
        connection.execute("select wikiembed.fold_ledger()")
    assert docs_table.rows("select id from wikiembed_private.batch_ledger") == [(2,)]
    assert usage(docs_table, "day, tokens") == before
    assert usage(docs_table) == [(1, 0, 64, 500, 0), (2, 1, 64, 600, 100)]


def test_repeated_record_counts_once(docs_table: Database) -> None:
    """The commit was made, its answer lost; where it was not made, the repeat records it."""
    record(docs_table, 1, 0, 64, 500, 0, number=7)
    record(docs_table, 1, 0, 64, 500, 0, number=7, again=True)
    record(docs_table, 1, 0, 64, 300, 0, number=8, again=True)
    assert usage(docs_table) == [(2, 0, 128, 800, 0)]


def test_fold_is_exact_beside_workers_and_other_folds(docs_table: Database) -> None:
    """Four at once: nothing is lost or counted twice."""
    call = (
        "insert into wikiembed_private.batch_ledger select n, now() - n * interval '1 hour',"
        " 1, 0, 10, 100, 0, array[true], array[7], array[10], 'docs'"
        " from generate_series(1, 20) as n"
    )
    with in_background() as pool:

        def work(connection: psycopg.Connection[Any], query: str) -> None:
            for _ in range(20):
                connection.execute(query.encode())

        fold = "select wikiembed.fold_ledger()"
        running = [
            pool.submit(work, docs_table.connect(), query) for query in (call, call, fold, fold)
        ]
        for one in running:
            one.result(timeout=60)
    docs_table.execute(fold)
    assert docs_table.rows("select sum(tokens)::int, sum(texts)::int from wikiembed.usage") == [
        (80_000, 8_000)
    ]
    assert docs_table.rows("select sum(chunks)::int, min(p50_s) > 1.9, max(p99_s) < 2.1"
                           " from wikiembed.lag") == [(8_000, True, True)]  # fmt: skip


def test_usage_ends_with_its_source(docs_table: Database) -> None:
    """Detach removes it; what a worker records afterwards is not shown, and reconcile drops it."""
    docs_table.execute("select wikiembed.set_price('docs', 2)")
    record(docs_table, 1, 0, 64, 500, 0)
    docs_table.execute("select wikiembed.detach('docs')")
    record(docs_table, 1, 0, 64, 500, 0)
    docs_table.execute("select wikiembed.fold_ledger()")
    assert usage(docs_table) == []
    docs_table.execute("select wikiembed.reconcile()")
    for table in ("wikiembed_private.batch_ledger", "wikiembed.prices"):
        assert docs_table.one(f"select count(*) from {table}") == 0


@pytest.mark.parametrize(
    "usage", ["array[1, 0, 1]", "null", "array[1, 0, 1, -5, 0]", "array[1, 0, 1, null, 0]"]
)
@pytest.mark.parametrize("function", ["record_batches", "settle_budget"])
def test_malformed_usage_is_refused(docs_table: Database, function: str, usage: str) -> None:
    """By name, with what was got."""
    with pytest.raises(psycopg.Error, match="usage has five numbers") as caught:
        docs_table.execute(f"select wikiembed.{function}('docs', 1, {usage}::bigint[])")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE010", True)


@pytest.mark.parametrize(
    "waits",
    [
        "array[true], array[1]::int2[], array[1, 2]", "array[true], array[209]::int2[], array[1]",
        "array[true], array[1]::int2[], array[-1]", "array[null::bool], array[1]::int2[], array[1]",
        "null, null, null",
    ],
)  # fmt: skip
def test_malformed_waits_are_refused(docs_table: Database, waits: str) -> None:
    """By name, with what was got."""
    with pytest.raises(psycopg.Error, match="the arrays of waits have one length") as caught:
        docs_table.execute(
            f"select wikiembed.record_batches('docs', 1, array[1,0,1,5,0], false, {waits})"
        )
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE010", True)


def test_first_price_is_for_all_days_and_a_later_one_from_its_day(docs_table: Database) -> None:
    """What earlier days cost does not change with a new price."""
    record(docs_table, 1, 0, 64, 3_000_000, 0, number=1)
    docs_table.execute("update wikiembed_private.batch_ledger set at = '2026-10-01 12:00+00'")
    record(docs_table, 1, 0, 64, 500_000, 0, number=2)
    assert usage(docs_table, "cost") == [(None,), (None,)]
    docs_table.execute("select wikiembed.set_price('docs', 0.02, p_currency => 'USD')")
    assert usage(docs_table, "cost, currency") == [
        (Decimal("0.06"), "USD"), (Decimal("0.01"), "USD"),
    ]  # fmt: skip
    set_from = docs_table.one("select wikiembed.set_price('docs', 0.04)")
    assert set_from == docs_table.one(f"select {TODAY}")
    assert usage(docs_table, "cost, currency") == [
        (Decimal("0.06"), "USD"), (Decimal("0.02"), "USD"),
    ]  # fmt: skip
    docs_table.execute("select wikiembed.set_price('docs', 1, '2026-10-01')")
    assert usage(docs_table, "cost") == [(Decimal("3"),), (Decimal("0.02"),)]
    docs_table.execute("select wikiembed.set_price('docs', null)")
    assert usage(docs_table, "cost, currency") == [(None, None), (None, None)]
    actions = docs_table.rows(
        "select detail from wikiembed.action_log where action = 'price' order by id"
    )
    assert [row[0].get("per_million") for row in actions] == [0.02, 0.04, 1, None]


@pytest.mark.parametrize(
    "price",
    ["-1", "1e9", "'NaN'", "1, null, E'a\\nb'", "1, null, 'thirteen bytes'"],
)
def test_impossible_price_is_refused(docs_table: Database, price: str) -> None:
    """Negative, absurd, no number; a currency with control characters or of a sentence."""
    with pytest.raises(psycopg.Error, match="a price is between") as caught:
        docs_table.execute(f"select wikiembed.set_price('docs', {price})")
    assert caught.value.sqlstate == "WE010"
    with pytest.raises(psycopg.Error, match="no source is named"):
        docs_table.execute("select wikiembed.set_price('none', 1)")
