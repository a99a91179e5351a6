"""Failures by a filter: the keys that retry_failures and skip take."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, fail, read
from tests.support.database import Database

ARTICLES = """
create table public.articles (id {key} primary key, body text);
select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles', p_dimensions => 4);
"""


def found(database: Database, conditions: str = "", source: str = "docs") -> list[str]:
    """The keys that a filter selects."""
    rows = database.rows(f"select k from wikiembed.find_failures('{source}'{conditions}) as k")
    return [row[0] for row in rows]


@pytest.fixture
def failed(docs_table: Database) -> Database:
    """Chunks 1 and 2 timed out at a server, two days ago and now; 3 is rejected, 4 skipped."""
    keys = add(docs_table, "one", "two", "three", "four")
    message = "The embedding server at http://gpu:8080 gave no answer within 60 s."
    fail(docs_table, read(docs_table, keys[:2]), error_class="timeout", message=message)
    fail(docs_table, read(docs_table, keys[2:]), error_class="rejected", message="Not a TEXT: 50%")
    docs_table.execute(
        "update wikiembed.failures set last_at = last_at - interval '2 days' where key = '1';"
        "select wikiembed.skip('docs', array['4'], 'not worth it')"
    )
    return docs_table


@pytest.mark.parametrize(
    ("conditions", "keys"),
    [
        ("", ["1", "2", "3"]),
        (", p_error_class => 'timeout'", ["1", "2"]),
        (", p_server => 'http://gpu:8080'", ["1", "2"]),
        (", p_server => 'http://other'", []),
        (", p_message => 'text: 50%'", ["3"]),
        (", p_message => 'no_answer'", []),
        (", p_since => now() - interval '1 day'", ["2", "3"]),
        (", p_until => now() - interval '1 day'", ["1"]),
        (", p_error_class => 'timeout', p_until => now() - interval '3 days'", []),
        (", p_most => 2", ["1", "2"]),
        (", p_most => 2, p_after => '2'", ["3"]),
        (", p_document => '1'", []),
        (", p_documents => true", []),
    ],
)
def test_each_part_of_the_filter_narrows_it(
    failed: Database, conditions: str, keys: list[str]
) -> None:
    """Parts are joined by and; no character of a text has a meaning."""
    assert found(failed, conditions) == keys


def test_filter_names_an_existing_source(database: Database) -> None:
    """With the sqlstate of every function."""
    with pytest.raises(psycopg.Error) as refused:
        found(database, source="nope")
    assert refused.value.sqlstate == "WE001"


@pytest.mark.parametrize(("key", "other"), [("int", "x"), ("text", "nothing")])
def test_failures_of_a_document_are_found(database: Database, key: str, other: str) -> None:
    """Those of its chunks and its own; a text that cannot be a key belongs to none."""
    database.execute(ARTICLES.format(key=key))
    database.execute("insert into public.articles values ('1', 'one'), ('2', 'two')")
    database.execute(
        "insert into public.articles_chunks (document_id, position, content, starts_at, ends_at)"
        " values ('1', 0, 'one', 0, 3), ('1', 1, 'two', 0, 3), ('2', 0, 'three', 0, 5)"
    )
    chunks = database.rows(
        "select id::text, document_id::text from public.articles_chunks order by id"
    )
    keys = [row[0] for row in chunks]
    versions = read(database, keys, source="articles")
    fail(database, versions, source="articles", error_class="timeout", message="m")
    database.execute(
        "insert into wikiembed.document_failures (source, key, error_class)"
        " values ('articles', '1', 'worker_lost'), ('articles', '2', 'worker_lost')"
    )
    of_first = [row[0] for row in chunks if row[1] == "1"]
    assert found(database, ", p_document => '1'", "articles") == of_first
    assert found(database, ", p_document => '1', p_documents => true", "articles") == ["1"]
    assert found(database, f", p_document => '{other}'", "articles") == []
    assert found(database, ", p_documents => true", "articles") == ["1", "2"]


def test_failures_of_a_document_with_several_columns_are_found(database: Database) -> None:
    """By its key as failures have it, with or without blanks."""
    database.execute(
        "create table public.articles (site text, id int, body text, primary key (site, id));"
        "select wikiembed.attach_documents('public.articles', array['site', 'id'], array['body'],"
        " 'articles', p_dimensions => 4);"
        "insert into public.articles values ('a', 1, 'one'), ('b', 1, 'one');"
        "insert into public.articles_chunks"
        " (document_site, document_id, position, content, starts_at, ends_at)"
        " values ('a', 1, 0, 'one', 0, 3), ('b', 1, 0, 'one', 0, 3)"
    )
    keys = [row[0] for row in database.rows("select id::text from public.articles_chunks")]
    fail(database, read(database, keys, source="articles"), source="articles", error_class="x")
    for given in ('["a", 1]', '["a",1]'):
        assert len(found(database, f", p_document => '{given}'", "articles")) == 1
    assert found(database, ', p_document => \'["a", "x"]\'', "articles") == []
    assert found(database, ", p_document => 'x'", "articles") == []
