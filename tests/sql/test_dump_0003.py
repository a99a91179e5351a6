"""A database of step 0003, whose wiki was split by `load`, becomes one whose pages are documents.

It was dumped at that time, from Postgres 16, with inserts that name their columns: six pages that
`load` wrote and one without chunks, vectors, a failure, a skipped and a queued chunk, two chunks
deleted by hand, a pinned model, a pause, and an index for search.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sql.test_dump_0009 import SHAPE
from tests.support.chunks import embed, queued, read
from tests.support.database import DIMENSIONS, Database, restore_dump
from tests.support.server import TestServer
from wikiembed.config import Provider, Settings
from wikiembed.control.uninstall import removal, uninstall
from wikiembed.db.migrate import upgrade
from wikiembed.db.version import current, head

FILE = Path(__file__).parent / "dumps" / "0003.sql"
KEPT = {
    "pages": "select id, title, loaded_at from public.wiki_pages order by id",
    "chunks": "select id, content, embedding::text from public.wiki_chunks order by id",
    "failures": "select * from wikiembed.failures order by key",
    "sources": "select name, relation::text, generation, provider, model, dimensions,"
    " document_prefix, query_prefix, prefix_pinned, pinned_at, batch_size, paused_at, paused_by,"
    " pause_reason, resume_at, held_back_at from wikiembed.sources",
    "ledger": "select * from wikiembed.ledger order by id",
    "coverage": "select source, total, embedded, missing, failed, skipped from wikiembed.coverage",
    "queue": "select id, queue_name, status::text, args from wikiembed_queue.procrastinate_jobs"
    " order by id",
    "versions": "select key, version from wikiembed.read_chunks('wiki', array["
    "'10', '12', '15']) order by key",
    "actions": "select * from wikiembed.action_log order by id",
    "indexes": "select indexname, replace(indexdef, 'page_id', 'document_id'),"
    " obj_description(format('public.%I', indexname)::regclass)"
    " from pg_indexes where tablename = 'wiki_chunks' and indexname like 'wiki%' order by 1",
}
# A user's own, which must neither fire nor change.
TRIGGERS = """
create function public.refuse() returns trigger language plpgsql as
  $$ begin raise 'refused'; end $$;
create trigger mine_always before update on public.wiki_chunks for each row
  execute function public.refuse();
alter table public.wiki_chunks enable always trigger mine_always;
create trigger mine_off after update on public.wiki_pages execute function public.refuse();
alter table public.wiki_pages disable trigger mine_off;
"""
STATES = """
select t.tgname, t.tgenabled::text from pg_trigger as t
 where t.tgrelid in ('public.wiki_pages'::regclass, 'public.wiki_chunks'::regclass)
   and not t.tgisinternal
 order by t.tgname
"""


def settings(database: Database) -> Settings:
    """Settings of a migration of `database`."""
    return Settings(database_url=database.url, dimensions=DIMENSIONS, embedder=Provider.LOCAL)


def kept(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """What an upgrade keeps."""
    return {name: database.rows(query) for name, query in KEPT.items()}


@pytest.fixture
def former(postgres: TestServer) -> Iterator[Database]:
    """A database of step 0003."""
    with restore_dump(postgres, FILE) as made:
        yield made


def test_upgrade_keeps_chunks_and_embeds_nothing_again(former: Database) -> None:
    """Vectors, failures, jobs, the pause, the pinned model, counts, versions and indexes."""
    before = kept(former)
    upgrade(former.url, settings(former))
    with former.connect() as connection:
        assert current(connection) == head()
    assert kept(former) == before
    assert {name: len(rows) for name, rows in before.items()} | {"ledger": 0, "actions": 0} == {
        "pages": 7, "chunks": 13, "failures": 2, "sources": 1, "ledger": 0, "coverage": 1,
        "queue": 1, "versions": 2, "actions": 0, "indexes": 3,
    }  # fmt: skip
    assert former.rows("select * from wikiembed.documents") == [
        ("wiki", "public.wiki_pages", 7, 7, 0, 0, 13)
    ]
    former.check_invariants()


def test_upgrade_gives_pages_their_text_and_chunks_their_places(former: Database) -> None:
    """A page's text is that of its chunks; positions close up, and nothing has a context."""
    chunks = former.rows(
        "select p.title, c.content from public.wiki_chunks as c"
        " join public.wiki_pages as p on p.id = c.page_id order by p.title, c.position"
    )
    texts = {
        title: "\n\n".join(content for of, content in chunks if of == title)
        for (title,) in former.rows("select title from public.wiki_pages")
    }
    upgrade(former.url, settings(former))
    assert dict(former.rows("select title, content from public.wiki_pages")) == texts
    assert texts["Empty"] == ""
    rows = former.rows(
        "select p.title, c.position, c.context, c.heading, c.content,"
        " substr(p.content, c.starts_at + 1, c.ends_at - c.starts_at)"
        " from public.wiki_chunks as c join public.wiki_pages as p on p.id = c.document_id"
        " order by p.title, c.position"
    )
    assert [(title, content) for title, *_, content, _ in rows] == chunks
    assert [row[1] for row in rows if row[0] == "Nile"] == [0, 1, 2, 3]
    assert {row[2:4] for row in rows} == {(None, "")}
    assert [row[4] for row in rows] == [row[5] for row in rows]


def test_upgrade_drops_former_functions_and_none_of_users(former: Database) -> None:
    """That version kept no record of the functions that it wrote."""
    former.execute(
        "create function wikiembed_private.mine() returns int language sql as 'select 1';"
        "comment on function wikiembed_private.mine() is 'Mine.'"
    )
    assert former.one("select to_regproc('wikiembed_private.generate_split_document') is not null")
    upgrade(former.url, settings(former))
    assert former.rows(
        "select p.oid::regprocedure::text from pg_proc as p"
        " where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)"
        " and not wikiembed_private.is_written(p.oid)"
    ) == [("wikiembed_private.mine()",)]


def test_former_version_is_uninstalled(former: Database) -> None:
    """Without an upgrade; the wiki's rows stay."""
    query = "select id, content, embedding::text from public.wiki_chunks order by id"
    before = former.rows(query)
    uninstall(former.url, removal(former.url, settings(former)))
    assert former.rows(query) == before
    assert former.rows("select nspname from pg_namespace where nspname like 'wikiembed%'") == []


def test_upgrade_fires_no_trigger_and_enables_them_again(former: Database) -> None:
    """Triggers of users too, each as it was."""
    former.execute(TRIGGERS)
    before: dict[str, str] = dict(former.rows(STATES))
    upgrade(former.url, settings(former))
    after: dict[str, str] = dict(former.rows(STATES))
    ours = {name for name in after if "_document_" in name}
    assert len(ours) == 4
    assert {name: state for name, state in after.items() if name not in ours} == before
    assert (before["mine_always"], before["mine_off"]) == ("A", "D")


def test_upgraded_wiki_has_the_schema_of_a_new_one(former: Database, database: Database) -> None:
    """Columns, comments, defaults and constraints."""
    upgrade(former.url, settings(former))
    assert set(former.rows(SHAPE)) ^ set(database.rows(SHAPE)) == set()
    constraints = (
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid in ('public.wiki_pages'::regclass, 'public.wiki_chunks'::regclass)"
    )
    assert set(former.rows(constraints)) == set(database.rows(constraints))


def test_work_continues_after_the_upgrade(former: Database) -> None:
    """Chunks are written, and an edit is queued; a page that is not edited stays as it is."""
    upgrade(former.url, settings(former))
    former.execute("select wikiembed.resume('wiki')")
    assert embed(former, ["12"], source="wiki") == {"12": "written"}
    assert read(former, ["12"], source="wiki") == {}
    former.execute("update public.wiki_pages set content = 'Another.' where title = 'Po'")
    splits = former.rows(
        "select args -> 'documents' from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.split'"
    )
    (key,) = former.rows("select id::text from public.wiki_pages where title = 'Po'")
    assert splits == [([key[0]],)]
    former.check_invariants()
    former.execute("delete from public.wiki_pages where title = 'Nile'")
    assert former.one("select count(*) from public.wiki_chunks") == 9
    former.check_invariants()


def test_loaders_may_still_load(former: Database) -> None:
    """The function is another one, with other columns; who may not call it still may not."""
    former.execute("revoke execute on all functions in schema wikiembed from public")
    loader = former.create_role("loader", grant="writer")
    other = former.create_role("other")
    upgrade(former.url, settings(former))
    pages = json.dumps([{"title": "New", "content": "A text."}])
    with former.connect(role=loader) as connection:
        added = connection.execute("select * from wikiembed.load_pages(%s)", [pages]).fetchall()
        assert added == [(1, 0, 0)]
        waiting = connection.execute("select waiting from wikiembed.documents").fetchall()
        assert waiting == [(1,)]
    assert (
        former.one(
            "select has_function_privilege(%s, 'wikiembed.load_pages(jsonb)', 'execute')", [other]
        )
        is False
    )
    assert queued(former, "wiki") != []


def test_chunks_that_another_name_is_attached_to_are_upgraded(former: Database) -> None:
    """A wiki that was detached is left without a source, and one of another name keeps it."""
    former.execute("select wikiembed.detach('wiki')")
    former.execute(
        "select wikiembed.attach('public.wiki_chunks', 'id', 'content', 'embedding', 'pages')"
    )
    upgrade(former.url, settings(former))
    assert former.rows("select source, relation, split from wikiembed.documents") == [
        ("pages", "public.wiki_pages", 7)
    ]
    former.check_invariants("pages")


@pytest.mark.parametrize("gone", ["wiki_chunks", "wiki_pages, public.wiki_chunks"])
def test_upgrade_without_the_wikis_tables(former: Database, gone: str) -> None:
    """Tables that were dropped are not created again."""
    former.execute(f"drop table public.{gone}")
    upgrade(former.url, settings(former))
    assert former.rows("select * from wikiembed.documents") == []
    assert former.one("select to_regclass('public.wiki_chunks') is null")
