"""Documents: which statements queue them, and what becomes of their state and chunks."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.support.documents import FREE, chunks, counts, put, queued, split


def test_document_is_queued_split_and_its_chunks_are_queued(articles: Database) -> None:
    """In the writer's transaction; until then the source is not ready."""
    key = put(articles, "a", "one\n\ntwo")
    assert queued(articles) == [key]
    assert counts(articles) == (1, 0, 1, 0, 0)
    assert articles.one("select wikiembed.is_ready('articles', true)") is False
    assert split(articles, key) == "written"
    assert chunks(articles) == [(0, "one"), (1, "two")]
    assert counts(articles) == (1, 1, 0, 0, 2)
    assert articles.rows("select content from wikiembed.read_chunks('articles', array['1'])") == [
        ("Title\n\none",)
    ]


def test_edit_keeps_the_rows_and_vectors_of_equal_chunks(articles: Database) -> None:
    """Only what changed lacks its vector; a moved chunk is only renumbered."""
    key = put(articles, "a", "one\ntwo\nthree")
    split(articles, key)
    articles.execute("update public.articles_chunks set embedding = '[1,0,0,0]'")
    articles.execute(FREE)
    articles.execute("update public.articles set body = 'zero\nthree\none'")
    assert queued(articles) == [key]
    assert split(articles, key) == "written"
    assert articles.rows(
        "select position, content, embedding is null from public.articles_chunks order by position"
    ) == [(0, "zero", True), (1, "three", False), (2, "one", False)]


@pytest.mark.parametrize(
    ("change", "is_queued"),
    [
        ("other = 2", False),
        ("body = body", False),
        ("title = 'New'", True),
        ("body = null", True),
        ("id = 'b'", True),
    ],
)
def test_update_queues_what_changes_the_text_the_title_or_the_key(
    articles: Database, *, change: str, is_queued: bool
) -> None:
    """Other columns queue nothing."""
    key = put(articles, "a", "one")
    split(articles, key)
    articles.execute(FREE)
    articles.execute(f"update public.articles set {change}")
    assert bool(queued(articles)) is is_queued
    for waiting in queued(articles):
        assert split(articles, waiting) == "written"


def test_delete_takes_chunks_and_truncate_takes_all(articles: Database) -> None:
    """By the foreign key; the state follows by trigger."""
    for name in ("a", "b"):
        split(articles, put(articles, name, "one\ntwo"))
    articles.execute("delete from public.articles where id = 'a'")
    assert (counts(articles), len(chunks(articles))) == ((1, 1, 0, 0, 2), 2)
    articles.execute("truncate public.articles cascade")
    assert (counts(articles), chunks(articles)) == ((0, 0, 0, 0, 0), [])


REDIRECT = """
create function public.redirect() returns trigger language plpgsql as $$
begin
  insert into public.articles values (old.tenant, old.id, 'Redirect', 'It has moved.');
  return null;
end;
$$;
create trigger redirect after update of id or delete on public.articles
  for each row execute function public.redirect()
"""


@pytest.mark.parametrize(
    "statement",
    [
        "update public.articles set id = 'b' where id = 'a'",
        "delete from public.articles where id = 'a'",
    ],
)
def test_document_that_a_trigger_puts_under_a_removed_key_waits(
    articles: Database, statement: str
) -> None:
    """The statement removes the key after the trigger has inserted it again."""
    key = put(articles, "a", "one")
    split(articles, key)
    articles.execute(FREE)
    articles.execute(REDIRECT)
    articles.execute(statement)
    assert key in queued(articles)
    assert articles.one("select wikiembed.is_ready('articles', true)") is False
    assert split(articles, key) == "written"
    content = "select content from public.articles_chunks where document_id = 'a'"
    assert articles.rows(content) == [("It has moved.",)]


def test_document_that_is_deleted_and_inserted_in_one_statement_waits(articles: Database) -> None:
    """The insert ends before the delete, whose trigger is the last."""
    for name in ("a", "b"):
        split(articles, put(articles, name, name))
    articles.execute(FREE)
    articles.execute(
        "with moved as (delete from public.articles returning *)"
        " insert into public.articles select * from moved limit 1"
    )
    (key,) = queued(articles)
    assert counts(articles) == (1, 0, 1, 0, 0)
    assert split(articles, key) == "written"


def test_document_of_white_space_has_no_chunk_and_does_not_wait(articles: Database) -> None:
    """Its state says that it is split."""
    assert split(articles, put(articles, "a", None)) == "written"
    assert counts(articles) == (1, 1, 0, 0, 0)


def test_failure_is_recorded_once_and_ends_with_the_next_edit(articles: Database) -> None:
    """Under compare and set; the source is not ready meanwhile."""
    key = put(articles, "a", "one")
    version = articles.one("select version from wikiembed.read_documents('articles', %s)", [[key]])
    record = "select wikiembed.record_document_failure('articles', %s, %s, 'timeout', 'slow')"
    assert articles.one(record, [key, 1]) is False
    assert articles.one(record, [key, version]) is True
    assert articles.one(record, [key, version]) is True
    articles.execute(FREE)
    assert counts(articles) == (1, 0, 0, 1, 0)
    assert articles.rows("select attempts from wikiembed.document_failures") == [(2,)]
    assert articles.rows("select * from wikiembed.enqueue('articles')") == [(0, 0)]
    articles.execute("update public.articles set body = 'two'")
    assert counts(articles) == (1, 0, 1, 0, 0)
