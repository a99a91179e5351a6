"""The queue's schema is procrastinate's own, of the pinned version."""

from __future__ import annotations

from importlib.metadata import requires, version
from importlib.resources import files

from tests.support.database import Database
from wikiembed.db.queue_schema import PROCRASTINATE_VERSION, vendored_schema


def test_vendored_schema_is_the_installed_one() -> None:
    """Exactly what the installed procrastinate would apply."""
    ours = vendored_schema().read_text()
    theirs = (files("procrastinate") / "sql" / "schema.sql").read_text()
    assert ours == theirs


def test_procrastinate_is_pinned_to_the_vendored_version() -> None:
    """Another version would need another migration first."""
    assert version("procrastinate") == PROCRASTINATE_VERSION
    assert f"procrastinate=={PROCRASTINATE_VERSION}" in (requires("wikiembed") or [])


def test_queue_functions_have_a_pinned_path(database: Database) -> None:
    """procrastinate writes its names without a schema."""
    unpinned = database.rows(
        "select p.proname::text from pg_proc as p"
        " where p.pronamespace = 'wikiembed_queue'::regnamespace and not"
        " 'search_path=wikiembed_queue, pg_catalog, pg_temp' = any (coalesce(p.proconfig, '{}'))"
    )
    assert unpinned == []


def test_queue_is_in_no_other_schema(database: Database) -> None:
    """Schema public is left to another application's procrastinate."""
    elsewhere = database.rows(
        "select n.nspname, c.relname from pg_class as c join pg_namespace as n"
        " on n.oid = c.relnamespace"
        " where c.relname like 'procrastinate%' and n.nspname <> 'wikiembed_queue'"
    )
    assert elsewhere == []
