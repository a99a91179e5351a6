"""Documents: attach, its refusals, and detach."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import Database
from tests.support.documents import ATTACH, chunks, put, queued, split


def test_documents_that_exist_wait_for_enqueue(database: Database) -> None:
    """Neither reconcile nor a worker begins with them."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text, other int,"
        " primary key (tenant, id))"
    )
    database.execute(
        "insert into public.articles select 1, i::text, 't', 'b' from generate_series(1, 40) as i"
    )
    database.execute(ATTACH)
    database.execute("select * from wikiembed.reconcile('articles')")
    assert queued(database) == []
    assert database.rows("select * from wikiembed.enqueue('articles', p_dry_run => true)") == [
        (3, 0)
    ]
    assert database.rows("select * from wikiembed.enqueue('articles')") == [(3, 0)]
    assert database.rows("select * from wikiembed.enqueue('articles')") == [(0, 0)]
    assert len(set(queued(database))) == 40
    database.check_invariants()


def test_detach_leaves_both_tables(articles: Database) -> None:
    """Nothing of wikiembed's is left on them."""
    split(articles, put(articles, "a", "one"))
    articles.execute("select wikiembed.detach('articles')")
    assert chunks(articles) == [(0, "one")]
    put(articles, "b", "two")
    assert (
        articles.one("select count(*) from wikiembed.document_sources where source = 'articles'")
        == 0
    )
    assert articles.one("select to_regclass('wikiembed_private.documents_articles')") is None
    articles.execute(ATTACH)  # adopts the chunk table
    assert split(articles, '[1, "a"]') == "written"
    assert chunks(articles) == [(0, "one")]
    articles.execute("select * from wikiembed.enqueue('articles')")


def test_chunk_table_without_a_schema_is_made_beside_the_documents(database: Database) -> None:
    """Whatever the search path, and as its name is written."""
    database.execute("create schema app; create table app.texts (id int primary key, body text)")
    database.execute(
        "select wikiembed.attach_documents('app.texts', 'id', 'body', 'texts',"
        " p_chunks => '\"My pieces\"', p_dimensions => 4)"
    )
    relation = "select relation::text from wikiembed.sources where name = 'texts'"
    assert database.one(relation) == 'app."My pieces"'
    database.execute("insert into app.texts values (1, 'one')")
    database.check_invariants()


@pytest.mark.parametrize(
    ("more", "sqlstate", "hint"),
    [
        ("p_splitter => 'xml'", "WE010", "markdown"),
        ("p_max_chars => 8", "WE010", ""),
        ("p_overlap_chars => 900", "WE010", ""),
        ("p_context => 'all'", "WE010", "title_heading"),
        ("p_embedding_type => 'bit'", "WE010", "halfvec"),
        ("p_dimensions => null", "WE010", "model"),
        ("p_chunks => 'a.b.c'", "WE010", "articles_chunks"),
        ("p_chunks => 'not a name'", "WE010", "articles_chunks"),
        ("p_title => 'other'", "WE006", "title"),
        ("p_chunks => 'public.articles'", "WE006", "does not exist yet"),
    ],
)
def test_refusals_leave_nothing(database: Database, more: str, sqlstate: str, hint: str) -> None:
    """Each is one sentence with what can work."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text, other int,"
        " primary key (tenant, id))"
    )
    options = "p_dimensions => 4" if "p_dimensions" not in more else ""
    call = (
        "select wikiembed.attach_documents('public.articles', array['tenant', 'id'],"
        f" array['body'], 'articles', {', '.join(filter(None, (options, more)))})"
    )
    with pytest.raises(psycopg.Error) as raised:
        database.execute(call)
    assert raised.value.sqlstate == sqlstate
    assert hint in (raised.value.diag.message_hint or "")
    assert database.one("select count(*) from wikiembed.sources where name = 'articles'") == 0
