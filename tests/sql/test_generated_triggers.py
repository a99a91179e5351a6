"""Generated triggers are idempotent, versioned, and follow renames."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, coverage, embed, queued
from tests.support.database import Database

WRITTEN = """
select md5(string_agg(pg_get_functiondef(p.oid), '' order by p.proname)),
       (select string_agg(pg_get_triggerdef(t.oid) || t.tgenabled::text, '' order by t.tgname)
          from pg_trigger as t where t.tgrelid = 'public.docs'::regclass)
  from pg_proc as p
 where p.pronamespace = 'wikiembed_private'::regnamespace and p.proname ~ '_docs$'
"""


def test_write_triggers_is_idempotent(docs_table: Database) -> None:
    """A second call writes the same text and no trigger twice."""
    before = docs_table.rows(WRITTEN)
    docs_table.execute("select wikiembed_private.write_triggers('docs')")
    assert docs_table.rows(WRITTEN) == before


def test_trigger_version_is_in_sources(docs_table: Database) -> None:
    """Reconcile detects an old version and regenerates the trigger."""
    current = docs_table.one("select wikiembed_private.trigger_version()")
    docs_table.execute("update wikiembed.sources set trigger_version = 0 where name = 'docs'")
    docs_table.execute("drop trigger wikiembed_docs_insert on public.docs")
    docs_table.execute("select wikiembed.reconcile('docs')")
    found = docs_table.one("select trigger_version from wikiembed.sources where name = 'docs'")
    assert found == current
    add(docs_table, "x")
    assert queued(docs_table) == ["1"]


@pytest.mark.parametrize("follow", ["event trigger", "reconcile"])
@pytest.mark.parametrize(
    ("rename", "table", "key", "text", "vector"),
    [
        ("alter table public.docs rename to pages", "public.pages", "id", "body", "vec"),
        ("alter table public.docs rename body to content", "public.docs", "id", "content", "vec"),
        ("alter table public.docs rename id to doc_id", "public.docs", "doc_id", "body", "vec"),
        ("alter table public.docs rename vec to e", "public.docs", "id", "body", "e"),
        ("alter table public.docs set schema moved", "moved.docs", "id", "body", "vec"),
    ],
)
def test_renames_are_followed(
    docs_table: Database, follow: str, rename: str, table: str, key: str, text: str, vector: str
) -> None:
    """Names are read again, so that users' statements and workers continue."""
    docs_table.execute("create schema moved")
    add(docs_table, "one")
    if follow == "reconcile":
        docs_table.execute("drop event trigger wikiembed_on_ddl")
    docs_table.execute(rename)
    if follow == "reconcile":
        docs_table.execute("select wikiembed.reconcile('docs')")
    assert embed(docs_table, ["1"]) == {"1": "written"}
    docs_table.execute(f"update {table} set {text} = 'two'")
    docs_table.execute(f"insert into {table} ({text}) values ('three')")
    assert queued(docs_table) == ["1", "1", "2"]
    assert docs_table.rows(
        "select key_column, text_column, embedding_column from wikiembed.sources"
        " where name = 'docs'"
    ) == [(key, text, vector)]
    docs_table.check_invariants()


@pytest.mark.parametrize(
    "rename", ["alter schema app rename to web", "alter extension vector set schema app"]
)
def test_renames_of_schemas_are_followed(database: Database, rename: str) -> None:
    """The schema of the table, and that of pgvector."""
    database.execute("create schema app")
    database.execute("create table app.docs (id int primary key, body text, vec vector(4))")
    database.execute("select wikiembed.attach('app.docs', 'id', 'body', 'vec', 'docs')")
    database.execute(rename)
    schema = "web" if "web" in rename else "app"
    database.execute(f"insert into {schema}.docs (id, body) values (1, 'x')")
    assert embed(database, ["1"]) == {"1": "written"}
    database.execute(f"update {schema}.docs set body = 'y'")
    assert queued(database) == ["1", "1"]


def test_event_trigger_leaves_disabled_triggers_disabled(docs_table: Database) -> None:
    """A user may disable triggers, until the next reconcile."""
    docs_table.execute("alter table public.docs disable trigger all")
    add(docs_table, "x")
    assert queued(docs_table) == []
    docs_table.execute("alter table public.docs enable trigger all")
    docs_table.execute("select wikiembed.reconcile('docs')")
    state = docs_table.one("select tgenabled from pg_trigger where tgname = 'zzz_wikiembed_docs'")
    assert (state, queued(docs_table)) == ("A", ["1"])


def test_rename_that_cannot_be_followed_warns_and_passes(docs_table: Database) -> None:
    """The event trigger never makes the user's statement fail."""
    connection = docs_table.connect()
    warnings: list[str | None] = []
    connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
    connection.execute('alter table public.docs rename body to "$body$"')
    assert any("could not follow" in (warning or "") for warning in warnings)
    connection.execute('alter table public.docs rename "$body$" to body')
    add(docs_table, "x")
    assert queued(docs_table) == ["1"]


@pytest.mark.parametrize(
    "drop",
    [
        "drop table public.docs",
        "alter table public.docs drop column vec",
        "alter table public.docs drop column body cascade",
        "alter table public.docs drop column id",
    ],
)
def test_source_without_its_table_is_detached_by_reconcile(docs_table: Database, drop: str) -> None:
    """Its jobs, failures, functions and ledger are deleted, and other sources are repaired too."""
    add(docs_table, "one", "two")
    docs_table.execute(drop)
    docs_table.rows("select * from wikiembed.coverage")
    docs_table.check_invariants()
    assert docs_table.one("select wikiembed.is_ready('docs')") is False
    with pytest.raises(psycopg.Error, match="was dropped") as caught:
        docs_table.execute("select wikiembed.enqueue('docs')")
    assert caught.value.sqlstate == "WE001"
    docs_table.execute("select wikiembed.reconcile()")
    assert docs_table.rows("select name from wikiembed.sources") == [("wiki",)]
    assert queued(docs_table) == []
    written = docs_table.one("select count(*) from pg_proc where proname ~ '_docs$'")
    assert written == 0


def test_table_is_usable_after_its_column_was_dropped(docs_table: Database) -> None:
    """After reconcile has detached the source, users' statements succeed again."""
    docs_table.execute("alter table public.docs drop column vec")
    docs_table.execute("select wikiembed.reconcile()")
    docs_table.execute("insert into public.docs (body) values ('x')")
    docs_table.execute("update public.docs set body = 'y'")


def test_detach_leaves_the_rows_for_a_later_attach(docs_table: Database) -> None:
    """The vectors stay, and attach counts them again."""
    add(docs_table, "one", "two")
    embed(docs_table, ["1"])
    docs_table.execute("select wikiembed.detach('docs')")
    add(docs_table, "three")
    docs_table.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    row = coverage(docs_table)
    assert (row["total"], row["embedded"], queued(docs_table)) == (3, 1, [])
    left = docs_table.one("select count(*) from wikiembed.action_log where action = 'detach'")
    assert left == 1


def test_detach_of_an_unknown_source_is_refused(docs_table: Database) -> None:
    """WE001, as elsewhere."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        docs_table.execute("select wikiembed.detach('none')")
    assert caught.value.sqlstate == "WE001"
