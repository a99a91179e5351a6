"""Document tables that are renamed, partitioned, dropped, detached and attached again."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.faults.documents import BODY, add_articles, attach, make_articles, reckon_articles
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn
from tests.support.workers import drain, prove, settings_of, working

WAITING = "select waiting from wikiembed.documents where source = 'articles'"
SOURCES = "select count(*) from wikiembed.document_sources where source = 'articles'"
RENAMES = {
    "table": ("rename to papers", ("papers", "id", "title", "body")),
    "text": ("rename body to words", ("articles", "id", "title", "words")),
    "title": ("rename title to name", ("articles", "id", "name", "body")),
    "key": ("rename id to number", ("articles", "number", "title", "body")),
}


@pytest.mark.parametrize("what", RENAMES)
@pytest.mark.parametrize("follows", ["at once", "by reconcile"])
async def test_renamed_names_of_documents_are_followed(
    database: Database, standin: StandIn, what: str, follows: str
) -> None:
    """By the event trigger, else by reconcile; edits before and after it are split."""
    make_articles(database)
    add_articles(database, 3)
    settings = settings_of(database, standin.url)
    await drain(settings)
    change, (table, key, title, body) = RENAMES[what]
    if follows == "by reconcile":
        database.execute("drop event trigger wikiembed_on_ddl")
    database.execute(f"alter table public.articles {change}")
    if follows == "by reconcile":
        database.execute("select * from wikiembed.reconcile('articles')")
    database.execute(f"update public.{table} set {body} = {body} || ' More.' where {key} = 1")
    database.execute(f"update public.{table} set {title} = 'Other' where {key} = 2")
    database.execute(
        f"insert into public.{table} ({key}, {title}, {body}) values (9, 'Nine', 'Nine.')"
    )
    database.execute(f"delete from public.{table} where {key} = 3")
    await drain(settings)
    database.check_invariants()
    texts: dict[int, str] = dict(database.rows(f"select {key}, {body} from public.{table}"))
    rows = database.rows("select document_id, content, starts_at, ends_at, context"
                         " from public.articles_chunks where embedding is not null")  # fmt: skip
    assert {row[0] for row in rows} == set(texts) == {1, 2, 9}
    assert all(content == texts[n][start:end] for n, content, start, end, _ in rows)
    assert {row[4] for row in rows} == {"Title 1", "Other", "Nine"}
    assert database.one("select split from wikiembed.documents where source = 'articles'") == 3


def make_partitioned(database: Database) -> None:
    database.execute(
        "create table public.pages (tenant int, id text, title text, body text,"
        " primary key (tenant, id)) partition by list (tenant);"
        "create table public.pages_1 partition of public.pages for values in (1);"
        "create table public.pages_2 partition of public.pages for values in (2);"
        "select wikiembed.attach_documents('public.pages', array['tenant', 'id']::name[],"
        f" array['body'], 'pages', p_title => 'title', p_dimensions => {DIMENSIONS},"
        " p_max_chars => 300)"
    )
    prove(database, "pages")


def page_texts(database: Database) -> dict[tuple[int, str], str]:
    """The text of each page, from its chunks, with white space between them as one space."""
    assert database.one("select count(*) from public.pages_chunks where embedding is null") == 0
    rows = database.rows(
        "select document_tenant, document_id, string_agg(content, ' ' order by position)"
        " from public.pages_chunks group by 1, 2"
    )
    return {(tenant, key): " ".join(text.split()) for tenant, key, text in rows}


async def test_partitioned_documents_with_a_composite_key(
    database: Database, standin: StandIn
) -> None:
    """Written through the root and its partitions; moved between them; partitions come and go."""
    make_partitioned(database)
    settings = settings_of(database, standin.url)
    expected = {
        (tenant, key): f"{tenant} {key}. {' '.join(BODY.split())}"
        for tenant in (1, 2) for key in ("a", "b, \"c\"", "d[1]", "\\e'")
    }  # fmt: skip
    for number, ((tenant, key), text) in enumerate(expected.items()):
        table = "pages" if number % 2 else f"pages_{tenant}"
        database.execute(
            f"insert into public.{table} values (%s, %s, 'Title', %s)", [tenant, key, text]
        )
    await drain(settings)
    assert page_texts(database) == expected
    database.check_invariants()
    database.execute("create table public.pages_3 partition of public.pages for values in (3)")
    database.execute("insert into public.pages_3 values (3, 'x', 'Title', 'Text of x.')")
    database.execute("update public.pages set tenant = 3 where tenant = 1 and id = 'a'")
    database.execute("update public.pages_2 set body = 'Another text.' where id = 'a'")
    database.execute("delete from public.pages_2 where id = 'd[1]'")
    expected[3, "a"] = expected.pop((1, "a"))
    expected |= {(3, "x"): "Text of x.", (2, "a"): "Another text."}
    del expected[2, "d[1]"]
    await drain(settings)
    assert page_texts(database) == expected
    database.check_invariants()
    database.execute("create table public.pages_4 (like public.pages including all)")
    database.execute("insert into public.pages_4 values (4, 'y', 'Title', 'Text of y.')")
    database.execute("alter table public.pages attach partition public.pages_4 for values in (4)")
    expected[4, "y"] = "Text of y."
    database.execute("select * from wikiembed.reconcile('pages')")
    database.execute("insert into public.pages_4 values (4, 'z', 'Title', 'Text of z.')")
    expected[4, "z"] = "Text of z."
    await drain(settings)
    assert page_texts(database) == expected
    database.check_invariants()


async def test_detach_while_documents_are_split_and_attach_again(
    database: Database, standin: StandIn
) -> None:
    """No job is left and nothing is recorded; attached again, chunks that are there are kept."""
    make_articles(database)
    settings = settings_of(database, standin.url)
    async with working(settings) as worker:
        for n in range(3):
            add_articles(database, 30, begin=1 + 30 * n)
            await worker.wait_for(lambda: database.one("select count(*) from articles_chunks"))
            await asyncio.to_thread(detach, database)
            await asyncio.to_thread(attach, database)
        database.execute("select wikiembed.enqueue('articles')")
        await worker.wait_for(lambda: database.one(WAITING) == 0)
    await drain(settings)
    assert reckon_articles(database) >= 90


def detach(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("select wikiembed.detach('articles')")


@pytest.mark.parametrize("dropped", ["table public.articles cascade", "column"])
def test_reconcile_releases_what_lost_its_documents(database: Database, dropped: str) -> None:
    """The chunks stay a source; check_invariants and reconcile of other sources go on meanwhile."""
    make_articles(database)
    add_articles(database, 2)
    database.execute(
        "alter table public.articles drop column title"
        if dropped == "column"
        else f"drop {dropped}"
    )
    database.check_invariants()
    database.execute("select * from wikiembed.reconcile()")
    assert database.one(SOURCES) == 0
    assert database.one("select count(*) from wikiembed.sources where name = 'articles'") == 1
    assert database.one("select to_regclass('public.articles_chunks') is not null") is True
    database.check_invariants()
