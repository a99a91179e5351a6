"""The ledger's newest rows: separate tables per source, summed whole, dropped with their source."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, coverage, embed
from tests.support.database import Database

APART = "select total::int, embedded::int from wikiembed_private.deltas_docs order by id"
ITSELF = "select total::int, embedded::int, gained::int from only wikiembed.ledger order by id"
TABLE = "select to_regclass('wikiembed_private.deltas_docs') is not null"
LOOK = b"select total from wikiembed.coverage where source = 'docs'"


def test_only_embedded_rows_are_written_to_the_ledger_directly(docs_table: Database) -> None:
    """Its index serves the rate; other changes cost less in the separate table."""
    embed(docs_table, add(docs_table, "one", "two"))
    docs_table.execute("update public.docs set body = 'new' where id = 1")
    docs_table.execute("delete from public.docs where id = 2")
    assert docs_table.rows(APART) == [(2, 0), (0, -1), (-1, -1)]
    assert docs_table.rows(ITSELF)[-1] == (0, 2, 2)
    assert (coverage(docs_table)["total"], coverage(docs_table)["embedded"]) == (1, 0)


def test_rows_of_many_statements_and_of_one_count_the_same(docs_table: Database) -> None:
    """One row, a page, and more than fit a job, some with vectors."""
    for n in (1, 20, 64, 65, 300):
        docs_table.execute(
            "insert into public.docs (body, vec) select 'x', case when i % 3 = 0 then"
            f" '[1,1,1,1]'::vector end from generate_series(1, {n}) as i"
        )
    assert (coverage(docs_table)["total"], coverage(docs_table)["embedded"]) == (450, 148)
    docs_table.check_invariants()


def test_fold_moves_deltas_to_the_ledger(docs_table: Database) -> None:
    """After a minute."""
    add(docs_table, "one")
    docs_table.execute("update wikiembed_private.deltas_docs set at = at - interval '1 hour'")
    add(docs_table, "two")
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.rows(APART) == [(1, 0)]
    assert docs_table.rows(ITSELF)[-1] == (1, 0, 0)
    assert coverage(docs_table)["total"] == 2


def test_coverage_counts_a_row_once_during_a_fold(docs_table: Database) -> None:
    """The function uses the snapshot of the query that calls it, and no later one."""
    add(docs_table, "one")
    docs_table.execute("update wikiembed_private.deltas_docs set at = at - interval '1 hour'")
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(b"set transaction isolation level repeatable read")
        assert connection.execute(LOOK).fetchall() == [(1,)]
        docs_table.execute("select wikiembed.fold_ledger()")
        assert connection.execute(LOOK).fetchall() == [(1,)]
        connection.rollback()
    volatile = docs_table.one("select provolatile::text from pg_proc where proname = 'sum_deltas'")
    assert volatile == "s"


def test_detach_drops_the_table(docs_table: Database) -> None:
    """And attach creates it again."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed.detach('docs')")
    assert docs_table.one(TABLE) is False
    docs_table.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    add(docs_table, "two")
    assert coverage(docs_table)["total"] == 2


def test_detach_does_not_wait_for_readers(docs_table: Database) -> None:
    """A leftover table is empty; attach reuses it, or reconcile drops it."""
    add(docs_table, "one")
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(LOOK)
        docs_table.execute("set statement_timeout = '3s'")
        docs_table.execute("select wikiembed.detach('docs')")
        assert docs_table.one("select count(*) from wikiembed_private.deltas_docs") == 0
        connection.rollback()
    assert docs_table.one(TABLE) is True
    docs_table.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    add(docs_table, "two")
    assert coverage(docs_table)["total"] == 2
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(LOOK)
        docs_table.execute("select wikiembed.detach('docs')")
        connection.rollback()
    docs_table.execute("select wikiembed.reconcile()")
    assert docs_table.one(TABLE) is False


def test_orphan_table_is_not_dropped_during_an_attach(docs_table: Database) -> None:
    """Its lock is acquired before the sources are read."""
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(LOOK)
        docs_table.execute("select wikiembed.detach('docs')")
        connection.rollback()
    with docs_table.connect(autocommit=False) as attaching:
        attaching.execute(b"select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
        docs_table.execute("set lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            docs_table.execute("select wikiembed_private.drop_orphans()")
        attaching.commit()
    docs_table.execute("select wikiembed_private.drop_orphans()")
    assert docs_table.one(TABLE) is True
    add(docs_table, "one")


def test_attaches_wait_for_each_other_only_at_their_ends(docs_table: Database) -> None:
    """While one counts its rows, its table is not yet part of the ledger."""
    body = docs_table.one(
        "select prosrc from pg_proc where proname = 'attach' and prosrc like '%write_triggers%'"
    )
    assert body.index("correct_ledger(") < body.index("write_triggers(")
    assert body.index("create_missing_index(") < body.index("write_triggers(")
