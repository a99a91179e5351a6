"""Row-level security never hides a row from the counts."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs, coverage, embed, make_table, queued
from tests.support.database import Database

POLICY = """
alter table public.docs enable row level security;
create policy own on public.docs using (body = current_user) with check (true);
"""
ATTACH = "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')"


def test_counts_are_exact_where_policies_apply_to_the_reader(docs_table: Database) -> None:
    """A reader who sees no row gets the true counts of all of them."""
    add(docs_table, "one", "two", "three")
    docs_table.execute(POLICY)
    reader = docs_table.create_role("reader", grant="reader")
    docs_table.execute(f"grant select on public.docs to {reader}")
    with docs_table.connect(role=reader) as connection:
        assert connection.execute("select count(*) from public.docs").fetchone() == (0,)
        assert connection.execute("select wikiembed.is_ready('docs')").fetchone() == (False,)
        seen = connection.execute(
            "select total, missing from wikiembed.coverage where source = 'docs'"
        ).fetchone()
    assert seen == (3, 3)
    clear_jobs(docs_table)
    assert docs_table.rows("select chunks from wikiembed.enqueue('docs')") == [(3,)]
    docs_table.check_invariants()


def test_writer_under_a_policy_enqueues_all_of_its_rows(docs_table: Database) -> None:
    """Triggers read what the statement wrote, whatever its writer may see."""
    docs_table.execute(POLICY)
    writer = docs_table.create_role("writer", grant="writer")
    with docs_table.connect(role=writer) as connection:
        connection.execute("insert into public.docs (body) values ('a'), ('b')")
    assert (queued(docs_table), coverage(docs_table)["total"]) == (["1", "2"], 2)
    assert embed(docs_table, ["1", "2"]) == {"1": "written", "2": "written"}


@pytest.fixture
def bound(database: Database) -> Callable[[str], None]:
    """Grants attach to a role that is not superuser, after running SQL with {role} filled in."""
    role = database.create_role("owner")
    make_table(database)
    database.execute(POLICY)
    database.execute(
        f"grant usage, create on schema wikiembed, wikiembed_private, wikiembed_queue,"
        f" public to {role};"
        f"grant all on all tables in schema wikiembed, wikiembed_queue to {role};"
        f"grant all on all functions in schema wikiembed, wikiembed_private,"
        f" wikiembed_queue to {role};"
        f"grant select, insert, update, trigger on public.docs to {role}"
    )

    def give(statement: str) -> None:
        database.execute(statement.format(role=role))
        for (signature,) in database.rows(
            "select oid::regprocedure::text from pg_proc where proname = 'attach'"
        ):
            database.execute(f"alter function {signature} owner to {role}")

    return give


@pytest.mark.parametrize(
    "table",
    [
        "select 1",
        "alter table public.docs owner to {role}; alter table public.docs force row level security",
    ],
)
def test_attach_refuses_where_policies_apply_to_its_owner(
    database: Database, bound: Callable[[str], None], table: str
) -> None:
    """The functions would raise, or rows be hidden."""
    bound(table)
    with pytest.raises(psycopg.Error, match="row-level security") as caught:
        database.execute(ATTACH)
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE009", True)


def test_attach_refuses_where_a_right_is_missing(
    database: Database, bound: Callable[[str], None]
) -> None:
    """WE004 with the missing grant."""
    bound("revoke trigger on public.docs from {role}")
    with pytest.raises(psycopg.Error, match="needs the right TRIGGER") as caught:
        database.execute(ATTACH)
    assert caught.value.sqlstate == "WE004"


def test_attach_accepts_an_owner_without_policies(
    database: Database, bound: Callable[[str], None]
) -> None:
    """The owner of a table without force, or a role that bypasses policies, sees every row."""
    bound("alter role {role} bypassrls; alter table public.docs owner to {role}")
    assert database.one(ATTACH) == "docs"


def test_functions_that_read_chunks_turn_filtering_off(docs_table: Database) -> None:
    """With row_security off Postgres raises instead of hiding rows."""
    without = docs_table.rows(
        "select p.proname::text from pg_proc as p where p.pronamespace in"
        " ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)"
        " and (p.proname in ('is_ready', 'enqueue', 'reconcile', 'check_invariants', 'attach',"
        " 'skip', 'correct_ledger', 'count_violations')"
        " or p.proname in ('read_docs', 'store_docs', 'fail_docs', 'outcomes_docs',"
        " 'on_update_docs', 'on_truncate_docs'))"
        " and not 'row_security=off' = any (p.proconfig)"
    )
    assert without == []
