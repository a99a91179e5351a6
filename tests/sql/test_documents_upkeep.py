"""Documents: what bypassed the triggers, renames, dropped tables, and failures that ended."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.documents import ATTACH, FREE, chunks, counts, put, queued, split

RECONCILE = "select documents_enqueued, dead_jobs from wikiembed.reconcile('articles')"
CURRENT = "select wikiembed_private.document_triggers_current('articles')"
RECORD = (
    "select wikiembed.record_document_failure('articles', d.key, d.version, %s, 'It failed.')"
    " from wikiembed.read_documents('articles', array[%s]) as d"
)


def fail_document(database: Database, key: str, error_class: str = "document_unreadable") -> None:
    """Record a failure of a document that waits."""
    assert database.one(RECORD, [error_class, key]) is True


def history(database: Database) -> list[tuple[Any, ...]]:
    """Key, class and end of each failure of a document that ended."""
    return database.rows(
        "select key, error_class, how from wikiembed.failure_history where document"
        " order by ended_at, key"
    )


ENDS = {
    "retry": ("select wikiembed.retry_failures('articles')", "retried"),
    "retry class": (
        "select wikiembed.retry_failures('articles', p_error_class => 'document_unreadable')",
        "retried",
    ),
    "text": ("update public.articles set body = 'new'", "changed"),
    "key": ("update public.articles set id = 'z'", "changed"),
    "delete": ("delete from public.articles", "deleted"),
    "truncate": ("truncate public.articles cascade", "deleted"),
    "unseen delete": (
        "set session_replication_role = 'replica'; delete from public.articles;"
        " reset session_replication_role; select wikiembed.reconcile('articles')",
        "deleted",
    ),
    "other column": ("update public.articles set other = 1", None),
    "retry another class": (
        "select wikiembed.retry_failures('articles', p_error_class => 'timeout')",
        None,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_history_records_how_a_failure_of_a_document_ended(articles: Database, end: str) -> None:
    """As for a chunk."""
    statement, how = ENDS[end]
    key = put(articles, "a", "one")
    fail_document(articles, key)
    articles.execute(statement)
    ended = [(key, "document_unreadable", how)] if how else []
    assert history(articles) == ended
    assert articles.one("select count(*) from wikiembed.document_failures") == int(how is None)


def test_failure_of_a_document_that_is_split_is_cured(articles: Database) -> None:
    """The write of its chunks ends the failure; that of another document stays."""
    key, other = put(articles, "a", "one"), put(articles, "b", "two")
    fail_document(articles, key)
    fail_document(articles, other, "timeout")
    assert split(articles, key) == "written"
    assert history(articles) == [(key, "document_unreadable", "cured")]
    assert counts(articles) == (2, 1, 0, 1, 1)


def test_retry_queues_documents_of_one_class(articles: Database) -> None:
    """In jobs of 16, without the others."""
    keys = [put(articles, f"a{n:02}", "text") for n in range(20)]
    for key in keys[:17]:
        fail_document(articles, key)
    for key in keys[17:]:
        fail_document(articles, key, "timeout")
    articles.execute(FREE)
    retry = "select jobs, chunks from wikiembed.retry_failures('articles', null, %s)"
    assert articles.rows(retry, ["document_unreadable"]) == [(2, 0)]
    assert queued(articles) == keys[:17]
    assert articles.rows("select key from wikiembed.document_failures order by key") == [
        (key,) for key in keys[17:]
    ]


def test_retry_takes_the_key_of_a_document_without_blanks(articles: Database) -> None:
    """As a user writes JSON; the other document's failure stays."""
    key, other = put(articles, "a", "one"), put(articles, "b", "two")
    fail_document(articles, key)
    fail_document(articles, other)
    typed = key.replace(" ", "")
    assert typed != key
    articles.execute(FREE)
    articles.execute("select wikiembed.retry_failures('articles', array[%s])", [typed])
    assert queued(articles) == [key]
    assert articles.rows("select key from wikiembed.document_failures") == [(other,)]


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


def test_reconcile_counts_documents_that_it_queues(articles: Database) -> None:
    """Those in no job; a second call finds none."""
    for name in ("a", "b", "c"):
        put(articles, name, "one")
    articles.execute(FREE)
    assert articles.rows(RECONCILE) == [(3, 0)]
    assert articles.rows(RECONCILE) == [(0, 0)]
    assert len(queued(articles)) == 3
    logged = "select detail -> 'documents_enqueued' from wikiembed.action_log"
    assert articles.rows(f"{logged} where action = 'reconcile'") == [(3,)]


def test_reconcile_queues_documents_of_dead_jobs_while_held_back(articles: Database) -> None:
    """Only those of jobs that died; the others wait for enqueue."""
    for n in range(40):
        put(articles, f"a{n:02}", "one")
    articles.execute(FREE)
    articles.execute("select wikiembed.enqueue('articles', p_max_chunks => 16)")
    articles.execute(
        "update wikiembed_queue.procrastinate_jobs set status = 'failed'"
        " where task_name = 'wikiembed.split'"
    )
    assert articles.rows(RECONCILE) == [(16, 1)]
    assert len(queued(articles)) == 16


@pytest.mark.parametrize(
    "damage",
    [
        "drop trigger wikiembed_articles_document_update on public.articles",
        "alter table public.articles disable trigger wikiembed_articles_document_insert",
        "update wikiembed.document_sources set trigger_version = 1",
    ],
)
def test_reconcile_repairs_the_triggers_of_documents(articles: Database, damage: str) -> None:
    """Whether missing, disabled or outdated."""
    assert articles.one(CURRENT) is True
    articles.execute(damage)
    assert articles.one(CURRENT) is False
    articles.execute("select wikiembed.reconcile('articles')")
    assert articles.one(CURRENT) is True
    key = put(articles, "a", "one")
    articles.execute(FREE)
    articles.execute("update public.articles set body = 'two'")
    assert queued(articles) == [key]


@pytest.mark.parametrize("followed_by", ["event trigger", "reconcile"])
def test_renamed_columns_of_documents_are_followed(articles: Database, followed_by: str) -> None:
    """Key, text and title; the chunk table's column follows that of the key."""
    split(articles, put(articles, "a", "one"))
    if followed_by == "reconcile":
        articles.execute("alter event trigger wikiembed_on_ddl disable")
    for column in ("id", "title", "body"):
        articles.execute(f"alter table public.articles rename {column} to new_{column}")
    articles.execute("alter table public.articles rename to texts")
    if followed_by == "reconcile":
        assert articles.one(CURRENT) is False
        articles.execute("select wikiembed.reconcile('articles')")
    assert articles.one(CURRENT) is True
    articles.execute("update public.texts set new_body = 'two'")
    (key,) = set(queued(articles))
    assert split(articles, key) == "written"
    content = "select content from public.articles_chunks where document_id = 'a'"
    assert articles.rows(content) == [("two",)]


ALTERED = {
    "text dropped": ("drop column body", "(1, 'b', 't')", "title = 'New'", []),
    "title dropped": ("drop column title", "(1, 'b', 'two')", "body = 'New'", []),
    "text renamed": (
        "rename body to content", "(1, 'b', 't', 'two')", "content = 'New'",
        ['[1, "a"]', '[1, "b"]'],
    ),
    "table renamed": (
        "rename to texts", "(1, 'b', 't', 'two')", "body = 'New'", ['[1, "a"]', '[1, "b"]'],
    ),
}  # fmt: skip
"""A change of the table, an insert and an update after it, and what a reconcile then queues."""


@pytest.mark.parametrize("change", ALTERED)
@pytest.mark.parametrize("follows", [True, False])
def test_users_go_on_after_a_column_is_dropped_or_renamed(
    articles: Database, change: str, *, follows: bool
) -> None:
    """Without an event trigger a reconcile is queued, and finds what was written meanwhile."""
    alteration, row, new, waiting = ALTERED[change]
    for name in ("a", "c"):
        split(articles, put(articles, name, "one"))
    articles.execute("update public.articles_chunks set embedding = '[1,0,0,0]'")
    if not follows:
        articles.execute("alter event trigger wikiembed_on_ddl disable")
        articles.execute("select wikiembed.reconcile('articles')")
    articles.execute(FREE)
    articles.execute(f"alter table public.articles {alteration}")
    table = "public.texts" if change == "table renamed" else "public.articles"
    articles.execute(f"insert into {table} values {row}")
    articles.execute(f"update {table} set {new} where id = 'a'")
    articles.execute(f"delete from {table} where id = 'c'")
    reconciles = articles.one("select wikiembed.reconciles_left('articles')")
    assert reconciles == int("dropped" in change or not follows)
    assert articles.one("select wikiembed.is_ready('articles')") is False
    articles.execute("select wikiembed.reconcile('articles')")
    assert sorted(set(queued(articles))) == waiting
    for key in waiting:
        assert split(articles, key) == "written"


@pytest.mark.parametrize("recount", [False, True])
def test_reconcile_removes_the_chunks_of_a_dropped_partition(
    database: Database, *, recount: bool
) -> None:
    """It takes the foreign key with it; doctor's query says what is missing and how to add it."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text, other int,"
        " primary key (tenant, id)) partition by list (tenant);"
        "create table public.one partition of public.articles for values in (1);"
        "create table public.two partition of public.articles for values in (2)"
    )
    database.execute(ATTACH)
    database.execute(
        "insert into public.articles values (1, 'a', 't', 'one'), (2, 'b', 't', 'two'),"
        " (2, 'c', 't', 'three')"
    )
    for key in queued(database):
        split(database, key)
    fault = "select message, advice from wikiembed_private.chunk_table_fault('articles')"
    assert database.rows(fault) == [(None, None)]
    database.execute("set client_min_messages = error; drop table public.two cascade")
    assert len(chunks(database)) == 3
    database.execute("select wikiembed.reconcile('articles', %s)", [recount])
    assert (chunks(database), counts(database)) == ([(0, "one")], (1, 1, 0, 0, 1))
    ((message, advice),) = database.rows(fault)
    assert "lacks a constraint of a chunk table: foreign key" in message
    database.execute(advice.removeprefix("Run `").removesuffix("`"))
    assert database.rows(fault) == [(None, None)]
    database.check_invariants()


def test_chunk_table_is_sound_after_a_rename_of_the_key(articles: Database) -> None:
    """Its foreign key keeps the former name of the column."""
    articles.execute("alter table public.articles rename id to number")
    fault = "select message from wikiembed_private.chunk_table_fault('articles')"
    assert articles.one(fault) is None
    articles.execute("alter table public.articles_chunks rename heading to other")
    assert articles.one(fault) == (
        "table public.articles_chunks lacks columns of a chunk table: heading"
    )
    articles.execute("alter table public.articles_chunks rename other to heading")


@pytest.mark.parametrize(
    "damage",
    ["drop table public.articles cascade", "alter table public.articles drop column body"],
)
def test_reconcile_keeps_the_chunks_of_documents_that_were_dropped(
    articles: Database, damage: str
) -> None:
    """The source goes on as one of chunks only, with its vectors."""
    split(articles, put(articles, "a", "one\ntwo"))
    articles.execute("update public.articles_chunks set embedding = '[1,0,0,0]'")
    put(articles, "b", "waits")
    articles.execute("set client_min_messages = error")
    articles.execute(damage)
    assert articles.one("select wikiembed_private.documents_gone('articles')") is True
    assert articles.one("select dead_jobs from wikiembed.reconcile('articles')") >= 1
    assert (
        articles.one("select count(*) from wikiembed.document_sources where source = 'articles'")
        == 0
    )
    assert articles.one("select to_regclass('wikiembed_private.documents_articles')") is None
    assert chunks_of(articles) == [("one",), ("two",)]
    assert articles.one("select wikiembed.is_ready('articles')") is True
    articles.execute("select wikiembed.detach('articles')")
    left = "select proname from pg_proc where proname like '%%articles%%'"
    assert articles.rows(left) == []


def chunks_of(database: Database) -> list[tuple[Any, ...]]:
    """The contents of the chunks, in order."""
    return database.rows("select content from public.articles_chunks order by id")


def test_partitions_of_documents_get_and_lose_their_triggers(database: Database) -> None:
    """An attached partition's rows are found; a detached one queues nothing more."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text, other int,"
        " primary key (tenant, id)) partition by list (tenant);"
        "create table public.one partition of public.articles for values in (1)"
    )
    database.execute(ATTACH)
    database.execute("create table public.two (like public.articles including all)")
    database.execute("insert into public.two values (2, 'b', 't', 'body')")
    database.execute("alter table public.articles attach partition public.two for values in (2)")
    assert database.one(CURRENT) is True
    assert counts(database) == (1, 0, 1, 0, 0)
    assert database.one("select wikiembed.is_ready('articles', true)") is False
    assert queued(database) == ['[2, "b"]']
    database.execute("select wikiembed.reconcile('articles')")
    assert queued(database) == ['[2, "b"]']
    database.execute("insert into public.two values (2, 'c', 't', 'body')")
    assert queued(database) == ['[2, "b"]', '[2, "c"]']
    assert chunks(database) == []
    database.check_invariants()


def test_live_keys_are_those_of_waiting_and_running_jobs(articles: Database) -> None:
    """Of one queue and one task, scheduled ones too; malformed arguments have none."""
    key = put(articles, "a", "one")
    job = (
        "insert into wikiembed_queue.procrastinate_jobs"
        " (queue_name, task_name, args, status, scheduled_at) values"
        " ('embed_articles', %s, %s::jsonb, %s, %s)"
    )
    embed, at = "wikiembed.embed", "2031-01-01"
    articles.execute(job, [embed, '{"source": "articles", "keys": ["1"]}', "doing", None])
    articles.execute(job, [embed, '{"source": "articles", "keys": ["2"]}', "todo", at])
    articles.execute(job, [embed, '{"source": "articles", "keys": ["3"]}', "failed", None])
    articles.execute(job, [embed, '{"source": "articles", "keys": "4"}', "todo", None])
    live = "select key, status from wikiembed_private.live_keys('embed_articles', %s) order by 1"
    assert articles.rows(live, [embed]) == [("1", "doing"), ("2", "todo")]
    assert articles.rows(live, ["wikiembed.split"]) == [(key, "todo")]
    articles.execute("delete from wikiembed_queue.procrastinate_jobs where task_name = %s", [embed])


@pytest.mark.parametrize(
    "damage",
    [
        "drop table public.articles_chunks",
        "alter table public.articles_chunks drop column content cascade",
        "drop table public.articles cascade",
        "alter table public.articles drop column title",
    ],
)
def test_read_of_what_was_dropped_names_the_source(articles: Database, damage: str) -> None:
    """So that a worker ends the job: a missing table would be tried again for ever."""
    key = put(articles, "a", "one")
    articles.execute("set client_min_messages = error")
    articles.execute(damage)
    with pytest.raises(psycopg.Error, match="were dropped") as raised:
        articles.execute("select * from wikiembed.read_documents('articles', %s)", [[key]])
    assert raised.value.sqlstate == "WE001"
    articles.execute("select wikiembed.reconcile()")


@pytest.mark.parametrize("column", ["content", "position", "heading"])
def test_read_with_a_renamed_column_of_the_chunk_table_names_it(
    articles: Database, column: str
) -> None:
    """The documents wait, and are queued when the column has its name again."""
    key = put(articles, "a", "one")
    articles.execute(f"alter table public.articles_chunks rename {column} to other")
    with pytest.raises(psycopg.Error, match=f"has no column {column}") as raised:
        articles.execute("select * from wikiembed.read_documents('articles', %s)", [[key]])
    assert raised.value.sqlstate == "WE001"
    articles.execute("select wikiembed.reconcile()")
    articles.execute(f"alter table public.articles_chunks rename other to {column}")
    articles.execute(FREE)
    assert articles.rows(RECONCILE) == [(1, 0)]
    assert split(articles, key) == "written"
