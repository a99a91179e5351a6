"""Every object has a comment."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from wikiembed.db import sqlstate

OURS = "('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)"
WIKI = "('public.wiki_pages'::regclass, 'public.wiki_chunks'::regclass)"
SILENT = {
    "schemas": (
        "select n.nspname from pg_namespace as n where n.nspname like 'wikiembed%'"
        " and obj_description(n.oid, 'pg_namespace') is null"
    ),
    "tables, views and sequences": (
        "select c.oid::regclass::text from pg_class as c"
        f" where (c.relnamespace in {OURS} or c.oid in {WIKI}) and c.relkind in ('r',"
        f" 'v', 'S', 'p')"
        " and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'i'"
        " and d.refclassid = 'pg_class'::regclass)"
        " and obj_description(c.oid, 'pg_class') is null"
    ),
    "columns": (
        "select c.oid::regclass::text || '.' || a.attname from pg_class as c"
        " join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        f" where (c.relnamespace in {OURS} or c.oid in {WIKI}) and c.relkind in ('r', 'v', 'p')"
        " and col_description(c.oid, a.attnum) is null"
    ),
    "functions": (
        "select p.oid::regprocedure::text from pg_proc as p"
        f" where p.pronamespace in {OURS} and obj_description(p.oid, 'pg_proc') is null"
    ),
    "triggers": (
        "select t.tgname from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid"
        f" where p.pronamespace in {OURS} and obj_description(t.oid, 'pg_trigger') is null"
    ),
    "event triggers": (
        "select e.evtname from pg_event_trigger as e"
        " where obj_description(e.oid, 'pg_event_trigger') is null"
    ),
}


@pytest.mark.parametrize("kind", SILENT)
def test_everything_has_a_comment(docs_table: Database, kind: str) -> None:
    """A catalogue query lists objects without one, generated objects included."""
    assert docs_table.rows(SILENT[kind]) == []


def test_comments_of_public_functions_name_existing_errors(database: Database) -> None:
    """A SQLSTATE in a comment is one of ours."""
    named = database.rows(
        "select distinct m[1] from pg_proc as p,"
        " regexp_matches(obj_description(p.oid, 'pg_proc'), 'WE[0-9]+', 'g') as m"
        f" where p.pronamespace in {OURS} order by 1"
    )
    assert {row[0] for row in named} <= set(sqlstate.OURS)
