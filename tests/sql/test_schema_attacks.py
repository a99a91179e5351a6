"""Migrate and uninstall in databases with unusual settings, and with objects of others."""

from __future__ import annotations

import pytest
from psycopg import sql

from tests.sql.test_migrations import settings
from tests.sql.test_uninstall import OURS, found
from tests.support.chunks import add
from tests.support.database import Database
from wikiembed.control.uninstall import uninstall
from wikiembed.db.connect import connect
from wikiembed.db.migrate import upgrade
from wikiembed.errors import LockNotAvailable, SchemaMismatch

# Of a role or database made for an application; each made migrate or uninstall fail.
HOSTILE = (
    "default_transaction_isolation = 'serializable'",
    "idle_in_transaction_session_timeout = '100ms'",
    "statement_timeout = '30ms'",
)


@pytest.mark.parametrize("setting", HOSTILE)
def test_settings_of_the_database_do_not_stop_migrate_or_uninstall(
    docs_table: Database, setting: str
) -> None:
    """Nor an operator's commands, which lock and so need read committed."""
    add(docs_table, "one", "two")
    name = sql.Identifier(docs_table.name)
    with docs_table.connect() as connection:
        connection.execute(sql.SQL("alter database {} set {}").format(name, sql.SQL(setting)))
    docs_table.execute("update wikiembed.sources set trigger_version = 0")
    upgrade(docs_table.url, settings(docs_table.url))
    if "isolation" in setting:
        with connect(settings(docs_table.url)) as connection:
            connection.execute("select from wikiembed.enqueue('docs')")
    uninstall(docs_table.url, found(docs_table), and_wiki=True)
    assert docs_table.rows(OURS) == []
    assert docs_table.one("select count(*) from public.docs") == 2


def test_migrate_and_uninstall_do_not_wait_for_ever_for_a_lock(docs_table: Database) -> None:
    """While they wait, users of the tables that they hold wait too; nothing is changed."""
    docs_table.execute(
        sql.SQL("alter database {} set lock_timeout = '200ms'").format(
            sql.Identifier(docs_table.name)
        )
    )
    reader = docs_table.connect(autocommit=False)
    reader.execute("select from wikiembed.coverage")
    with pytest.raises(LockNotAvailable):
        upgrade(docs_table.url, settings(docs_table.url))
    with pytest.raises(LockNotAvailable):
        uninstall(docs_table.url, found(docs_table))
    reader.rollback()
    docs_table.check_invariants()


def test_a_users_function_in_our_schema_survives_migrate(database: Database) -> None:
    """With a comment too; those that a former migration wrote go."""
    for name in ("mine", "former"):
        database.execute(f"create function wikiembed.{name}() returns int language sql return 1")
        database.execute(f"comment on function wikiembed.{name}() is 'One.'")
    database.execute(
        "insert into wikiembed_private.written_functions values ('wikiembed.former()')"
    )
    upgrade(database.url, settings(database.url))
    assert database.one("select wikiembed.mine()") == 1
    assert database.one("select to_regproc('wikiembed.former') is null")


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("create table wikiembed.mine (n int)", r"table wikiembed\.mine"),
        ("create view wikiembed_queue.mine as select 1 as n", r"view wikiembed_queue\.mine"),
        ("create table wikiembed_private.mine (n int)", r"table wikiembed_private\.mine"),
        ("create function wikiembed.mine() returns int language sql return 1",
         r"function wikiembed\.mine"),
    ],
)  # fmt: skip
def test_uninstall_refuses_schemas_with_objects_of_others(
    docs_table: Database, theirs: str, said: str
) -> None:
    """A table of a user's would go with the schema, with every row."""
    docs_table.execute(theirs)
    with pytest.raises(SchemaMismatch, match=said):
        uninstall(docs_table.url, found(docs_table))
    add(docs_table, "one")
    docs_table.check_invariants()


def test_two_uninstalls_at_once(docs_table: Database) -> None:
    """The second, which listed what it removes before the first had begun, finds nothing."""
    seen = found(docs_table)
    uninstall(docs_table.url, seen, and_wiki=True)
    uninstall(docs_table.url, seen, and_wiki=True)
    assert found(docs_table).is_empty


def test_and_wiki_names_what_depends_on_its_tables(docs_table: Database) -> None:
    """Without the advice of Postgres to drop it with cascade; nothing is dropped."""
    docs_table.execute("create view public.report as select content from public.wiki_chunks")
    with pytest.raises(SchemaMismatch, match="view report depends on table wiki_chunks"):
        uninstall(docs_table.url, found(docs_table), and_wiki=True)
    docs_table.check_invariants()
