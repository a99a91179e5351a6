"""Documents: compare and set of what a worker writes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.documents import (
    ATTACH,
    WRITE,
    chunks,
    counts,
    put,
    read_all,
    split,
    write,
    write_all,
)

X, Y = '[1, "x"]', '[1, "y"]'


def test_write_is_stale_after_an_edit_and_gone_after_a_delete(articles: Database) -> None:
    """Compare and set on the document's version."""
    key = put(articles, "a", "one")
    ((_, title, content, version, old),) = articles.rows(
        "select * from wikiembed.read_documents('articles', %s)", [[key]]
    )
    articles.execute("update public.articles set body = 'two'")
    assert write(articles, key, version, content, old, title) == "stale"
    articles.execute("delete from public.articles")
    assert write(articles, key, version, content, old, title) == "gone"
    assert counts(articles) == (0, 0, 0, 0, 0)


def test_write_is_stale_when_the_chunks_were_altered_by_hand(articles: Database) -> None:
    """What the worker compared with is no longer there."""
    key = put(articles, "a", "one\ntwo")
    split(articles, key)
    articles.execute("update public.articles set body = 'one\ntwo\nthree'")
    ((_, title, content, version, old),) = articles.rows(
        "select * from wikiembed.read_documents('articles', %s)", [[key]]
    )
    articles.execute("delete from public.articles_chunks where position = 1")
    assert write(articles, key, version, content, old, title) == "stale"
    assert split(articles, key) == "written"


def test_write_waits_for_no_lock_of_a_user(articles: Database) -> None:
    """A document that a transaction edits or deletes is locked: it comes again later."""
    key = put(articles, "a", "one")
    ((_, title, content, version, old),) = articles.rows(
        "select * from wikiembed.read_documents('articles', %s)", [[key]]
    )
    for statement in ("update public.articles set body = 'two'", "delete from public.articles"):
        user = articles.connect(autocommit=False)
        user.execute(statement)
        assert write(articles, key, version, content, old, title) == "locked"
        user.rollback()
    assert write(articles, key, version, content, old, title) == "written"


def test_each_document_of_a_write_has_its_own_outcome(articles: Database) -> None:
    """In the order of the call; the others are written, and their chunks are one job."""
    keys = [put(articles, name, f"{name} one\n{name} two") for name in "edcba"]
    split(articles, keys[4])
    articles.execute("update public.articles set body = 'a one\na three' where id = 'a'")
    read = read_all(articles, *keys)
    jobs = articles.one("select max(id) from wikiembed_queue.procrastinate_jobs")
    articles.execute("update public.articles set body = 'new' where id = 'd'")
    articles.execute("delete from public.articles where id = 'b'")
    user = articles.connect(autocommit=False)
    user.execute("update public.articles set body = 'locked' where id = 'c'")
    assert write_all(articles, read) == ["written", "stale", "locked", "gone", "written"]
    user.rollback()
    assert articles.rows(
        "select document_id, position, content from public.articles_chunks"
        " order by document_id, position"
    ) == [("a", 0, "a one"), ("a", 1, "a three"), ("e", 0, "e one"), ("e", 1, "e two")]
    assert articles.rows(
        "select jsonb_array_length(args -> 'keys') from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.embed' and id > %s",
        [jobs],
    ) == [(3,)]
    assert write_all(articles, read_all(articles, *keys)) == ["written", "written"]
    assert counts(articles) == (4, 4, 0, 0, 7)


def test_write_whose_document_has_altered_or_locked_chunks_writes_the_others(
    articles: Database,
) -> None:
    """Chunks that a user deletes make theirs stale, and those that a user locks make it locked."""
    keys = [put(articles, name, "one\ntwo") for name in "abc"]
    for key in keys:
        split(articles, key)
    articles.execute("update public.articles set body = 'two\nthree'")
    read = read_all(articles, *keys)
    articles.execute("delete from public.articles_chunks where document_id = 'a' and position = 0")
    user = articles.connect(autocommit=False)
    user.execute("select from public.articles_chunks where document_id = 'b' for update")
    assert write_all(articles, read) == ["stale", "locked", "written"]
    user.rollback()
    assert write_all(articles, read_all(articles, *keys)) == ["written", "written"]
    assert chunks(articles) == [(0, "two"), (1, "three")] * 3


def test_write_of_what_postgres_refuses_writes_nothing(articles: Database) -> None:
    """A constraint, and a trigger that returns null: the caller halves the documents."""
    keys = [put(articles, "a", "good"), put(articles, "b", "rude")]
    read = read_all(articles, *keys)
    articles.execute("alter table public.articles_chunks add check (content <> 'rude')")
    with pytest.raises(psycopg.errors.CheckViolation):
        write_all(articles, read)
    articles.execute(
        "alter table public.articles_chunks drop constraint articles_chunks_content_check;"
        "create function public.skip() returns trigger language plpgsql as"
        " 'begin if new.content = ''rude'' then return null; end if; return new; end';"
        "create trigger skip before insert on public.articles_chunks"
        " for each row execute function public.skip()"
    )
    with pytest.raises(psycopg.Error, match="discarded or altered a chunk") as raised:
        write_all(articles, read)
    assert raised.value.sqlstate == "WE012"
    assert (chunks(articles), counts(articles)) == ([], (2, 0, 2, 0, 0))
    assert write_all(articles, read[:1]) == ["written"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: [X, X]}, "twice"),
        ({0: [X, None]}, "no key"),
        ({0: [X]}, "length"),
        ({4: [1]}, "length"),
        ({4: [1, 3]}, "no document"),
        ({2: [0], 3: [7]}, "no document"),
        ({5: [7, None]}, "id is not one"),
        ({2: [2], 3: [7], 5: [7, None]}, "id is not one"),
        ({2: [1], 3: [7], 4: [1, 1], 5: [7, 7]}, "occurs twice"),
    ],
)
def test_write_of_arrays_that_do_not_fit_is_refused(
    articles: Database, change: dict[int, list[Any]], message: str
) -> None:
    """WE010, before anything is read."""
    put(articles, "a", "one")
    arrays: list[list[Any]] = [
        [X, Y], [1, 1], [], [], [1, 2], [None, None], ["", ""], ["", ""], ["", ""], [0, 0],
        [0, 0],
    ]  # fmt: skip
    assert articles.rows(WRITE, arrays) == [(X, "gone"), (Y, "gone")]
    for place, array in change.items():
        arrays[place] = array
    with pytest.raises(psycopg.Error, match=message) as raised:
        articles.rows(WRITE, arrays)
    assert raised.value.sqlstate == "WE010"


def test_write_of_a_source_that_was_attached_again_is_stale(articles: Database) -> None:
    """A worker that read it before the detach has split it with other options."""
    key = put(articles, "a", "one")
    read = read_all(articles, key)
    articles.execute("select wikiembed.detach('articles'); drop table public.articles_chunks")
    articles.execute(ATTACH)
    assert write_all(articles, read) == ["stale"]
    assert split(articles, key) == "written"
