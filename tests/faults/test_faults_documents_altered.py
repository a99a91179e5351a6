"""Chunk tables of documents that are altered by hand: what is found, and what reconcile heals."""

from __future__ import annotations

from tests.faults.documents import add_articles, attach, make_articles, reckon_articles
from tests.support.chunks import counts
from tests.support.database import Database
from tests.support.long_form import LONG
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of, working

TILED = "every chunk of a document is its text from starts_at to ends_at, at gapless positions"
PROVED = "every stored vector belongs to the row's text"
COPIED = (
    "insert into public.articles_chunks (document_id, position, content, starts_at, ends_at)"
    " select document_id, {}, content, starts_at, ends_at from public.articles_chunks"
    " where document_id = %(id)s and position = {};"
)
ALTERED = (
    "update public.articles_chunks set content = 'mine' where document_id = %(id)s"
    " and position = 2",
    "update public.articles_chunks set starts_at = starts_at + 1 where document_id = %(id)s"
    " and position = 2",
    "delete from public.articles_chunks where document_id = %(id)s and position = 2",
    "delete from public.articles_chunks where document_id = %(id)s and position ="
    " (select max(position) from public.articles_chunks where document_id = %(id)s)",
    "delete from public.articles_chunks where document_id = %(id)s",
    "update public.articles_chunks set position = 5 - position where document_id = %(id)s"
    " and position in (2, 3)",
    COPIED.format("99", "0"),
    "delete from public.articles_chunks where document_id = %(id)s and position = 2;"
    " update public.articles_chunks set position = 2 where document_id = %(id)s and position = 3;"
    + COPIED.format("3", "2"),
    "update public.articles_chunks set document_id = %(id)s + 1, position = 99"
    " where document_id = %(id)s and position = 2",
)
"""One alteration of each article; the last one moves a chunk to the next article."""


def violations(database: Database) -> dict[str, int]:
    """Violations by invariant, without zeros."""
    rows = database.rows("select name, violations from wikiembed.check_invariants()")
    return {name: count for name, count in rows if count}


def reconcile(database: Database) -> None:
    database.execute("select * from wikiembed.reconcile('articles')")


async def test_chunks_altered_by_hand_are_found_and_healed(
    database: Database, standin: StandIn
) -> None:
    """The invariant counts their documents; reconcile has those split again, and only those."""
    damaged = len(ALTERED) + 1
    make_articles(database)
    add_articles(database, damaged + 3)
    settings = settings_of(database, standin.url)
    await drain(settings)
    before = reckon_articles(database)
    states = "select key, split_at from wikiembed_private.documents_articles"
    split_at = set(database.rows(states))
    for key, alteration in enumerate(ALTERED, 1):
        for statement in filter(None, alteration.split(";")):
            database.execute(statement, {"id": key})
        found = {row[0] for row in database.rows(
            "select wikiembed_private.damaged_documents('articles')"
        )}  # fmt: skip
        last = {str(key + 1)} if key == len(ALTERED) else set()
        assert found == {str(n) for n in range(1, key + 1)} | last
    assert violations(database) == {TILED: damaged}
    reconcile(database)
    assert violations(database) == {}
    standin.reset_stats()
    await drain(settings)
    assert reckon_articles(database) == before
    # All of the article without chunks, and of each other one what was altered.
    assert standin.stats.texts <= before // (damaged + 3) + 2 * damaged
    assert {row[0] for row in split_at - set(database.rows(states))} == {
        str(key) for key in range(1, damaged + 1)
    }
    reconcile(database)
    assert reckon_articles(database) == before


async def test_document_of_many_chunks_is_checked_piece_by_piece(
    database: Database, standin: StandIn
) -> None:
    """Some characters are wide; one chunk that was altered is found at each place."""
    make_articles(database, max_chars=1_000, context="none")
    text = " ".join(
        f"{n}. 단어의 뜻과 𝒳 in sentence number {n}." for n in range(30_000 if LONG else 2_500)
    )
    assert len(text) > 1 << (20 if LONG else 16)
    database.execute("insert into public.articles values (1, null, %s)", [text])
    settings = settings_of(database, standin.url)
    await drain(settings)
    count = reckon_articles(database)
    for position in (0, count // 2, count - 1):
        with database.connect(autocommit=False) as connection:
            connection.execute(
                "update public.articles_chunks set content = content || '.' where position = %s",
                [position],
            )
            found = connection.execute(
                "select * from wikiembed_private.damaged_documents('articles')"
            ).fetchall()
            connection.rollback()
        assert found == [("1",)]
    reckon_articles(database)


async def test_truncated_chunk_table_is_split_again(database: Database, standin: StandIn) -> None:
    """A truncate queues a reconcile, which finds documents without their chunks."""
    make_articles(database)
    add_articles(database, 3)
    settings = settings_of(database, standin.url)
    await drain(settings)
    before = reckon_articles(database)
    database.execute("truncate public.articles_chunks")
    assert violations(database) == {TILED: 3}
    async with working(settings) as worker:
        await worker.wait_for(lambda: counts(database, "articles").embedded == before)
    assert reckon_articles(database) == before


async def test_vector_and_context_that_are_set_by_hand(
    database: Database, standin: StandIn
) -> None:
    """A vector is found by its proof alone; a context is embedded as it is, until an edit."""
    make_articles(database)
    add_articles(database, 1)
    settings = settings_of(database, standin.url)
    await drain(settings)
    reckon_articles(database)
    database.execute("update public.articles_chunks set embedding = '[1,2,3,4]' where position = 1")
    assert violations(database) == {PROVED: 1}
    database.execute("update public.articles_chunks set embedding = null where position = 1")
    database.execute("update public.articles_chunks set context = 'mine' where position = 2")
    await drain(settings)
    reckon_articles(database)
    database.execute("update public.articles set body = body || ' More.'")
    await drain(settings)
    reckon_articles(database)
    assert database.rows("select distinct context from public.articles_chunks") == [("Title 1",)]


async def test_chunks_without_a_foreign_key_go_with_their_documents(
    database: Database, standin: StandIn
) -> None:
    """A role drops it later: reconcile deletes the chunks that are left."""
    database.execute("create table public.articles (id bigint primary key, title text, body text)")
    attach(database)
    database.execute(
        "alter table public.articles_chunks drop constraint articles_chunks_document_id_fkey"
    )
    add_articles(database, 3)
    settings = settings_of(database, standin.url)
    await drain(settings)
    reckon_articles(database)
    left = database.one("select count(*) from public.articles_chunks where document_id <> 2")
    database.execute("delete from public.articles where id = 1")
    database.execute("update public.articles set id = 4 where id = 3")
    await drain(settings)
    assert violations(database) == {TILED: left}
    reconcile(database)
    reckon_articles(database)
