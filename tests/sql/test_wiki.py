"""The wiki's own tables: load_pages writes only differences, and search finds them."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.support.chunks import OTHER, VECTOR, clear_jobs, embed, queued, read, write
from tests.support.database import Database


def load(database: Database, *pages: tuple[str, str, list[str]]) -> tuple[int, ...]:
    """Added, changed, unchanged, chunks written."""
    given = [{"title": t, "digest": d, "chunks": c} for t, d, c in pages]
    (row,) = database.rows("select * from wikiembed.load_pages(%s::jsonb)", [json.dumps(given)])
    return row


def test_load_adds_pages_and_queues_their_chunks(database: Database) -> None:
    """One job for all chunks of one call."""
    assert load(database, ("A", "1", ["a0", "a1"]), ("B", "1", ["b0"])) == (2, 0, 0, 3)
    assert len(queued(database, "wiki")) == 3
    database.check_invariants()


def test_load_of_the_same_pages_queues_nothing(database: Database) -> None:
    """An unchanged page is recognized by its digest."""
    load(database, ("A", "1", ["a0", "a1"]))
    clear_jobs(database)
    assert load(database, ("A", "1", ["a0", "a1"])) == (0, 0, 1, 0)
    assert queued(database, "wiki") == []


def test_load_of_a_changed_page_writes_the_differences(database: Database) -> None:
    """Equal chunks keep their vectors, surplus ones are deleted."""
    load(database, ("A", "1", ["a0", "a1", "a2"]))
    embed(database, queued(database, "wiki"), source="wiki")
    assert load(database, ("A", "2", ["a0", "new"])) == (0, 1, 0, 2)
    assert database.rows(
        "select position, content, embedding is null from public.wiki_chunks order by position"
    ) == [(0, "a0", False), (1, "new", True)]
    database.check_invariants()


def test_load_uses_the_last_page_of_a_title(database: Database) -> None:
    """A file that holds a page twice is valid."""
    assert load(database, ("A", "1", ["old"]), ("A", "2", ["new"])) == (1, 0, 0, 1)
    assert database.rows("select content from public.wiki_chunks") == [("new",)]


def test_deleted_page_deletes_its_chunks(database: Database) -> None:
    """The cascade is counted like any delete."""
    load(database, ("A", "1", ["a0", "a1"]))
    database.execute("delete from public.wiki_pages")
    assert database.one("select total from wikiembed.coverage where source = 'wiki'") == 0
    database.check_invariants()


def test_search_finds_the_nearest_first(docs_table: Database) -> None:
    """By cosine distance; rows without a vector are left out."""
    docs_table.execute("insert into public.docs (body) values ('far'), ('near'), ('none')")
    write(docs_table, read(docs_table, ["1"]), vector=OTHER)
    write(docs_table, read(docs_table, ["2"]), vector=VECTOR)
    assert docs_table.rows(
        "select * from wikiembed.search_chunks('docs', %s::vector, 5)", [VECTOR]
    ) == [("2", "near", 0.0), ("1", "far", 1.0)]
    assert (
        len(docs_table.rows(f"select * from wikiembed.search_chunks('docs', '{VECTOR}', 1)")) == 1
    )


def test_search_of_an_unknown_source_is_refused(database: Database) -> None:
    """WE001."""
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        database.execute(f"select wikiembed.search_chunks('none', '{VECTOR}')")
    assert caught.value.sqlstate == "WE001"
