"""Migrations: repeated, concurrent, offline, failing, and without superuser rights."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from tests.support.chunks import embed
from tests.support.database import DIMENSIONS, Database, url_of
from tests.support.server import TestServer, drop_database
from tests.support.wiki import load, split_pages
from tests.tools.schema_dump import VERSION, dump
from wikiembed.config import Provider, Settings
from wikiembed.control.uninstall import removal, uninstall
from wikiembed.db.migrate import offline_sql, upgrade
from wikiembed.db.version import current, head


def settings(url: str) -> Settings:
    """Settings of a migration of the database at `url`."""
    return Settings(database_url=url, dimensions=DIMENSIONS, embedder=Provider.LOCAL)


@pytest.fixture
def empty(postgres: TestServer, database: Database) -> Iterator[Database]:
    """An empty database, which is dropped after the test."""
    name = f"{database.name}_empty"
    with postgres.admin() as connection:
        connection.execute(
            sql.SQL("create database {} template template0").format(sql.Identifier(name))
        )
    made = Database(postgres, name)
    try:
        yield made
    finally:
        made.close()
        with postgres.admin() as connection:
            drop_database(connection, name)


def test_upgrade_is_idempotent(database: Database) -> None:
    """The database is at head already."""
    upgrade(database.url, settings(database.url))
    with database.connect() as connection:
        assert current(connection) == head()


def test_concurrent_upgrades_wait_for_each_other(empty: Database) -> None:
    """All that start together on an empty database succeed; one creates the schema."""
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(upgrade, empty.url, settings(empty.url)) for _ in range(3)]
        for one in running:
            one.result()
    with empty.connect() as connection:
        assert current(connection) == head()


def test_upgrade_that_fails_changes_nothing(empty: Database) -> None:
    """All revisions are one transaction."""
    empty.execute(
        "create function public.refuse() returns event_trigger language plpgsql as $$ begin"
        " if exists (select from pg_event_trigger_ddl_commands()"
        " where object_identity = 'public.wiki_chunks') then raise 'refused'; end if; end $$;"
        "create event trigger refuse on ddl_command_end execute function public.refuse()"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="refused"):
        upgrade(empty.url, settings(empty.url))
    assert empty.one("select to_regnamespace('wikiembed_queue') is null")


def schema_difference(one: Database, other: Database) -> list[str]:
    """The differences between two schemas, independent of the server's version."""
    if one.one("select current_setting('server_version_num')::int / 10000") == VERSION:
        return list(difflib.unified_diff(dump(one.url).splitlines(), dump(other.url).splitlines()))
    listing = (
        "select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)) from pg_proc as p"
        " join pg_namespace as n on n.oid = p.pronamespace where n.nspname like 'wikiembed%'"
        " union all select a.attrelid::regclass::text, a.attname from pg_attribute as a"
        " join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname like 'wikiembed%' and a.attnum > 0 order by 1, 2"
    )
    return [str(row) for row in set(one.rows(listing)) ^ set(other.rows(listing))]


def test_offline_sql_creates_the_same_schema(database: Database, empty: Database) -> None:
    """The output of `--sql` is run unchanged."""
    script = offline_sql(settings(empty.url))
    empty.execute(script)
    with empty.connect() as connection:
        assert current(connection) == head()
    assert schema_difference(database, empty) == []


def test_dimensions_of_the_wiki_come_from_the_settings(empty: Database) -> None:
    """And pgvector's schema from its current one."""
    empty.execute("create schema extensions; create extension vector schema extensions")
    upgrade(empty.url, Settings(database_url=empty.url, dimensions=12, embedder=Provider.LOCAL))
    kind = empty.one(
        "select format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = 'public.wiki_chunks'::regclass and attname = 'embedding'"
    )
    assert kind == "extensions.vector(12)"


@pytest.fixture
def managed(postgres: TestServer, empty: Database) -> Iterator[Database]:
    """`empty` with pgvector, owned by a role that is not superuser."""
    role = empty.create_role("owner")
    empty.execute("create extension vector")
    empty.execute(f'alter database "{empty.name}" owner to "{role}"')
    empty.execute(f'grant all on schema public to "{role}"; alter role "{role}" login')
    url = url_of(postgres, empty.name)
    seen = Database(postgres, empty.name)
    seen.url = f"{url}{'&' if '?' in url else '?'}options=-crole%3D{role}"
    yield seen
    seen.close()


def test_upgrade_needs_no_superuser(managed: Database) -> None:
    """Without an event trigger everything else works."""
    upgrade(managed.url, settings(managed.url))
    assert managed.one("select count(*) from pg_event_trigger") == 0
    load(managed, ("T", "x"))
    split_pages(managed)
    assert embed(managed, ["1"], source="wiki") == {"1": "written"}
    managed.check_invariants()
    upgrade(managed.url, settings(managed.url))
    uninstall(managed.url, removal(managed.url, settings(managed.url)), and_wiki=True)
    assert managed.one("select to_regnamespace('wikiembed') is null")


def test_migrate_without_a_search_path(empty: Database) -> None:
    """The extension goes into schema public, as with `migrate --sql`."""
    empty.execute(
        sql.SQL("alter database {} set search_path = ''").format(sql.Identifier(empty.name))
    )
    upgrade(empty.url, settings(empty.url))
    assert empty.one("select extnamespace::regnamespace::text from pg_extension"
                     " where extname = 'vector'") == "public"  # fmt: skip
