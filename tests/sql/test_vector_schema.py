"""pgvector is kept out of wikiembed's schemas, where a role of that name would create it."""

from __future__ import annotations

from tests.sql.test_migrations import empty, settings
from tests.support.database import Database
from wikiembed.control.uninstall import removal, uninstall
from wikiembed.db.migrate import upgrade

__all__ = ["empty"]
SCHEMA = "select extnamespace::regnamespace::text from pg_extension where extname = 'vector'"
KEPT = "create table public.mine as select '[1,2]'::public.vector as vec"


def migrate(database: Database) -> None:
    """As `wikiembed migrate` does it."""
    upgrade(database.url, settings(database.url))


def comment_on_vectors_functions(database: Database) -> None:
    """As pgvector 0.8.7 does: a comment is what our own functions are known by."""
    database.execute("comment on function public.l2_distance(public.vector, public.vector) is 'x'")


def test_migration_puts_pgvector_beside_its_own_schemas(empty: Database) -> None:
    """Also where the first schema of the search path is wikiembed; a second migration passes."""
    empty.execute(f'alter database "{empty.name}" set search_path = wikiembed, public')
    migrate(empty)
    assert empty.one(SCHEMA) == "public"
    migrate(empty)
    assert empty.one(SCHEMA) == "public"


def test_migration_moves_pgvector_out_of_its_schema(empty: Database) -> None:
    """Former migrations put it there, and recorded its functions as their own."""
    migrate(empty)
    comment_on_vectors_functions(empty)
    empty.execute(KEPT)
    empty.execute("alter extension vector set schema wikiembed")
    empty.execute(
        "insert into wikiembed_private.written_functions"
        " values ('wikiembed.l2_distance(vector,vector)'), ('public.l2_distance(vector,vector)')"
    )
    migrate(empty)
    migrate(empty)
    assert empty.one(SCHEMA) == "public"
    assert empty.one("select vec::text from public.mine") == "[1,2]"
    recorded = "select count(*) from wikiembed_private.written_functions where function like %s"
    assert empty.rows(recorded, ["%l2_distance%"]) == [(0,)]


def test_uninstall_after_a_migration_keeps_the_vectors_of_users(empty: Database) -> None:
    """Dropping the schema would drop the extension in it, and with it every vector column."""
    migrate(empty)
    empty.execute(KEPT)
    empty.execute("alter extension vector set schema wikiembed")
    migrate(empty)
    uninstall(empty.url, removal(empty.url, settings(empty.url)))
    assert empty.one("select vec::text from public.mine") == "[1,2]"
    assert empty.one("select to_regnamespace('wikiembed') is null")
