"""The ledger: deltas whose sums are exact, folded as they age."""

from __future__ import annotations

import pytest

from tests.support.chunks import add, coverage, embed
from tests.support.database import Database

SUMS = (
    "select sum(total)::int, sum(embedded)::int, sum(gained)::int, sum(failed)::int,"
    " sum(skipped)::int from wikiembed.ledger"
)


def deltas(database: Database) -> list[tuple[int, ...]]:
    """Return total, embedded and gained of each ledger row of docs, oldest first."""
    return database.rows(
        "select total, embedded, gained from wikiembed.ledger where source = 'docs' order by id"
    )


def test_statements_write_one_delta_each(docs_table: Database) -> None:
    """Insert, write, text change, delete."""
    keys = add(docs_table, "one", "two")
    embed(docs_table, keys)
    docs_table.execute("update public.docs set body = 'new' where id = 1")
    docs_table.execute("delete from public.docs")
    assert deltas(docs_table) == [(2, 0, 0), (0, 2, 2), (0, -1, 0), (-2, -1, 0)]


def test_statements_that_change_no_count_write_nothing(docs_table: Database) -> None:
    """An update of other columns leaves the ledger alone."""
    add(docs_table, "one")
    before = deltas(docs_table)
    docs_table.execute("update public.docs set body = 'two'")
    docs_table.execute("insert into public.docs (body) select 'x' where false")
    docs_table.execute("delete from public.docs where false")
    assert deltas(docs_table) == before


def test_rolled_back_statements_leave_no_delta(docs_table: Database) -> None:
    """The delta is part of the transaction."""
    connection = docs_table.connect(autocommit=False)
    connection.execute("insert into public.docs (body) values ('x')")
    connection.rollback()
    assert deltas(docs_table) == []
    docs_table.check_invariants()


@pytest.fixture
def aged(docs_table: Database) -> Database:
    """200 deltas over the last 3 days, and one of now."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)"
        " select 'docs', clock_timestamp() - n * interval '21 minutes 7 seconds', n, n"
        " %% 7, n %% 5,"
        " n %% 3, n %% 2 from generate_series(0, 200) as n".replace("%%", "%")
    )
    return docs_table


def test_fold_keeps_every_sum(aged: Database) -> None:
    """And the coverage with it."""
    before, seen = aged.rows(SUMS), coverage(aged)
    folded = aged.one("select wikiembed.fold_ledger()")
    assert folded > 50
    assert aged.rows(SUMS) == before
    after = coverage(aged)
    assert [after[name] for name in ("total", "embedded", "failed", "skipped")] == [
        seen[name] for name in ("total", "embedded", "failed", "skipped")
    ]
    assert aged.one("select wikiembed.fold_ledger()") == 0


def test_fold_keeps_the_throughput_of_each_hour(aged: Database) -> None:
    """The history remains usable as a chart."""
    hours = (
        "select date_trunc('hour', minute), sum(chunks) from wikiembed.throughput group"
        " by 1 order by 1"
    )
    before = aged.rows(hours)
    aged.execute("select wikiembed.fold_ledger()")
    assert aged.rows(hours) == before


def test_fold_merges_to_minutes_and_then_to_hours(docs_table: Database) -> None:
    """A row per minute after a minute, a row per hour after a day; the last minute stays."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, total)"
        " select 'docs', date_trunc('hour', clock_timestamp()) - age + n * interval '7 s', 1"
        " from unnest(array[interval '2 h', interval '3 days']) as age,"
        " generate_series(1, 16) as n;"
        "insert into wikiembed.ledger (source, total) values ('docs', 1), ('docs', 1)"
    )
    docs_table.execute("select wikiembed.fold_ledger()")
    rows = docs_table.rows(
        "select (extract(epoch from clock_timestamp() - at) / 86400)::int,"
        " total, at = date_trunc('minute', at), at = date_trunc('hour', at)"
        " from wikiembed.ledger order by at"
    )
    assert rows == [
        (3, 16, True, True),
        (0, 8, True, True),
        (0, 8, True, False),
        (0, 1, False, False),
        (0, 1, False, False),
    ]


def test_minutes_fold_to_hours_when_they_are_old(docs_table: Database) -> None:
    """A row that was folded to its minute a day ago is folded once more."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, total) select 'docs',"
        " date_trunc('hour', clock_timestamp()) - interval '2 days' + n * interval '1 minute', 1"
        " from generate_series(0, 59) as n"
    )
    assert docs_table.one("select wikiembed.fold_ledger()") == 58
    assert docs_table.one("select wikiembed.fold_ledger()") == 0
    assert docs_table.one("select sum(total)::int from wikiembed.ledger") == 60
