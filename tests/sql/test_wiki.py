"""The wiki's own tables: pages are documents, load_pages writes only differences."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.support.chunks import OTHER, VECTOR, embed, queued, read, write
from tests.support.database import Database
from tests.support.wiki import load, split_pages

LONG = "\n\n".join(f"== Part {n} ==\n\n" + f"Sentence {n} of the part. " * 30 for n in range(3))
SPLITS = (
    "select jsonb_array_elements_text(args -> 'documents') from"
    " wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.split' order by id"
)


def waiting(database: Database) -> list[str]:
    """Titles of the pages that are queued to be split."""
    keys = [row[0] for row in database.rows(SPLITS)]
    return [
        str(database.one("select title from public.wiki_pages where id::text = %s", [key]))
        for key in keys
    ]


def test_load_adds_pages_and_queues_them(database: Database) -> None:
    """They wait to be split; their chunks are queued when they are."""
    assert load(database, ("A", LONG), ("B", "b")) == (2, 0, 0)
    assert waiting(database) == ["A", "B"]
    assert database.one("select wikiembed.is_ready('wiki', true)") is False
    database.check_invariants()
    split_pages(database)
    assert len(queued(database, "wiki")) == 4
    assert embed(database, queued(database, "wiki"), source="wiki").keys() == {*"1234"}
    assert database.one("select wikiembed.is_ready('wiki')") is True
    database.check_invariants()


def test_load_of_the_same_pages_queues_nothing(database: Database) -> None:
    """An unchanged page is recognized by its text."""
    load(database, ("A", LONG))
    split_pages(database)
    before = database.rows("select * from public.wiki_pages")
    assert load(database, ("A", LONG)) == (0, 0, 1)
    assert waiting(database) == []
    assert database.rows("select * from public.wiki_pages") == before


def test_load_of_a_changed_page_embeds_what_changed(database: Database) -> None:
    """Equal chunks keep their vectors, surplus ones are deleted."""
    load(database, ("A", LONG))
    split_pages(database)
    embed(database, queued(database, "wiki"), source="wiki")
    first, second, _ = LONG.split("\n\n== ")
    assert load(database, ("A", f"{first}\n\n== {second.replace('Sentence', 'Line')}")) == (0, 1, 0)
    assert waiting(database) == ["A"]
    split_pages(database)
    assert database.rows(
        "select position, heading, context, embedding is null from public.wiki_chunks"
        " order by position"
    ) == [(0, "Part 0", "A: Part 0", False), (1, "Part 1", "A: Part 1", True)]
    database.check_invariants()


def test_load_uses_the_last_page_of_a_title(database: Database) -> None:
    """A file that holds a page twice is valid."""
    assert load(database, ("A", "old"), ("A", "new")) == (1, 0, 0)
    assert load(database, ("A", "other"), ("B", "b"), ("A", "new")) == (1, 0, 1)
    assert database.rows("select title, content from public.wiki_pages order by title") == [
        ("A", "new"), ("B", "b"),
    ]  # fmt: skip


def test_load_detects_any_difference_of_a_text(database: Database) -> None:
    """Byte by byte: case, white space, and characters that a collation may ignore."""
    load(database, ("A", "text"))
    for content in ("Text", "Text ", "Te\u00adxt ", ""):
        assert load(database, ("A", content)) == (0, 1, 0)
        assert load(database, ("A", content)) == (0, 0, 1)


def test_pages_written_by_hand_are_queued(database: Database) -> None:
    """Insert, a changed text and a changed title; no other column."""
    database.execute("insert into public.wiki_pages (title, content) values ('A', 'a'), ('B', 'b')")
    assert waiting(database) == ["A", "B"]
    split_pages(database)
    database.execute("update public.wiki_pages set loaded_at = now()")
    assert waiting(database) == []
    database.execute("update public.wiki_pages set content = 'c' where title = 'A'")
    database.execute("update public.wiki_pages set title = 'C' where title = 'B'")
    assert waiting(database) == ["A", "C"]
    split_pages(database)
    assert database.rows(
        "select context, content from public.wiki_chunks order by document_id"
    ) == [("A", "c"), ("C", "b")]
    database.check_invariants()


def test_page_without_a_text_is_refused(database: Database) -> None:
    """A page without words has an empty text, and no chunks; null is refused."""
    with pytest.raises(psycopg.errors.NotNullViolation):
        database.execute("insert into public.wiki_pages (title) values ('A')")
    with pytest.raises(psycopg.errors.NotNullViolation):
        database.rows("select wikiembed.load_pages(%s)", [json.dumps([{"title": "A"}])])
    load(database, ("A", ""))
    split_pages(database)
    assert database.rows("select total, split, chunks from wikiembed.documents") == [(1, 1, 0)]


def test_deleted_page_deletes_its_chunks(database: Database) -> None:
    """The cascade is counted like any delete."""
    load(database, ("A", LONG))
    split_pages(database)
    database.execute("delete from public.wiki_pages")
    assert database.one("select total from wikiembed.coverage where source = 'wiki'") == 0
    assert database.one("select count(*) from public.wiki_chunks") == 0
    database.check_invariants()


NEW_CHUNKS = """
create table public.new_chunks (like public.wiki_chunks including all);
insert into public.new_chunks
  (id, document_id, position, context, content, heading, starts_at, ends_at)
  overriding system value
  select id, document_id, position, context, content, heading, starts_at, ends_at
    from public.wiki_chunks where position < 2;
select setval(pg_get_serial_sequence('public.new_chunks', 'id'), 100);
alter table public.wiki_chunks rename to old_chunks;
alter table public.new_chunks rename to wiki_chunks;
"""
MOVE = (
    "select wikiembed.attach(%s, array['id']::name[], array['context', 'content'], 'embedding',"
    " 'wiki', p_move => true)"
)


def test_source_that_moves_keeps_its_documents(database: Database) -> None:
    """They are split into the new table, where equal chunks have the former vectors."""
    database.execute("update wikiembed.sources set model = 'm', pinned_at = now()")
    load(database, ("A", LONG))
    split_pages(database)
    embed(database, queued(database, "wiki"), source="wiki")
    database.execute(NEW_CHUNKS)
    database.execute(MOVE, ["public.wiki_chunks"])
    assert database.one("select wikiembed.is_ready('wiki', true)") is False
    assert database.rows("select * from wikiembed.documents") == [
        ("wiki", "public.wiki_pages", 1, 0, 1, 0, 0)
    ]
    database.execute("select wikiembed.enqueue('wiki')")
    assert waiting(database) == ["A"]
    split_pages(database)
    assert database.rows(
        "select id, position, embedding is not null from public.wiki_chunks order by position"
    ) == [(1, 0, True), (2, 1, True), (101, 2, False)]
    load(database, ("B", "b"))
    assert waiting(database) == ["B"]
    database.check_invariants()


def test_source_of_documents_moves_only_to_a_table_for_chunks(database: Database) -> None:
    """Another one lacks the columns that workers write."""
    database.execute(
        "create table public.other (id bigint primary key, context text, content text,"
        " embedding vector(4))"
    )
    with pytest.raises(psycopg.Error, match="lacks columns of a chunk table") as caught:
        database.execute(MOVE, ["public.other"])
    assert caught.value.sqlstate == "WE006"
    assert database.rows("select source from wikiembed.documents") == [("wiki",)]


def test_search_finds_title_and_heading_with_a_chunk(database: Database) -> None:
    """Beside its text, which is a part of the page."""
    load(database, ("A", "== Part ==\n\nText."))
    split_pages(database)
    embed(database, queued(database, "wiki"), source="wiki")
    assert database.rows(
        "select title, heading, content from wikiembed.search('wiki', %s::vector)", [VECTOR]
    ) == [("A", "Part", "== Part ==\n\nText.")]


def test_search_finds_the_nearest_first(docs_table: Database) -> None:
    """By cosine distance; rows without a vector are left out."""
    docs_table.execute("insert into public.docs (body) values ('far'), ('near'), ('none')")
    write(docs_table, read(docs_table, ["1"]), vector=OTHER)
    write(docs_table, read(docs_table, ["2"]), vector=VECTOR)
    assert docs_table.rows(
        "select key, content, distance from wikiembed.search('docs', %s::vector)", [VECTOR]
    ) == [("2", "near", 0.0), ("1", "far", 1.0)]
    one = docs_table.rows(f"select key from wikiembed.search('docs', '{VECTOR}', p_limit => 1)")
    assert one == [("2",)]


def test_search_of_an_unknown_source_is_refused(database: Database) -> None:
    """WE001."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        database.execute(f"select wikiembed.search('none', '{VECTOR}')")
    assert caught.value.sqlstate == "WE001"
