"""A writer of documents needs rights on its table, and on nothing of ours."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import DIMENSIONS, Database

ATTACH = (
    "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
    f" p_dimensions => {DIMENSIONS})"
)


def test_writer_may_write_documents_and_queues_them(database: Database) -> None:
    """`grant_writer` includes the document table and the sequence of its key, but no `delete`."""
    database.execute("create table public.articles (id serial primary key, body text)")
    database.execute(ATTACH)
    writer = database.create_role("writer", grant="writer")
    with database.connect(role=writer) as connection:
        connection.execute("insert into public.articles (body) values ('One.'), ('Two.')")
        connection.execute("update public.articles set body = 'Third.' where id = 2")
        assert connection.execute("select count(*) from public.articles").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from public.articles")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from wikiembed_private.documents_articles")
    waiting = "select waiting from wikiembed.documents where source = 'articles'"
    assert database.one(waiting) == 2
    database.check_invariants("articles")
