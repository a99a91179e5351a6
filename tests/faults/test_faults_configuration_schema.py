"""A database without our schema, with another version of it, or with foreign objects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.faults.test_faults_configuration import COMMANDS, PAGES, pages
from tests.support.chunks import add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.fingerprint import changed, fingerprint
from tests.support.server import TestServer
from tests.support.workers import prove
from wikiembed.db.location import migrations_dir

__all__ = ["pages"]
MIGRATING = (["migrate"], ["uninstall", "--yes"])
HERE = [command for command in COMMANDS if command != ["demo"]]
"""The demo has a database of its own."""
Make = Callable[[str], Database]


@pytest.fixture
def make(postgres: TestServer, database: Database) -> Iterator[Make]:
    """Creates databases without migrations, after running SQL in each."""
    made: list[Database] = []

    def create(statements: str) -> Database:
        name = f"{database.name}_{len(made)}"
        with postgres.admin() as connection:
            connection.execute(
                sql.SQL("create database {} template template0").format(sql.Identifier(name))
            )
        made.append(Database(postgres, name))
        if statements:
            made[-1].execute(statements)
        return made[-1]

    yield create
    for one in made:
        one.close()


def url(database: Database, **parameters: str) -> dict[str, str]:
    """The setting of `database`."""
    return {"WIKIEMBED_DATABASE_URL": make_conninfo(database.url, **parameters)}


def test_configuration_no_schema(call: Call, make: Make) -> None:
    """Every command names migrate, and a downgrade of nothing changes nothing."""
    empty = make("")
    before = fingerprint(empty)
    for command in HERE:
        if command not in MIGRATING:
            output = assert_refused(call(*command, env=url(empty)), 2)
            assert output == "The database has no wikiembed schema: run `wikiembed migrate`."
    assert_done(call("uninstall", env=url(empty)))
    assert changed(before, fingerprint(empty)) == set()


@pytest.mark.parametrize("version", ["0009", "9999"])
def test_configuration_another_schema_version(
    call: Call, docs_table: Database, version: str
) -> None:
    """An older schema requires migrate, a newer one another wikiembed; nothing changes."""
    add_chunks(docs_table, 2)
    docs_table.execute("update wikiembed.alembic_version set version_num = %s", [version])
    before = fingerprint(docs_table)
    for command in HERE:
        if version == "9999" or command not in MIGRATING:
            output = assert_refused(call(*command), 2)
            assert ("run `wikiembed migrate`" in output) == (version == "0009"), output
    assert changed(before, fingerprint(docs_table)) == set()


@pytest.mark.parametrize(
    ("theirs", "output"),
    [
        ("create schema wikiembed; create table wikiembed.sources (x int)", "wikiembed.sources"),
        ("create schema wikiembed; create type wikiembed.mood as enum ('x')", "wikiembed.mood"),
        ("create schema wikiembed; create table wikiembed.alembic_version (x int)", "version"),
        ("create schema wikiembed_queue", "Schema wikiembed_queue"),
        ("create schema wikiembed_private", "Schema wikiembed_private"),
        ("create table public.wiki_pages (x int)", "Table public.wiki_pages"),
    ],
)
def test_configuration_names_that_are_taken(
    call: Call, make: Make, theirs: str, output: str
) -> None:
    """Foreign objects are neither used nor dropped."""
    taken = make(theirs)
    before = fingerprint(taken)
    for command in MIGRATING:
        sentence = assert_refused(call(*command, env=url(taken)), 2)
        assert output in sentence
        assert "rename or drop it" in sentence
    assert changed(before, fingerprint(taken)) == set()


def test_configuration_neighbours_in_public(call: Call, make: Make) -> None:
    """Another application's Alembic and procrastinate are unchanged by upgrade and downgrade."""
    queue = (migrations_dir() / "vendor/procrastinate/3.10.0/schema.sql").read_text()
    shared = make(
        "create table public.alembic_version (version_num varchar(32) primary key);"
        "insert into public.alembic_version values ('abc');"
    )
    shared.execute("set search_path = public; " + queue)
    shared.execute("reset search_path")
    shared.execute(
        "insert into public.procrastinate_jobs (queue_name, task_name) values ('mail', 'send')"
    )
    before = fingerprint(shared)
    assert_done(call("migrate", env=url(shared, options="-c search_path=public")))
    assert_done(call("load", PAGES, env=url(shared)))
    assert_done(call("status", env=url(shared)))
    listed = "public.wiki_pages with"
    asked = call("uninstall", "--and-wiki", env=url(shared))
    assert listed in asked.stdout
    assert "nothing was done" in assert_refused(asked, 2)
    assert_done(call("uninstall", "--and-wiki", "--yes", env=url(shared)))
    after = fingerprint(shared)
    assert {name for name in changed(before, after) if name.startswith("public.")} == set()
    assert shared.rows("select version_num from public.alembic_version") == [("abc",)]


def test_configuration_without_pgvector(call: Call, make: Make) -> None:
    """A role that may create schemas, but no extension, gets that error; nothing is left."""
    bare = make("")
    role = bare.create_role("maker")
    bare.execute(f"alter role {role} login; grant create on schema public to {role}")
    before = fingerprint(bare)
    output = assert_refused(call("migrate", env=url(bare, user=role)), 2)
    assert "with CREATE on the database" in output
    bare.execute(f"grant create on database {bare.name} to {role}")
    output = assert_refused(call("migrate", env=url(bare, user=role)), 2)
    assert "create the extension vector first" in output
    assert changed(before, fingerprint(bare)) == set()
    bare.execute("create extension vector")
    assert_done(call("migrate", env=url(bare, user=role)))


def test_configuration_migrate_is_all_or_nothing(call: Call, docs_table: Database) -> None:
    """A lock timeout and a killed session leave the previous version."""
    prove(docs_table)
    add_chunks(docs_table, 2)
    docs_table.execute(
        "update wikiembed.schema_digest set digest = 'before';"
        "create function wikiembed_private.renamed() returns int language sql return 1;"
        "drop trigger wikiembed_pause_gate on wikiembed_queue.procrastinate_jobs"
    )
    before = fingerprint(docs_table)
    holder = docs_table.connect(autocommit=False)
    holder.execute("lock table wikiembed.schema_digest in share mode")
    env = url(docs_table, options="-c lock_timeout=100ms")
    assert "lock timeout" in assert_refused(call("migrate", env=env), 3)
    killer = threading.Thread(target=_kill_the_migration, args=(docs_table,))
    killer.start()
    output = assert_refused(call("migrate"), 3)
    killer.join(20)
    assert "out of reach" in output
    holder.rollback()
    assert changed(before, fingerprint(docs_table)) == set()
    assert_done(call("migrate"))
    docs_table.check_invariants()


def _kill_the_migration(database: Database) -> None:
    """End the session of `migrate` once it waits for a lock."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        eventually(
            lambda: connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where"
                " datname = current_database() and wait_event_type = 'Lock'"
            ).fetchall()
        )
