"""The rows of one statement give the same jobs, whichever path its size selects in the trigger."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.test_keys import attach
from tests.support.chunks import add, coverage, jobs, queued
from tests.support.database import Database

LIMITS = (
    "select (regexp_matches(prosrc, 'limit ([0-9]+) \\+ 1', 'g'))[1]::int from pg_proc"
    " where proname = 'on_insert_keyed' order by 1"
)
KEYS = {
    "smallint": "i - 5000",
    "int": "i - 5000",
    "bigint": "i::bigint << 40",
    "uuid": "md5(i::text)::uuid",
    "text": "'it''s \"' || i",
    "varchar": "'{ä,' || i",
    "public.short_key": "'k' || i",
}


def insert(database: Database, key: str, rows: int, *, embedded_each: int) -> None:
    """Insert rows in one statement; each n-th has its vector."""
    database.execute(
        f"insert into public.keyed (k, body, vec) select {key}, 'text',"
        " case when i %% %s = 0 then '[1,1,1,1]'::vector end from generate_series(1, %s) as i",
        [embedded_each, rows],
    )


def check(database: Database, *, size: int = 64) -> None:
    """Every missing key waits in one job, all jobs but the last are full, and counts are exact."""
    missing = database.rows("select k::text from public.keyed where vec is null")
    assert queued(database, "keyed") == sorted(row[0] for row in missing)
    full, rest = divmod(len(missing), size)
    sizes = sorted((len(job.keys) for job in jobs(database, "keyed")), reverse=True)
    assert sizes == [size] * full + [rest] * (rest > 0)
    total, embedded = database.rows("select count(*), count(vec) from public.keyed")[0]
    counted = coverage(database, "keyed")
    assert (counted["total"], counted["embedded"]) == (total, embedded)
    database.check_invariants()


@pytest.mark.parametrize("key_type", KEYS)
@pytest.mark.parametrize("rows", [64, 65, 300])
def test_array_of_keys_is_split_into_batches(database: Database, key_type: str, rows: int) -> None:
    """Of any key type, with characters that need escaping."""
    attach(database, key_type)
    insert(database, KEYS[key_type], rows, embedded_each=7)
    check(database)


@pytest.mark.parametrize("rows", [9_999, 10_000, 10_001, 10_300])
@pytest.mark.parametrize("embedded_each", [3, 100_000])
def test_more_keys_than_an_array_may_hold_are_read_batch_by_batch(
    database: Database, rows: int, embedded_each: int
) -> None:
    """A text array is searched from its start for each slice, so it ends at 10,000."""
    attach(database, "text")
    assert database.rows(LIMITS) == [(64,), (10_000,)]
    insert(database, KEYS["text"], rows, embedded_each=embedded_each)
    check(database)


@pytest.mark.parametrize(("key_type", "most"), [("bigint", 500_000), ("uuid", 500_000)])
def test_keys_of_one_length_make_a_longer_array(
    database: Database, key_type: str, most: int
) -> None:
    """Their slices are found by offset."""
    attach(database, key_type)
    assert database.rows(LIMITS) == [(64,), (most,)]


@pytest.mark.parametrize("rows", [1, 64, 65, 10_001])
def test_rows_with_vectors_queue_nothing(database: Database, rows: int) -> None:
    """They are still counted."""
    attach(database, "text")
    insert(database, KEYS["text"], rows, embedded_each=1)
    assert jobs(database, "keyed") == []
    assert coverage(database, "keyed")["embedded"] == rows
    database.check_invariants()


def test_jobs_keep_the_order_of_the_statement(database: Database) -> None:
    """A backfill processes a table in the order it was written."""
    attach(database, "bigint")
    insert(database, KEYS["bigint"], 300, embedded_each=1_000)
    keys = [int(key) >> 40 for job in jobs(database, "keyed") for key in job.keys]
    assert keys == list(range(1, 301))


def test_batch_size_takes_effect_with_its_transaction(docs_table: Database) -> None:
    """The trigger is regenerated: other sessions see it on commit, a rollback undoes it."""
    with docs_table.connect() as connection:
        connection.execute(b"begin")
        connection.execute(b"update wikiembed.sources set batch_size = 2 where name = 'docs'")
        connection.execute(b"insert into public.docs (body) values ('a'), ('b'), ('c')")
        connection.execute(b"rollback")
        add(docs_table, "a", "b", "c")
        assert [len(job.keys) for job in jobs(docs_table)] == [3]
        connection.execute(b"update wikiembed.sources set batch_size = 2 where name = 'docs'")
    add(docs_table, "d", "e", "f")
    assert [len(job.keys) for job in jobs(docs_table)] == [3, 2, 1]


def test_batch_size_of_a_source_without_its_table(docs_table: Database) -> None:
    """It can be set, without effect."""
    docs_table.execute("drop table public.docs")
    docs_table.execute("update wikiembed.sources set batch_size = 2 where name = 'docs'")
    assert docs_table.one("select batch_size from wikiembed.sources where name = 'docs'") == 2


def test_two_sessions_set_the_batch_size(docs_table: Database) -> None:
    """One waits for the other's source row, and neither fails on the function."""
    with docs_table.connect() as one, docs_table.connect() as two:
        one.execute(b"begin")
        one.execute(b"update wikiembed.sources set batch_size = 2 where name = 'docs'")
        two.execute(b"set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            two.execute(b"update wikiembed.sources set batch_size = 3 where name = 'docs'")
        one.execute(b"commit")
        two.execute(b"update wikiembed.sources set batch_size = 3 where name = 'docs'")
    add(docs_table, *["text"] * 6)
    assert [len(job.keys) for job in jobs(docs_table)] == [3, 3]


SAYS_SO = "select coalesce(current_setting('wikiembed.notifies_itself', true), '') = 'on'"


@pytest.mark.parametrize("embedded", [0, 100])
@pytest.mark.parametrize("rows", [1, 64, 65, 10_001])
def test_each_path_notifies_once_per_statement(
    database: Database, rows: int, embedded: int
) -> None:
    """Missing rows late in a statement count, too; a later statement notifies for itself."""
    attach(database, "text")
    notifications = 2 if rows > embedded else 0
    with database.connect() as listener, database.connect() as connection:
        listener.execute(b'listen "procrastinate_any_queue_v1"')
        listener.execute(b'listen "procrastinate_queue_v1#embed_keyed"')
        connection.execute(b"begin")
        connection.execute(
            b"insert into public.keyed (k, body, vec) select 'k' || i, 'text',"
            b" case when i <= %s then '[1,1,1,1]'::vector end from generate_series(1, %s) as i",
            [embedded, rows],
        )
        assert connection.execute(SAYS_SO.encode()).fetchone() == (False,)
        connection.execute(b"commit")
        assert len(list(listener.notifies(timeout=0.2))) == notifications
        connection.execute(b"select setval('wikiembed_private.clock_embed_keyed', 0)")
        connection.execute(b"insert into public.keyed (k, body) values ('last', 'text')")
        assert len(list(listener.notifies(timeout=0.2))) == 2
        connection.execute(b"select setval('wikiembed_private.clock_embed_keyed', 0)")
        connection.execute(b"delete from wikiembed_queue.procrastinate_jobs")
        connection.execute(b"select * from wikiembed.enqueue('keyed')")
        assert len(list(listener.notifies(timeout=0.2))) == 2
