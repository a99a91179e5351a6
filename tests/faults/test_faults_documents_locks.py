"""Documents, their chunks and their states are locked, or refused by users' triggers."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.faults.documents import RENUMBERED, add_articles, make_articles, reckon_articles
from tests.support.chunks import in_background, start, wait_until_blocked
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of, working

HELD = {
    "document": "select from public.articles where id = 1 for update",
    "chunk": "select from public.articles_chunks where document_id = 1 and position = 2 for update",
    "state": "select from wikiembed_private.documents_articles where key = '1' for update",
    "edit": "update public.articles set title = 'Mine' where id = 1",
    "delete": "delete from public.articles where id = 1",
}


def split_since(database: Database, key: str, moment: str) -> bool:
    return bool(database.one(
        "select coalesce(split_at > %s::timestamptz and version is not null, false)"
        " from wikiembed_private.documents_articles where key = %s", [moment, key],
    ))  # fmt: skip


@pytest.mark.parametrize("what", HELD)
async def test_lock_delays_its_own_document_alone(
    database: Database, standin: StandIn, what: str
) -> None:
    """The others of the same job are split meanwhile, and that one after the lock."""
    make_articles(database)
    add_articles(database, 6)
    settings = settings_of(database, standin.url)
    await drain(settings)
    reckon_articles(database)
    moment = str(database.one("select clock_timestamp()"))
    database.execute(f"update public.articles set body = {RENUMBERED.format('id')}")
    holder = database.connect(autocommit=False)
    holder.execute(HELD[what].encode())
    async with working(settings) as worker:
        for key in ("2", "3", "4", "5", "6"):
            await worker.wait_for(lambda key=key: split_since(database, key, moment))  # type: ignore[misc]
        assert not split_since(database, "1", moment)
        database.check_invariants()
        holder.commit()
        if what != "delete":
            await worker.wait_for(lambda: split_since(database, "1", moment))
    await drain(settings)
    reckon_articles(database)


def edit_at(level: psycopg.IsolationLevel, database: Database, key: int, times: int) -> int:
    """Edit one article so often at an isolation level, as a client that retries; the retries."""
    retries = 0
    with psycopg.connect(database.url) as connection:
        connection.isolation_level = level
        for n in range(times):
            while True:
                try:
                    with connection.transaction():
                        connection.execute(
                            "update public.articles set body = body || %s where id = %s",
                            [f" Edit {n}.", key],
                        )
                    break
                except psycopg.errors.SerializationFailure:
                    retries += 1
    return retries


async def test_writers_of_every_isolation_level_lose_no_edit(
    database: Database, standin: StandIn
) -> None:
    """Retried as such clients must, beside a worker that splits the same articles."""
    make_articles(database)
    add_articles(database, 3)
    levels = (
        psycopg.IsolationLevel.READ_COMMITTED,
        psycopg.IsolationLevel.REPEATABLE_READ,
        psycopg.IsolationLevel.SERIALIZABLE,
    )
    settings = settings_of(database, standin.url)
    async with working(settings):
        await asyncio.gather(
            *(
                asyncio.to_thread(edit_at, level, database, key, 8)
                for key, level in enumerate(levels, 1)
            )
        )
    await drain(settings)
    reckon_articles(database)
    for key in (1, 2, 3):
        text = database.one("select body from public.articles where id = %s", [key])
        assert text.endswith("".join(f" Edit {n}." for n in range(8)))


async def test_prepared_transaction_that_locks_a_document_delays_it(
    database: Database, standin: StandIn
) -> None:
    """It holds its lock without a session; an edit cannot be prepared, since it notifies."""
    make_articles(database)
    add_articles(database, 2)
    name = f"held_{database.name}"
    with database.connect() as connection:
        connection.execute("begin")
        connection.execute("select from public.articles where id = 1 for update")
        connection.execute(f"prepare transaction '{name}'".encode())
    try:
        async with working(settings_of(database, standin.url)) as worker:
            await worker.wait_for(lambda: split_since(database, "2", "-infinity"))
            assert not split_since(database, "1", "-infinity")
    finally:
        database.execute(f"rollback prepared '{name}'")
    await drain(settings_of(database, standin.url))
    reckon_articles(database)
    connection = database.connect()
    connection.execute("begin")
    connection.execute("update public.articles set body = 'An edit.'")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="NOTIFY"):
        connection.execute(f"prepare transaction '{name}'".encode())


REFUSING = {
    "discards": "if new.content ~ 'number 17 ' then return null; end if; return new;",
    "alters": "if new.content ~ 'number 17 ' then new.content := 'mine'; end if; return new;",
    "raises": "if new.content ~ 'number 17 ' then raise exception 'no'; end if; return new;",
}


@pytest.fixture
def guarded(database: Database, request: pytest.FixtureRequest) -> Database:
    """Articles whose chunk table has a trigger of a user."""
    make_articles(database)
    database.execute(
        "create function public.guard() returns trigger language plpgsql as"
        f" $$ begin {REFUSING[request.param]} end $$;"
        "create trigger guard before insert or update on public.articles_chunks"
        " for each row execute function public.guard()"
    )
    return database


@pytest.mark.parametrize("guarded", REFUSING, indirect=True)
async def test_trigger_that_refuses_a_chunk_fails_its_document(
    guarded: Database, standin: StandIn
) -> None:
    """Nothing of it is written, and it is recorded; the others are split, as it is without it."""
    add_articles(guarded, 1)
    add_articles(guarded, 2, begin=2, body="Another text.")
    settings = settings_of(guarded, standin.url)
    await drain(settings)
    assert guarded.rows("select key, error_class from wikiembed.document_failures") == [
        ("1", "write_refused")
    ]
    assert guarded.rows("select distinct document_id from public.articles_chunks order by 1") == [
        (2,),
        (3,),
    ]
    guarded.check_invariants()
    guarded.execute("drop trigger guard on public.articles_chunks")
    guarded.execute("select wikiembed.retry_failures('articles')")
    await drain(settings)
    reckon_articles(guarded)


async def test_truncates_and_deletes_while_split_leave_what_is_left(
    database: Database, standin: StandIn
) -> None:
    """Documents, then chunks, are deleted and truncated beside two workers."""
    make_articles(database)
    settings = settings_of(database, standin.url)
    async with working(settings) as one, working(settings):
        for statement in (
            "delete from public.articles where id % 3 = 0",
            "truncate public.articles cascade",
            "delete from public.articles_chunks where position % 2 = 0",
            "truncate public.articles_chunks",
            "update public.articles set id = id + 1000 where id % 2 = 0",
        ):
            begin = int(database.one("select coalesce(max(id), 0) + 1 from public.articles"))
            add_articles(database, 20, begin=begin)
            await one.wait_for(lambda: database.one("select count(*) from public.articles_chunks"))
            await asyncio.to_thread(in_transaction, database, statement)
    database.execute("select * from wikiembed.reconcile('articles')")
    await drain(settings)
    reckon_articles(database)


def in_transaction(database: Database, statement: str) -> None:
    """Run `statement` as a user would, again after a deadlock."""
    for _ in range(5):
        try:
            with psycopg.connect(database.url) as connection:
                connection.execute(statement.encode())
        except psycopg.errors.DeadlockDetected:
            continue
        return
    raise AssertionError(f"five deadlocks: {statement}")


def test_detach_waits_for_documents_before_their_chunks(database: Database) -> None:
    """In the order of a delete of documents, which locks their chunks next: no deadlock."""
    make_articles(database)
    add_articles(database, 1)
    user = database.connect(autocommit=False)
    user.execute("update public.articles set title = 'Other' where id = 1")
    operator = database.connect()
    with in_background() as pool:
        detached = start(pool, operator, "select wikiembed.detach('articles')")
        wait_until_blocked(database, operator)
        user.execute("set local lock_timeout = '5s'")
        user.execute("delete from public.articles where id = 1")
        user.commit()
        detached.result(30)
    assert database.one("select count(*) from wikiembed.sources where name = 'articles'") == 0
