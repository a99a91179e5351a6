"""Locks are taken in one order, in separate statements."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import (
    VECTOR,
    add,
    clear_jobs,
    coverage,
    fail,
    in_background,
    jobs,
    queued,
    read,
    start,
    wait_until_blocked,
    write,
)
from tests.support.database import Database


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
@pytest.mark.parametrize(
    "call",
    [
        "wikiembed.attach('public.docs', 'id', 'body', 'vec', 'again')",
        "wikiembed.detach('docs')",
        "wikiembed.enqueue('docs')",
        "wikiembed.reconcile('docs')",
        "wikiembed.retry_failures('docs')",
        "wikiembed.skip('docs', array['1'])",
    ],
)
def test_isolation_above_read_committed_is_refused(
    docs_table: Database, level: str, call: str
) -> None:
    """The snapshot would be older than the lock."""
    with docs_table.connect(autocommit=False) as connection:
        connection.execute(f"set transaction isolation level {level}".encode())
        with pytest.raises(psycopg.Error, match="read committed") as caught:
            connection.execute(f"select * from {call}".encode())
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE008", True)


def test_concurrent_enqueues_add_once(docs_table: Database) -> None:
    """The second waits for the first and then sees its jobs."""
    add(docs_table, *["text"] * 100)
    clear_jobs(docs_table)
    first, second = docs_table.connect(autocommit=False), docs_table.connect()
    first.execute("select * from wikiembed.enqueue('docs')")
    with in_background() as pool:
        waiting = start(pool, second, "select jobs, chunks from wikiembed.enqueue('docs')")
        wait_until_blocked(docs_table, second)
        first.commit()
        assert waiting.result(timeout=5) == [(0, 0)]
    assert len(queued(docs_table)) == 100


def test_deletes_and_retries_never_deadlock(docs_table: Database) -> None:
    """Both lock failures in key order."""
    keys = add(docs_table, *["text"] * 200)
    delete = (
        "with k as (select id from public.docs where id %% 2 = 0 order by md5(id::text))"
        " delete from public.docs as d using k where d.id = k.id"
    )
    for _ in range(5):
        fail(docs_table, read(docs_table, keys))
        clear_jobs(docs_table)
        with in_background() as pool:
            running = [
                start(pool, docs_table.connect(), "select wikiembed.retry_failures('docs')"),
                start(pool, docs_table.connect(), delete, []),
                start(pool, docs_table.connect(), "update public.docs set body = body || '!'"),
            ]
            for one in running:
                one.result(timeout=20)
        docs_table.check_invariants()
        keys = [*keys[1::2], *add(docs_table, *["text"] * 100)]


def test_failures_are_locked_in_key_order(docs_table: Database) -> None:
    """A delete that waits for a held failure holds no failure with a later key."""
    keys = add(docs_table, "1", "2", "3")
    fail(docs_table, read(docs_table, keys))
    holder, deleter = docs_table.connect(autocommit=False), docs_table.connect()
    holder.execute("select from wikiembed.failures where key = '1' for update")
    with in_background() as pool:
        delete = start(pool, deleter, "delete from public.docs where id in (3, 2, 1)")
        wait_until_blocked(docs_table, deleter)
        free = docs_table.rows(
            "select key from wikiembed.failures order by key for update skip locked"
        )
        assert free == [("2",), ("3",)]
        holder.commit()
        delete.result(timeout=5)


def test_fold_is_exact_with_concurrent_inserts_and_folds(docs_table: Database) -> None:
    """Nothing is counted twice or lost while rows are folded."""
    old = (
        "insert into wikiembed.ledger (source, at, total, embedded)"
        " select 'docs', now() - interval '10 min' - random() * interval '2 days', 1, 1"
        " from generate_series(1, 40)"
    )
    with in_background() as pool:
        connections = [docs_table.connect() for _ in range(4)]

        def work(connection: psycopg.Connection, query: bytes) -> None:
            for _ in range(25):
                connection.execute(query)

        running = [
            pool.submit(work, connection, query)
            for connection, query in zip(
                connections,
                [old.encode(), old.encode(), *[b"select wikiembed.fold_ledger()"] * 2],
                strict=True,
            )
        ]
        for one in running:
            one.result(timeout=30)
    docs_table.execute("select wikiembed.fold_ledger()")
    row = coverage(docs_table)
    assert (row["total"], row["embedded"]) == (2000, 2000)


def test_truncate_queues_a_reconcile_once(docs_table: Database) -> None:
    """At upkeep's priority, without a lock that could abort a truncate."""
    add(docs_table, "one")
    docs_table.execute("truncate public.docs")
    docs_table.execute("truncate public.docs")
    assert docs_table.rows(
        "select queue_name, priority, args, lock, queueing_lock"
        " from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.reconcile'"
    ) == [("wikiembed_upkeep", 100, {"source": "docs"}, None, None)]
    assert coverage(docs_table)["total"] == 0


def test_detach_waits_for_an_open_insert(docs_table: Database) -> None:
    """Otherwise its job would remain without a source."""
    user, operator = docs_table.connect(autocommit=False), docs_table.connect()
    user.execute("insert into public.docs (body) values ('x')")
    with in_background() as pool:
        detach = start(pool, operator, "select wikiembed.detach('docs')")
        wait_until_blocked(docs_table, operator)
        user.commit()
        detach.result(timeout=5)
    assert jobs(docs_table) == []
    docs_table.check_invariants()


@pytest.mark.parametrize("act", ["read", "write", "fail", "skip"])
def test_detach_and_a_worker_never_deadlock(docs_table: Database, act: str) -> None:
    """Both lock table, then source row: a waiter holds nothing that the other needs."""
    versions = read(docs_table, add(docs_table, "x"))
    user, operator = docs_table.connect(autocommit=False), docs_table.connect()
    worker = docs_table.connect()
    user.execute("insert into public.docs (body) values ('y')")
    calls: dict[str, tuple[str, list[object]]] = {
        "read": ("select * from wikiembed.read_chunks('docs', array['1'])", []),
        "write": (
            "select outcome from wikiembed.write_embeddings('docs', array['1'], %s,"
            " array[%s::vector])",
            [[versions["1"]], VECTOR],
        ),
        "fail": (
            "select outcome from wikiembed.record_failures('docs', array['1'], %s, 'x')",
            [[versions["1"]]],
        ),
        "skip": ("select wikiembed.skip('docs', array['1'])", []),
    }
    with in_background() as pool:
        detach = start(pool, operator, "select wikiembed.detach('docs')")
        wait_until_blocked(docs_table, operator)
        waiting = start(pool, worker, *calls[act])
        wait_until_blocked(docs_table, worker)
        user.commit()
        detach.result(timeout=5)
        if act == "skip":
            with pytest.raises(psycopg.Error, match="no source is named"):
                waiting.result(timeout=5)
        else:
            assert waiting.result(timeout=5) in ([], [("gone",)])
    docs_table.check_invariants()


def test_attach_gives_up_waiting_for_a_lock(docs_table: Database) -> None:
    """Others do not wait long behind it: the timeout is part of the function."""
    settings = docs_table.one(
        "select array_agg(distinct p.proname::text order by p.proname::text) from pg_proc as p,"
        " unnest(p.proconfig) as c where c = 'lock_timeout=10s'"
    )
    assert settings == [
        *("attach", "attach_documents", "detach", "reconcile_source", "resplit", "skip"),
        "switch",
    ]


def test_ledger_has_no_foreign_key(database: Database) -> None:
    """Every statement of every client would lock the same source row."""
    count = database.one(
        "select count(*) from pg_constraint"
        " where conrelid = 'wikiembed.ledger'::regclass and contype = 'f'"
    )
    assert count == 0


def test_write_does_not_lock_the_source_exclusively(docs_table: Database) -> None:
    """Two workers write at the same time."""
    versions = read(docs_table, add(docs_table, "a", "b"))
    first = docs_table.connect(autocommit=False)
    first.execute(
        "select * from wikiembed.write_embeddings('docs', array['1'], %s, array[%s::vector])",
        [[versions["1"]], VECTOR],
    )
    assert write(docs_table, {"2": versions["2"]}) == {"2": "written"}
    first.commit()
    docs_table.check_invariants()
