"""The ledger: deltas whose sums are exact, folded as they age."""

from __future__ import annotations

import pytest

from tests.support.chunks import add, coverage, embed
from tests.support.database import Database

SUMS = (
    "select sum(total)::int, sum(embedded)::int, sum(failed)::int, sum(skipped)::int,"
    " (select sum(chunks)::int from wikiembed.throughput) from wikiembed.ledger"
)
HISTORY = (
    "select (extract(epoch from clock_timestamp() - at) / 86400)::int, chunks::int,"
    " at = date_trunc('minute', at), at = date_trunc('hour', at)"
    " from wikiembed_private.throughput_history order by at"
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


def test_fold_leaves_one_row_of_each_source(docs_table: Database) -> None:
    """However old; the last minute stays, and the throughput is kept by minute, later by hour."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, total, gained)"
        " select 'docs', date_trunc('hour', clock_timestamp()) - age + n * interval '7 s', 1, 1"
        " from unnest(array[interval '2 h', interval '3 days']) as age,"
        " generate_series(1, 16) as n;"
        "insert into wikiembed.ledger (source, total) values ('docs', 1), ('docs', 1)"
    )
    docs_table.execute("select wikiembed.fold_ledger()")
    assert deltas(docs_table) == [(1, 0, 0), (1, 0, 0), (32, 0, 0)]
    assert docs_table.rows(HISTORY) == [
        (3, 16, True, True), (0, 8, True, True), (0, 8, True, False),
    ]  # fmt: skip


def test_minutes_of_the_history_become_hours_when_they_are_old(docs_table: Database) -> None:
    """Also where the hour is known already; the ledger's row is folded into the next one."""
    docs_table.execute(
        "insert into wikiembed_private.throughput_history select 'docs',"
        " date_trunc('hour', clock_timestamp()) - interval '2 days' + n * interval '1 minute', 1"
        " from generate_series(0, 59) as n;"
        "insert into wikiembed.ledger (source, at, total) select 'docs',"
        " clock_timestamp() - n * interval '1 hour', 1 from generate_series(1, 3) as n"
    )
    assert docs_table.one("select wikiembed.fold_ledger()") == 2
    assert docs_table.one("select wikiembed.fold_ledger()") == 0
    assert docs_table.rows(HISTORY) == [(2, 60, True, True)]
    assert deltas(docs_table) == [(3, 0, 0)]


def test_rows_that_an_earlier_version_folded_become_history(docs_table: Database) -> None:
    """It kept the gains of each hour and minute in the ledger."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, total, embedded, gained) values"
        " ('docs', date_trunc('hour', now()) - interval '40 days', 9, 7, 7),"
        " ('docs', date_trunc('hour', now()) - interval '3 days', 3, 2, 2),"
        " ('docs', date_trunc('minute', now()) - interval '5 minutes', 1, 1, 1)"
    )
    seen = "select minute, chunks from wikiembed.throughput order by minute"
    before = docs_table.rows(seen)
    assert [row[1] for row in before] == [7, 2, 1]
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.rows(seen) == before
    assert deltas(docs_table) == [(13, 10, 0)]


def test_coverage_does_not_read_the_history(docs_table: Database) -> None:
    """Of 90 days it sums the rows of the last minutes."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, at, total, embedded, gained)"
        " select 'docs', clock_timestamp() - n * interval '1 hour', 1, 1, 1"
        " from generate_series(1, 2160) as n"
    )
    docs_table.execute("select wikiembed.fold_ledger()")
    docs_table.execute("vacuum wikiembed.ledger")
    read = "select sum(pg_stat_get_xact_tuples_returned(oid))::int from pg_class where relname"
    with docs_table.connect(autocommit=False) as connection:
        connection.execute("select * from wikiembed.coverage")
        rows = connection.execute(
            f"{read} in ('ledger', 'ledger_by_source', 'deltas_docs', 'deltas_wiki',"
            " 'throughput_history', 'throughput_history_pkey')"
        ).fetchone()
    assert rows is not None
    assert rows[0] < 10
    assert docs_table.one("select sum(chunks) from wikiembed.throughput") == 2160


def test_history_ends_with_its_source(docs_table: Database) -> None:
    """A detach deletes it, and a reconcile what is left of a source that does not exist."""
    fill = "insert into wikiembed_private.throughput_history values (%s, now(), 1)"
    count = "select count(*) from wikiembed_private.throughput_history"
    docs_table.execute(fill, ["docs"])
    docs_table.execute("select wikiembed.detach('docs')")
    assert docs_table.one(count) == 0
    docs_table.execute(fill, ["none"])
    docs_table.execute("select wikiembed.reconcile()")
    assert docs_table.one(count) == 0
