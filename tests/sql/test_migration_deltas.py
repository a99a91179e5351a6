"""Revision 0008: the ledger's newest rows move both ways, and whoever saw the coverage sees it."""

from __future__ import annotations

import psycopg
import pytest

from tests.harness.database import Database
from tests.sql.chunks import add, coverage, embed
from tests.sql.test_migrations import settings
from wikiembed.db.migrate import downgrade, upgrade

VERSIONS = "select distinct trigger_version from wikiembed.sources"
TABLES = (
    "select inhrelid::regclass::text from pg_inherits"
    " where inhparent = 'wikiembed.ledger'::regclass"
)
SUMS = "select sum(total)::int, sum(embedded)::int, sum(gained)::int from wikiembed.ledger"
ABORT = "update wikiembed_queue.procrastinate_jobs set abort_requested = true"


def test_counts_survive_the_way_down_and_up(docs_table: Database) -> None:
    """No row of the ledger is lost or counted twice, and writers write on in each."""
    embed(docs_table, add(docs_table, "one", "two"))
    add(docs_table, "three")
    assert docs_table.rows(SUMS) == [(3, 2, 2)]
    downgrade(docs_table.url, settings(docs_table.url), revision="0007")
    assert docs_table.rows(VERSIONS) == [(3,)]
    assert (docs_table.rows(SUMS), docs_table.rows(TABLES)) == ([(3, 2, 2)], [])
    add(docs_table, "four")
    docs_table.execute("delete from public.docs where id = 1")
    docs_table.check_invariants()
    upgrade(docs_table.url, settings(docs_table.url), revision="0008")
    assert docs_table.rows(VERSIONS) == [(4,)]
    assert len(docs_table.rows(TABLES)) == 2
    add(docs_table, "five")
    docs_table.execute("delete from public.docs where id = 2")
    assert docs_table.rows(SUMS) == [(3, 0, 2)]
    assert (coverage(docs_table)["total"], coverage(docs_table)["embedded"]) == (3, 0)
    docs_table.check_invariants()


@pytest.mark.parametrize("way", ["up", "down"])
def test_source_whose_table_is_gone_does_not_stop_the_migration(
    docs_table: Database, way: str
) -> None:
    """The next reconcile detaches it, with its deltas."""
    if way == "up":
        downgrade(docs_table.url, settings(docs_table.url), revision="0007")
    docs_table.execute("drop table public.docs")
    if way == "up":
        upgrade(docs_table.url, settings(docs_table.url))
        assert coverage(docs_table)["total"] == 0
    else:
        downgrade(docs_table.url, settings(docs_table.url), revision="0007")
    docs_table.execute("select wikiembed.reconcile()")
    assert docs_table.rows("select name from wikiembed.sources") == [("wiki",)]


@pytest.mark.parametrize("grant", ["reader", "worker", "by hand", "public"])
def test_upgrade_lets_those_see_the_views_who_saw_them(docs_table: Database, grant: str) -> None:
    """A view calls functions with its reader's rights."""
    downgrade(docs_table.url, settings(docs_table.url), revision="0007")
    if grant in ("reader", "worker"):
        role = docs_table.create_role("someone", grant=grant)
    else:
        role = docs_table.create_role("someone")
        docs_table.execute(f"grant usage on schema wikiembed to {role}")
        to = role if grant == "by hand" else "public"
        docs_table.execute(f"grant select on wikiembed.coverage, wikiembed.queue to {to}")
    upgrade(docs_table.url, settings(docs_table.url))
    add(docs_table, "one")
    with docs_table.connect() as connection:
        connection.execute(f"set role {role}".encode())
        row = connection.execute(b"select total from wikiembed.coverage where source = 'docs'")
        assert row.fetchall() == [(1,)]
        row = connection.execute(b"select todo from wikiembed.queue where source = 'docs'")
        assert row.fetchall() == [(1,)]


def test_job_that_waits_cannot_be_asked_to_abort(docs_table: Database) -> None:
    """As procrastinate's check constraint said, by its name; on the way down it is back."""
    add(docs_table, "one")
    for revision in ("0008", "0007"):
        if revision == "0007":
            downgrade(docs_table.url, settings(docs_table.url), revision=revision)
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            docs_table.execute(ABORT)
        assert caught.value.diag.constraint_name == "check_not_todo_abort_requested"
    upgrade(docs_table.url, settings(docs_table.url))
