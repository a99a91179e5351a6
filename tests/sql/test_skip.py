"""Skip: all of the named chunks or none, and no lock held while it waits."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, embed, fail, in_background, read, start
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.long_form import LONG

SKIP = "select wikiembed.skip('docs', %s)"


def skipped(database: Database) -> list[str]:
    """Return the skipped keys."""
    return [
        row[0]
        for row in database.rows(
            "select key from wikiembed.failures where state = 'skipped' order by key"
        )
    ]


def wait_until_waiting(database: Database, connection: psycopg.Connection) -> None:
    """Wait until a statement of `connection` waits, for a lock or in a sleep."""
    query = (
        "select count(*) from pg_stat_activity where pid = %s and state = 'active'"
        " and wait_event_type in ('Lock', 'Timeout')"
    )
    eventually(lambda: database.one(query, [connection.info.backend_pid]), within_s=10)


def test_user_who_holds_a_row_of_a_skip_can_take_the_others(docs_table: Database) -> None:
    """Skip holds nothing while it waits: there is no deadlock, and it succeeds in the end."""
    keys = add(docs_table, "1", "2", "3")
    fail(docs_table, read(docs_table, ["1"]))
    user, operator = docs_table.connect(autocommit=False), docs_table.connect()
    user.execute("update public.docs set body = 'new' where id = 2")
    with in_background() as pool:
        skip = start(pool, operator, SKIP, [keys])
        wait_until_waiting(docs_table, operator)
        user.execute("set statement_timeout = '9s'")
        user.execute("update public.docs set body = 'new' where id in (1, 3)")
        assert not skip.done()
        user.commit()
        assert skip.result(timeout=20) == [(3,)]
    assert skipped(docs_table) == keys
    docs_table.check_invariants()


def test_source_is_unlocked_while_a_skip_waits(docs_table: Database) -> None:
    """Enqueue, retry and reconcile proceed meanwhile; they need the same advisory lock."""
    keys = add(docs_table, "1", "2")
    user, operator = docs_table.connect(autocommit=False), docs_table.connect()
    other = docs_table.connect()
    user.execute("update public.docs set body = 'new' where id = 2")
    with in_background() as pool:
        skip = start(pool, operator, SKIP, [keys])
        wait_until_waiting(docs_table, operator)
        other.execute("set lock_timeout = '5s'")
        other.execute("select * from wikiembed.enqueue('docs')")
        other.execute("select * from wikiembed.retry_failures('docs')")
        assert not skip.done()
        user.rollback()
        assert skip.result(timeout=20) == [(2,)]


WITHIN = "select wikiembed_private.skip_with_timeout('docs', %s, null, interval '0.2 s')"


@pytest.mark.parametrize("skip", [WITHIN, *([SKIP] if LONG else [])])
def test_skip_gives_up_and_skips_none(docs_table: Database, skip: str) -> None:
    """55P03 with a hint in the end; a held failure counts like its held chunk."""
    keys = add(docs_table, "1", "2")
    fail(docs_table, read(docs_table, ["2"]))
    user, operator = docs_table.connect(autocommit=False), docs_table.connect()
    user.execute("select from wikiembed.failures for update")
    operator.execute("set statement_timeout = '30s'")
    with pytest.raises(psycopg.errors.LockNotAvailable, match="has locked chunks") as caught:
        operator.execute(skip.encode(), [keys])
    assert caught.value.diag.message_hint is not None
    assert skipped(docs_table) == []
    logged = "select count(*) from wikiembed.action_log where action = 'skip'"
    assert docs_table.one(logged) == 0
    user.rollback()
    assert docs_table.one(SKIP, [keys]) == 2


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        (["1", "1", " 1 "], 1),
        (["1", "77", None], 1),
        (["2"], 0),
        (["3"], 1),
        ([], 0),
        (None, 0),
    ],
)
def test_skip_counts_the_missing_chunks_among_the_keys(
    docs_table: Database, keys: list[str | None] | None, count: int
) -> None:
    """Each once; not those that do not exist or have their vector; a skipped one again."""
    add(docs_table, "one", "two", "three")
    embed(docs_table, ["2"])
    docs_table.execute("select wikiembed.skip('docs', array['3'])")
    assert docs_table.one("select wikiembed.skip('docs', %s::text[])", [keys]) == count
    docs_table.check_invariants()


@pytest.mark.parametrize(
    ("kind", "key"),
    [("bigint", "one"), ("bigint", "9" * 19), ("smallint", "40000"), ("uuid", "1"), ("int", "")],
)
def test_keys_of_another_type_are_named(database: Database, kind: str, key: str) -> None:
    """WE010 with the expected type; none is skipped."""
    database.execute(f"create table public.docs (id {kind} primary key, body text, vec vector(4))")
    database.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    with pytest.raises(psycopg.Error, match='does not fit source "docs": ') as caught:
        database.execute(SKIP, [[key]])
    assert caught.value.sqlstate == "WE010"
    assert "Its keys are of type" in (caught.value.diag.message_hint or "")


def test_skip_of_nothing_is_not_logged(docs_table: Database) -> None:
    """A key that does not exist, or whose chunk has its vector."""
    (key,) = add(docs_table, "1")
    embed(docs_table, [key])
    logged = "select count(*) from wikiembed.action_log where action = 'skip'"
    assert docs_table.one(SKIP, [[key, "77"]]) == 0
    assert docs_table.one(logged) == 0
    (key,) = add(docs_table, "2")
    assert docs_table.one(SKIP, [[key, "77"]]) == 1
    assert docs_table.one(logged) == 1


def test_skip_of_a_document_is_refused(articles: Database) -> None:
    """Its key is none of the chunks'; the sentence says what to do with it."""
    with pytest.raises(psycopg.Error, match="which are of type bigint, not those") as raised:
        articles.execute("select wikiembed.skip('articles', %s)", [['[1, "a"]']])
    assert raised.value.sqlstate == "WE010"
    assert "`wikiembed retry articles`" in (raised.value.diag.message_hint or "")
