"""Uninstall: wikiembed is removed, tables of users and their vectors stay."""

from __future__ import annotations

import pytest

from tests.sql.test_migrations import settings
from tests.support.chunks import add, coverage, embed, fail, queued, read
from tests.support.database import Database
from tests.support.wiki import load, split_pages
from wikiembed.control.foreign import RELATIONS
from wikiembed.control.uninstall import Removal, removal, uninstall
from wikiembed.db.migrate import upgrade
from wikiembed.errors import ConfigurationError, SchemaMismatch

OURS = """
select n.nspname from pg_namespace as n where n.nspname like 'wikiembed%'
union all
select t.tgname from pg_trigger as t where t.tgname like '%wikiembed%'
union all
select e.evtname from pg_event_trigger as e where e.evtname like 'wikiembed%'
union all
select c.relname from pg_class as c where c.relname like '%wikiembed%'
"""


def found(database: Database) -> Removal:
    """Return what an uninstall of `database` would remove."""
    return removal(database.url, settings(database.url))


def test_uninstall_leaves_the_users_rows_and_vectors(docs_table: Database) -> None:
    """And a later migrate finds them, and the wiki's tables, again."""
    embed(docs_table, add(docs_table, "one", "two")[:1])
    load(docs_table, ("T", "text"))
    split_pages(docs_table)
    embed(docs_table, queued(docs_table, "wiki"), source="wiki")
    before = docs_table.rows("select id, body, vec::text from public.docs order by id")
    uninstall(docs_table.url, found(docs_table))
    assert docs_table.rows("select id, body, vec::text from public.docs order by id") == before
    assert docs_table.rows(OURS) == []
    wiki = docs_table.rows("select id, content, embedding::text from public.wiki_chunks")
    assert [row[1] for row in wiki] == ["text"]
    docs_table.execute("update public.docs set body = 'three' where id = 2")
    upgrade(docs_table.url, settings(docs_table.url))
    assert (coverage(docs_table, "wiki")["total"], coverage(docs_table, "wiki")["ready"]) == (
        1,
        False,
    )
    docs_table.execute("select wikiembed.enqueue('wiki')")
    split_pages(docs_table)
    assert docs_table.rows("select id, content, embedding::text from public.wiki_chunks") == wiki
    assert coverage(docs_table, "wiki")["ready"] is True
    docs_table.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    assert docs_table.rows("select chunks from wikiembed.enqueue('docs')") == [(1,)]
    assert (coverage(docs_table)["embedded"], queued(docs_table)) == (1, ["2"])
    docs_table.check_invariants()


def test_removal_counts_what_it_deletes(docs_table: Database) -> None:
    """Sources with their tables, failures, jobs, and the wiki's rows."""
    add(docs_table, "one", "two")
    fail(docs_table, read(docs_table, ["1"]), error_class="timeout")
    docs_table.execute("insert into public.wiki_pages (title, content) values ('T', 't')")
    docs_table.execute("create table public.more (id int primary key, body text, vec vector(4))")
    docs_table.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    docs_table.execute("drop table public.more")
    seen = found(docs_table)
    assert seen.sources == {
        "docs": "public.docs",
        "more": ".",
        "wiki": "public.wiki_chunks",
    }
    assert (seen.failures, seen.jobs, seen.installed) == (1, 2, True)
    assert [(table.name, table.rows) for table in seen.wiki] == [
        ("public.wiki_chunks", 0), ("public.wiki_pages", 1),
    ]  # fmt: skip
    uninstall(docs_table.url, seen, and_wiki=True)
    assert docs_table.rows(OURS) == []
    assert docs_table.one("select to_regclass('public.wiki_pages') is null")
    assert found(docs_table).is_empty
    assert docs_table.one("select count(*) from public.docs") == 2


def test_remaining_wiki_can_be_removed_later(docs_table: Database) -> None:
    """When wikiembed is no longer installed."""
    uninstall(docs_table.url, found(docs_table))
    left = found(docs_table)
    assert (left.installed, left.is_empty, len(left.wiki)) == (False, False, 2)
    uninstall(docs_table.url, left, and_wiki=True)
    assert found(docs_table).is_empty


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("create view public.report as select * from wikiembed.coverage",
         r"depend on it: view (public\.)?report\."),
        ("create table public.mine (s text references wikiembed.sources (name))",
         r"constraint mine_s_fkey on table (public\.)?mine"),
        ("create table public.mine (s wikiembed.sources)", r"column s of table (public\.)?mine"),
        ("create function public.mine(wikiembed.sources) returns int language sql return 1",
         r"function (public\.)?mine\(wikiembed\.sources\)"),
        ("create table public.mine (n bigint default nextval('wikiembed.ledger_id_seq'))",
         r"default value for column n of table (public\.)?mine"),
        ("create table public.mine (n int); create trigger mine before update on public.mine"
         " for each row execute function wikiembed_private.enforce_pause()",
         r"trigger mine on table (public\.)?mine"),
    ],
)  # fmt: skip
def test_uninstall_refuses_while_objects_depend_on_wikiembed(
    docs_table: Database, theirs: str, said: str
) -> None:
    """The dependency is named; nothing is dropped or changed."""
    docs_table.execute(theirs)
    with pytest.raises(SchemaMismatch, match=said):
        uninstall(docs_table.url, found(docs_table), and_wiki=True)
    add(docs_table, "one")
    assert queued(docs_table) == ["1"]
    docs_table.check_invariants()


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("create table wikiembed.mine (a serial, b int generated always as identity);"
         "comment on table wikiembed.mine is 'Mine.'", "table wikiembed.mine"),
        ("create view wikiembed_private.mine as select 1 as n;"
         "comment on view wikiembed_private.mine is 'Mine.'", "view wikiembed_private.mine"),
        ("create function wikiembed.pause(int) returns int language sql return 1;"
         "comment on function wikiembed.pause(int) is 'Mine.'",
         "function wikiembed.pause(integer)"),
        ("create function wikiembed_queue.mine() returns int language sql return 1;"
         "comment on function wikiembed_queue.mine() is 'Mine.'",
         "function wikiembed_queue.mine()"),
        ("create sequence wikiembed.mine", "sequence wikiembed.mine"),
        ("create type wikiembed.mine as enum ('a')", "type wikiembed.mine"),
        ("create collation wikiembed.mine from \"C\"", "collation wikiembed.mine"),
    ],
)  # fmt: skip
def test_uninstall_refuses_while_its_schemas_hold_objects_of_users(
    docs_table: Database, theirs: str, said: str
) -> None:
    """With a comment or without; they are named, and nothing is dropped or changed."""
    docs_table.execute(theirs)
    with pytest.raises(SchemaMismatch) as refused:
        uninstall(docs_table.url, found(docs_table), and_wiki=True)
    assert str(refused.value) == (
        f"These are not wikiembed's and are in its schemas: {said}. Move or drop them first."
    )
    add(docs_table, "one")
    assert queued(docs_table) == ["1"]
    docs_table.check_invariants()


def test_uninstall_names_an_extension_in_its_schemas(docs_table: Database) -> None:
    """Whose members would be dropped with every column that uses them."""
    docs_table.execute("create schema theirs; alter extension vector set schema wikiembed")
    with pytest.raises(SchemaMismatch, match=r"schemas: extension vector\. Move"):
        uninstall(docs_table.url, found(docs_table))
    docs_table.execute("alter extension vector set schema theirs")
    uninstall(docs_table.url, found(docs_table))
    assert docs_table.rows(OURS) == []


def test_default_privileges_do_not_stop_an_uninstall(docs_table: Database) -> None:
    """They depend on the schema, as its objects do, and are no object."""
    role = docs_table.create_role("reader")
    docs_table.execute(
        f"alter default privileges in schema wikiembed grant select on tables to {role}"
    )
    uninstall(docs_table.url, found(docs_table))
    assert docs_table.rows(OURS) == []


def test_relations_are_those_of_the_schema(database: Database) -> None:
    """Except what a detach drops."""
    database.execute("select wikiembed.detach('wiki')")
    relations = database.rows(
        "select n.nspname, c.relname from pg_class as c"
        " join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname like 'wikiembed%' and c.relkind in ('r', 'v', 'S') and not exists ("
        " select from pg_depend as d where d.objid = c.oid and d.deptype in ('a', 'i')"
        " and d.refclassid = 'pg_class'::regclass and c.relkind = 'S')"
    )
    assert sorted(relations) == sorted(
        (s, name) for s, names in RELATIONS.items() for name in names
    )


def test_owner_uninstalls_what_a_superuser_migrated(docs_table: Database) -> None:
    """The superuser's event trigger goes with the function that it calls; nothing of it stays."""
    role = docs_table.create_role("owner")
    docs_table.execute(
        f"""
        do $$ declare v record; begin
          for v in select format('alter schema %I owner to {role}', n.nspname) as done
                     from pg_namespace as n where n.nspname like 'wikiembed%'
          loop execute v.done; end loop;
          for v in select format('alter table %s owner to {role}', c.oid::regclass) as done
                     from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
                    where c.relkind in ('r', 'v') and (n.nspname like 'wikiembed%'
                          or c.oid in ('public.docs'::regclass, 'public.wiki_pages'::regclass,
                                       'public.wiki_chunks'::regclass))
          loop execute v.done; end loop;
        end $$;
        grant create on schema public to {role};
        """
    )
    upgrade(docs_table.url, settings(docs_table.url))
    assert docs_table.one("select evtowner <> %s::regrole from pg_event_trigger", [role])
    add(docs_table, "one")
    url = f"{docs_table.url}{'&' if '?' in docs_table.url else '?'}options=-crole%3D{role}"
    docs_table.execute("alter table public.docs owner to current_user")
    with pytest.raises(ConfigurationError, match=f"; give role {role} that right"):
        uninstall(url, removal(url, settings(url)))
    docs_table.execute(f"alter table public.docs owner to {role}")
    docs_table.check_invariants()
    uninstall(url, removal(url, settings(url)))
    assert docs_table.rows(OURS) == []
    assert docs_table.rows("select body from public.docs") == [("one",)]
