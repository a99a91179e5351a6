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


THEIRS = """
select 'column', c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
  from pg_attribute as a join pg_class as c on c.oid = a.attrelid
 where c.relnamespace = current_schema()::regnamespace and a.attnum > 0 and not a.attisdropped
   and c.relkind in ('r', 'c')
union all
select 'index', relname from pg_class
 where relnamespace = current_schema()::regnamespace and relkind = 'i'
union all
select 'constraint', conname from pg_constraint
 where connamespace = current_schema()::regnamespace
union all
select 'trigger', t.tgname from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
 where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal
union all
select 'label', t.typname || '.' || e.enumlabel from pg_enum as e join pg_type as t
    on t.oid = e.enumtypid
 where t.typnamespace = current_schema()::regnamespace
union all
select 'function', proname || '(' || pg_get_function_identity_arguments(oid) || ') ' || md5(prosrc)
  from pg_proc where pronamespace = current_schema()::regnamespace
"""
"""What is in the first schema of the path."""
REPLACED = {
    ("index", "procrastinate_jobs_id_lock_idx_v1"),
    ("index", "procrastinate_jobs_queue_name_idx_v1"),
    ("index", "procrastinate_jobs_priority_idx_v1"),
    ("constraint", "check_not_todo_abort_requested"),
    ("trigger", "procrastinate_trigger_status_events_insert_v1"),
    (
        "function",
        "procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint)"
        " 6e0906e2a5765ba6712446c4b6cdc383",
    ),
}
"""What steps drop and current/30_queue/procrastinate.sql replaces, for the reasons said there."""


def test_migrated_queue_has_all_that_the_vendored_schema_creates(database: Database) -> None:
    """A new version whose schema differs comes with a step, which databases before it run."""
    database.execute("create schema theirs; set search_path = theirs, pg_catalog")
    database.execute(vendored_schema().read_text())
    theirs = {(kind, name) for kind, name in database.rows(THEIRS)}
    database.execute("set search_path = wikiembed_queue, pg_catalog")
    ours = {(kind, name) for kind, name in database.rows(THEIRS)}
    database.execute("reset search_path; drop schema theirs cascade")
    assert len(theirs) > 60
    assert theirs - ours == REPLACED


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
