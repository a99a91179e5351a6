"""`read_documents` with a bound: no worker holds many long texts at a time."""

from __future__ import annotations

import pytest

from tests.support.database import Database

ATTACH = (
    "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
    " p_dimensions => 4)"
)
READ = "select key from wikiembed.read_documents('articles', array['1', '2', '3', '4', '5'], %s)"


@pytest.fixture
def articles(database: Database) -> Database:
    """Five documents: one byte, four in two characters, none, six, and one."""
    database.execute("create table public.articles (id int primary key, body text)")
    database.execute(ATTACH)
    database.execute(
        "insert into public.articles values (1, 'a'), (2, 'éé'), (3, null), (4, 'longer'), (5, 'e')"
    )
    return database


@pytest.mark.parametrize(
    ("most", "found"),
    [
        (None, "12345"),
        (0, ""),
        (1, "1"),
        (2, "12"),
        (5, "12"),
        (6, "1234"),
        (11, "1234"),
        (12, "12345"),
    ],
)
def test_read_ends_with_the_document_that_reaches_the_bound(
    articles: Database, most: int | None, found: str
) -> None:
    """In order of key; the bytes are those of UTF-8."""
    rows = articles.rows(READ, [most])
    assert "".join(sorted(key for (key,) in rows)) == found


def test_read_of_one_document_has_no_bound(articles: Database) -> None:
    """A document that is longer than the bound is read alone."""
    read = "select content from wikiembed.read_documents('articles', array['4'], 0)"
    assert articles.rows(read) == [("longer",)]


def test_bound_counts_only_documents_that_wait(articles: Database) -> None:
    """One that is split already takes no room."""
    articles.execute("update wikiembed_private.documents_articles set version = 1 where key = '1'")
    assert articles.rows(READ, [4]) == [("2",)]
    assert sorted(articles.rows(READ, [5])) == [("2",), ("3",), ("4",)]


def test_bound_counts_only_documents_that_are_not_locked(articles: Database) -> None:
    """Else a long one that stays locked would keep the others from being read."""
    with articles.connect(autocommit=False) as user:
        user.execute("select from public.articles where id = 2 for update")
        assert sorted(articles.rows(READ, [5])) == [("1",), ("3",), ("4",)]
