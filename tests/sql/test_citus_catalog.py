"""Tables that Citus manages, by a catalog like its own: tests/real/test_citus.py has a cluster."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, attach_sql, make_source, make_table
from tests.support.citus import KINDS, pretend, take_over
from tests.support.database import Database

WHY = {
    "distributed": "Citus distributes it over nodes",
    "reference": "Citus replicates it to every node",
    "single shard": "Citus distributes it over nodes",
    "local": "Citus keeps its rows in a shard",
}
SERIAL = "create table public.docs (id bigint primary key, body text, vec vector(4))"
DOCUMENTS = "select wikiembed.attach_documents('public.docs', 'id', 'body', 'd', p_dimensions => 4)"


def refusal(database: Database, statement: str) -> psycopg.errors.Diagnostic:
    """What Postgres says when it refuses `statement` with WE004."""
    with pytest.raises(psycopg.Error) as caught:
        database.execute(statement)
    assert caught.value.sqlstate == "WE004", caught.value
    return caught.value.diag


@pytest.mark.parametrize("statement", [attach_sql(), DOCUMENTS], ids=["chunks", "documents"])
@pytest.mark.parametrize("kind", KINDS)
def test_attach_refuses_a_table_of_citus(database: Database, kind: str, statement: str) -> None:
    """The reason, and what to do instead; nothing is created."""
    database.execute(SERIAL)
    pretend(database, "public.docs", kind)
    assert database.one("select wikiembed_private.citus_kind('public.docs')") == kind
    said = refusal(database, statement)
    assert f"public.docs cannot be attached: {WHY[kind]}" in str(said.message_primary)
    does = "Move it to a schema" if kind == "single shard" else "Run `select undistribute_table("
    assert str(said.message_hint).startswith(does)
    assert "several databases" in str(said.message_hint)
    assert database.one("select to_regclass('public.d_chunks') is null")


def test_identity_column_is_copied_instead(database: Database) -> None:
    """Citus refuses to undistribute a table with one."""
    make_table(database)
    pretend(database, "public.docs", "distributed")
    hint = str(refusal(database, attach_sql()).message_hint)
    assert hint.startswith("Copy its rows into a plain table on the coordinator")


def test_partition_that_citus_distributes_is_found(database: Database) -> None:
    """Its rows are elsewhere, whatever the root is."""
    database.execute(
        "create table public.docs (id bigint primary key, body text, vec vector(4))"
        " partition by range (id)"
    )
    database.execute("create table public.p partition of public.docs for values from (0) to (9)")
    pretend(database, "public.p", "distributed")
    assert "Citus distributes it" in str(refusal(database, attach_sql()).message_primary)


def test_other_tables_of_the_database_are_attached(database: Database) -> None:
    """Plain tables beside distributed ones are what works."""
    database.execute("create table public.other (id bigint primary key)")
    pretend(database, "public.other", "distributed")
    make_source(database)
    add(database, "one")
    assert database.rows("select total, missing from wikiembed.coverage where source = 'docs'") == [
        (1, 1)
    ]


@pytest.mark.parametrize("kind", ["local", "distributed"])
def test_source_that_citus_took_over_is_left_alone(docs_table: Database, kind: str) -> None:
    """Neither reconcile nor detach touches it: its settings and failures stay for the move."""
    add(docs_table, "one", "two")
    if kind == "local":
        take_over(docs_table)
    else:
        pretend(docs_table, "public.docs", kind)
    # A shard is hidden from queries of pg_class, so its table appears to be dropped.
    docs_table.execute("update wikiembed.sources set key_attnums = '{9}' where name = 'docs'")
    connection = docs_table.connect()
    warnings: list[str] = []
    connection.add_notice_handler(lambda notice: warnings.append(str(notice.message_primary)))
    connection.execute("select * from wikiembed.reconcile()")
    assert warnings == ['Citus manages public.docs, the table of source "docs"']
    assert docs_table.one("select count(*) from wikiembed.sources where name = 'docs'") == 1
    said = refusal(docs_table, "select wikiembed.detach('docs')")
    assert "Citus manages public.docs" in str(said.message_primary)


def test_table_whose_former_name_citus_manages_is_reconciled(docs_table: Database) -> None:
    """It was renamed by its owner, to no name of a shard, and another one has the name."""
    docs_table.execute("alter table public.docs rename to archive")
    docs_table.execute("create table public.docs (id int)")
    pretend(docs_table, "public.docs", "distributed")
    assert (
        docs_table.one(
            "select wikiembed_private.citus_table_of(s) is null from wikiembed.sources as s"
            " where s.name = 'docs'"
        )
        is True
    )


def test_table_that_was_created_again_with_its_triggers_is_moved(docs_table: Database) -> None:
    """As Citus and pg_dump create it: every trigger of the former table, which was dropped."""
    add(docs_table, "one", "two")
    docs_table.execute("create table public.copy (like public.docs including all)")
    docs_table.execute("insert into public.copy (body) select body from public.docs")
    for (definition,) in docs_table.rows(
        "select pg_get_triggerdef(oid) from pg_trigger"
        " where tgrelid = 'public.docs'::regclass and not tgisinternal"
    ):
        docs_table.execute(definition.replace(" ON public.docs ", " ON public.copy "))
    docs_table.execute("drop table public.docs")
    docs_table.execute("alter table public.copy rename to docs")
    docs_table.execute(
        "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs', p_move => true)"
    )
    add(docs_table, "three")
    assert docs_table.rows(
        "select total, missing from wikiembed.coverage where source = 'docs'"
    ) == [(3, 3)]
    docs_table.execute("select * from wikiembed.reconcile()")
    docs_table.check_invariants("docs")
