"""Documents: state, jobs, compare and set, and what bypasses the triggers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from tests.support.database import Database

ATTACH = (
    "select wikiembed.attach_documents('public.articles', array['tenant', 'id'], array['body'],"
    " 'articles', p_title => 'title', p_dimensions => 4)"
)
WRITE = (
    "select * from wikiembed.write_splits('articles', %s::text[], %s::bigint[], %s::int[],"
    " %s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[],"
    " %s::int[])"
)
X, Y = '[1, "x"]', '[1, "y"]'
FREE = "delete from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.split'"


@pytest.fixture
def articles(database: Database) -> Iterator[Database]:
    """Table articles with a key of two columns, attached as documents."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text, other int,"
        " primary key (tenant, id))"
    )
    database.execute(ATTACH)
    yield database
    database.check_invariants()


def put(database: Database, key: str, body: str | None, title: str | None = "Title") -> str:
    """Insert an article of tenant 1; returns its key as text."""
    database.execute("insert into public.articles values (1, %s, %s, %s)", [key, title, body])
    return f'[1, "{key}"]'


def queued(database: Database) -> list[str]:
    """Keys of documents in jobs."""
    return [
        row[0]
        for row in database.rows(
            "select jsonb_array_elements_text(args -> 'documents') from"
            " wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.split' order by id"
        )
    ]


def split(database: Database, key: str, parts: Sequence[str] | None = None) -> str:
    """Split a document by the lines of its text, as a worker would; returns the outcome."""
    rows = database.rows("select * from wikiembed.read_documents('articles', %s)", [[key]])
    if not rows:
        return "not read"
    ((_, title, content, version, chunks),) = rows
    return write(database, key, version, content or "", chunks, title)


def write(
    database: Database, key: str, version: int, text: str, old: list[dict[str, Any]], title: str
) -> str:
    """Write one chunk per line; equal lines keep their row."""
    (outcome,) = write_all(database, [(key, title, text, version, old)])
    return outcome


def write_all(database: Database, read: Sequence[tuple[Any, ...]]) -> list[str]:
    """Write documents as `read_documents` returned them, in one call; returns the outcomes."""
    olds = [(number, chunk["id"]) for number, row in enumerate(read, 1) for chunk in row[4]]
    news: list[tuple[Any, ...]] = []
    for number, (_, title, content, _, old) in enumerate(read, 1):
        left = {chunk["content"]: chunk["id"] for chunk in old}
        at = 0
        for line in (content or "").splitlines():
            if line:
                news.append((number, left.pop(line, None), title, line, "", at, at + len(line)))
            at += len(line) + 1
    rows = database.rows(
        WRITE,
        [
            [row[0] for row in read],
            [row[3] for row in read],
            *([one[part] for one in olds] for part in range(2)),
            *([one[part] for one in news] for part in range(7)),
        ],
    )
    assert [row[0] for row in rows] == [row[0] for row in read]
    return [row[1] for row in rows]


def read_all(database: Database, *keys: str) -> list[tuple[Any, ...]]:
    """Documents that wait, in the order of `keys`."""
    rows = database.rows("select * from wikiembed.read_documents('articles', %s)", [list(keys)])
    return sorted(rows, key=lambda row: keys.index(row[0]))


def chunks(database: Database) -> list[tuple[Any, ...]]:
    """Position and content of each chunk, in order."""
    return database.rows(
        "select position, content from public.articles_chunks"
        " order by document_tenant, document_id, position"
    )


def counts(database: Database) -> tuple[Any, ...]:
    """Total, split, waiting, failed, chunks."""
    (row,) = database.rows(
        "select total, split, waiting, failed, chunks from wikiembed.documents"
        " where source = 'articles'"
    )
    return row


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


def test_reconcile_finds_what_bypassed_the_triggers(articles: Database) -> None:
    """Documents without a state, states without a document, texts that changed unseen."""
    for name in ("a", "b", "c"):
        split(articles, put(articles, name, "one"))
    articles.execute(FREE)
    articles.execute(
        "alter table public.articles disable trigger all;"
        "insert into public.articles values (1, 'd', 't', 'new');"
        "update public.articles set body = 'changed' where id = 'a';"
        "delete from public.articles_chunks where document_id = 'b';"
        "delete from public.articles where id = 'b';"
        "alter table public.articles enable trigger all"
    )
    articles.execute("select * from wikiembed.reconcile('articles')")
    assert sorted(queued(articles)) == ['[1, "a"]', '[1, "d"]']
    assert counts(articles) == (3, 1, 2, 0, 1)
    for key in queued(articles):
        split(articles, key)


def test_write_of_a_source_that_was_attached_again_is_stale(articles: Database) -> None:
    """A worker that read it before the detach has split it with other options."""
    key = put(articles, "a", "one")
    read = read_all(articles, key)
    articles.execute("select wikiembed.detach('articles'); drop table public.articles_chunks")
    articles.execute(ATTACH)
    assert write_all(articles, read) == ["stale"]
    assert split(articles, key) == "written"


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
