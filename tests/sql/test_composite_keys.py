"""Keys of several columns, and texts of several columns, all the way from insert to vector."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.chunks import VECTOR
from tests.support.database import Database

ARTICLES = (
    "create table public.articles (tenant int, id text, title text, doc jsonb, vec vector(4),"
    " primary key (tenant, id))"
)
ATTACH = (
    "select wikiembed.attach('public.articles', array['tenant', 'id'],"
    " array['title', 'doc->''page''->>''body'''], 'vec', 'articles')"
)
ROW = "insert into public.articles values (%s, %s, %s, jsonb_build_object('page', %s::jsonb))"


@pytest.fixture
def articles(database: Database) -> Iterator[Database]:
    """Table articles, attached by tenant and id; its text is the title and a field of JSON."""
    database.execute(ARTICLES)
    database.execute(ATTACH)
    yield database
    database.check_invariants()


def put(database: Database, tenant: int, key: str, title: str | None, body: str | None) -> str:
    """Insert a row; returns its key as wikiembed spells it."""
    database.execute(ROW, [tenant, key, title, json.dumps({"body": body})])
    return json.dumps([tenant, key])


def queued(database: Database) -> list[str]:
    """Keys of all jobs, in the order of the jobs."""
    return [
        row[0]
        for row in database.rows(
            "select jsonb_array_elements_text(args -> 'keys')"
            " from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.embed'"
            " order by id"
        )
    ]


def read(database: Database, *keys: str) -> dict[str, tuple[str, int]]:
    """Text and version of each key that is missing."""
    rows = database.rows("select * from wikiembed.read_chunks('articles', %s)", [list(keys)])
    return {key: (content, version) for key, content, version in rows}


def write(database: Database, **versions: int) -> dict[str, str]:
    """Outcomes of a write of one vector for each key with its version."""
    rows = database.rows(
        "select * from wikiembed.write_embeddings('articles', %s, %s, %s::vector[])",
        [list(versions), list(versions.values()), [VECTOR] * len(versions)],
    )
    return dict(rows)


def embed(database: Database, *keys: str) -> dict[str, str]:
    """Read and write as a worker does."""
    return write(database, **{key: version for key, (_, version) in read(database, *keys).items()})


def test_row_is_queued_read_and_written_by_its_whole_key(articles: Database) -> None:
    """Two tenants may have the same id; each row has its own vector."""
    one = put(articles, 1, "a", "Title", "Body")
    two = put(articles, 2, "a", "Other", None)
    assert queued(articles) == [one, two]
    found = read(articles, one, two)
    assert {key: content for key, (content, _) in found.items()} == {
        one: "Title\n\nBody",
        two: "Other",
    }
    assert embed(articles, one) == {one: "written"}
    assert articles.rows("select tenant, vec is null from public.articles order by tenant") == [
        (1, False),
        (2, True),
    ]


@pytest.mark.parametrize(
    ("change", "is_queued"),
    [
        ("title = 'New'", True),
        ("""doc = '{"page": {"body": "New"}}'""", True),
        ("""doc = '{"page": {"body": "Body"}, "more": 1}'""", False),
        ("title = title", False),
    ],
)
def test_change_of_any_part_of_the_text_takes_the_vector(
    articles: Database, *, change: str, is_queued: bool
) -> None:
    """A change of another field of the document does not."""
    key = put(articles, 1, "a", "Title", "Body")
    embed(articles, key)
    articles.execute("delete from wikiembed_queue.procrastinate_jobs")
    articles.execute(f"update public.articles set {change}")
    assert queued(articles) == ([key] if is_queued else [])
    assert articles.one("select vec is null from public.articles") is is_queued


def test_write_is_stale_after_a_change_and_gone_after_a_delete(articles: Database) -> None:
    """Compare and set holds for composite keys."""
    one, two = put(articles, 1, "a", "One", ""), put(articles, 1, "b", "Two", "")
    versions = {key: version for key, (_, version) in read(articles, one, two).items()}
    articles.execute("update public.articles set title = 'Three' where id = 'a'")
    articles.execute("delete from public.articles where id = 'b'")
    assert write(articles, **versions) == {one: "stale", two: "gone"}


def test_failure_is_recorded_retried_and_skipped_by_any_spelling_of_the_key(
    articles: Database,
) -> None:
    """A key is JSON: blanks in it do not matter to an operator."""
    key = put(articles, 1, "a", "One", "")
    ((_, version),) = read(articles, key).values()
    articles.execute("delete from wikiembed_queue.procrastinate_jobs")
    fail = "select * from wikiembed.record_failures('articles', %s, %s, 'timeout', 'slow')"
    assert articles.rows(fail, [[key], [version]]) == [(key, "recorded")]
    assert articles.rows("select jobs, chunks from wikiembed.retry_failures('articles')") == [
        (1, 1)
    ]
    assert articles.one("select wikiembed.skip('articles', %s)", [['[1,"a"]']]) == 1
    assert articles.rows("select key, state from wikiembed.failures") == [(key, "skipped")]
    with pytest.raises(psycopg.Error, match="does not fit") as raised:
        articles.execute("select wikiembed.skip('articles', array['[\"x\", \"a\"]'])")
    assert raised.value.sqlstate == "WE010"


def test_many_rows_are_queued_enqueued_and_reconciled(articles: Database) -> None:
    """Batches of 64 by trigger and by enqueue; reconcile finds what lost its job."""
    articles.execute(
        "insert into public.articles select i % 3, i::text, 'Title ' || i, null, null"
        " from generate_series(1, 300) as i"
    )
    assert len(queued(articles)) == len(set(queued(articles))) == 300
    articles.execute("delete from wikiembed_queue.procrastinate_jobs")
    assert articles.rows("select * from wikiembed.enqueue('articles')") == [(5, 300)]
    assert articles.rows("select * from wikiembed.enqueue('articles')") == [(0, 0)]
    articles.execute("delete from wikiembed_queue.procrastinate_jobs")
    rows = articles.rows("select orphans_enqueued from wikiembed.reconcile('articles')")
    assert rows == [(300,)]
    assert set(embed(articles, *queued(articles)).values()) == {"written"}
    assert articles.one("select ready from wikiembed.coverage where source = 'articles'")


def test_columns_may_be_renamed(articles: Database) -> None:
    """The names follow, of the key and of each part of the text."""
    articles.execute("alter table public.articles rename id to article")
    articles.execute("alter table public.articles rename title to heading")
    articles.execute("select * from wikiembed.reconcile('articles')")
    key = put(articles, 1, "a", "Title", "Body")
    assert embed(articles, key) == {key: "written"}
    assert articles.rows(
        "select key_columns, text_columns from wikiembed.sources where name = 'articles'"
    ) == [(["tenant", "article"], ["heading", "doc"])]


def test_partitioned_table_is_attached_by_a_key_with_its_partition_column(
    database: Database,
) -> None:
    """Such a table has no key of one column."""
    database.execute(
        "create table public.parts (tenant int, id int, body text, vec vector(4),"
        " primary key (tenant, id)) partition by list (tenant)"
    )
    database.execute("create table public.parts_1 partition of public.parts for values in (1)")
    database.execute("create table public.parts_2 partition of public.parts for values in (2)")
    database.execute(
        "select wikiembed.attach('public.parts', array['tenant', 'id'], 'body', 'vec', 'parts')"
    )
    database.execute("insert into public.parts select t, 7, 'x' from generate_series(1, 2) as t")
    assert sorted(queued(database)) == ["[1, 7]", "[2, 7]"]
    database.execute("update public.parts_2 set body = 'y'")
    database.check_invariants()


@pytest.mark.parametrize(
    ("typed", "chunks"),
    [
        ('[1, "a b"]', 1),
        ('[1,"a b"]', 1),
        (' [ 1 , "a\\u0020b" ] ', 1),
        ('[1,"ab"]', 0),
        ("[1,", 0),
        ("1", 0),
    ],
)
def test_retry_takes_a_key_however_it_is_written(
    articles: Database, typed: str, chunks: int
) -> None:
    """Blanks and escapes of JSON do not count, those within a string do."""
    key = put(articles, 1, "a b", "Title", "body")
    ((_, version),) = read(articles, key).values()
    articles.execute(
        "select wikiembed.record_failures('articles', %s, %s, 'rejected', 'no')",
        [[key], [version]],
    )
    retry = "select chunks from wikiembed.retry_failures('articles', %s)"
    assert articles.one(retry, [[typed]]) == chunks


@pytest.mark.parametrize(
    ("key", "text", "sqlstate", "hint"),
    [
        ("array['id', 'title']", "'title'", "WE005", "Name another key: tenant,id"),
        ("array['tenant']", "'title'", "WE005", "tenant"),
        ("array['tenant', 'tenant']", "'title'", "WE005", "unique index"),
        ("array['tenant', 'id']", "'doc'", "WE006", "title"),
        ("array['tenant', 'id']", "array['title', 'doc->body']", "WE006", "doc->>'body'"),
        ("array['tenant', 'id']", "array['title', 'title->>''x''']", "WE006", "jsonb"),
        ("array['tenant', 'id']", "array[]::text[]", "WE006", "at least one"),
        ("array['tenant', 'nothing']", "'title'", "WE006", ""),
    ],
)
def test_refusals_say_what_can_work(
    database: Database, key: str, text: str, sqlstate: str, hint: str
) -> None:
    """Keys that are none together, and texts that hold none."""
    database.execute(ARTICLES)
    with pytest.raises(psycopg.Error) as raised:
        database.execute(
            f"select wikiembed.attach('public.articles', {key}, {text}, 'vec', 'articles')"
        )
    assert raised.value.sqlstate == sqlstate
    assert hint in (raised.value.diag.message_hint or "")


def test_field_of_a_json_column_is_refused(database: Database) -> None:
    """A json column may hold what no text can: each later read or write of that row would fail."""
    database.execute("create table public.raw (id int primary key, doc json, vec vector(4))")
    database.execute(r"""insert into public.raw values (1, '{"body": "a\u0000b"}')""")
    with pytest.raises(psycopg.Error, match="is of type json, not jsonb") as raised:
        database.execute(
            "select wikiembed.attach('public.raw', array['id'], array['doc->>''body'''], 'vec',"
            " 'raw')"
        )
    assert raised.value.sqlstate == "WE006"
    command = "`alter table public.raw alter column doc type jsonb using doc::jsonb`"
    assert command in (raised.value.diag.message_hint or "")


def test_key_of_an_unsupported_type_is_named(database: Database) -> None:
    """Its unique index exists: advice to create one would be wrong."""
    database.execute(
        "create table public.news (day date, id int, body text, vec vector(4),"
        " primary key (day, id))"
    )
    with pytest.raises(psycopg.Error, match="is of type date, not smallint") as raised:
        database.execute(
            "select wikiembed.attach('public.news', array['day', 'id'], 'body', 'vec', 'news')"
        )
    assert raised.value.sqlstate == "WE005"


def test_search_returns_the_whole_key_and_text(articles: Database) -> None:
    """As the other functions spell them."""
    key = put(articles, 1, "a", "Title", "Body")
    embed(articles, key)
    rows = articles.rows(
        "select key, content from wikiembed.search('articles', %s::vector)", [VECTOR]
    )
    assert rows == [(key, "Title\n\nBody")]
