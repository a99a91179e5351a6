"""Locks of users: the worker never waits for them and causes no deadlock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from tests.faults.final_counts import check_final_counts
from tests.faults.report import Report
from tests.faults.users import run_all, set_limits
from tests.support.chunks import (
    add,
    add_chunks,
    clear_jobs,
    counts,
    fail,
    in_background,
    make_source,
    read,
    settled,
    start,
    wait_until_blocked,
)
from tests.support.cli import RunCli
from tests.support.database import Database
from tests.support.long_form import LONG
from tests.support.standin import BadText, StandIn
from tests.support.workers import drain, prove, settings_of, working

HELD = 640 if LONG else 64
ROUNDS = 40 if LONG else 5


async def test_compare_and_set_of_rows_held_for_long_costs_few_texts(
    docs_table: Database, standin: StandIn, report: Report
) -> None:
    """Locked rows cost no request while they are locked.

    After the release their first job and that of the user's update may overlap: then each text is
    sent by both, and written once.
    """
    prove(docs_table)
    add_chunks(docs_table, 2 * HELD)
    holder = docs_table.connect(autocommit=False)
    holder.execute("update public.docs set body = body || ' held' where id <= %s", [HELD])
    async with working(settings_of(docs_table, standin.url), poll_s=0.1) as worker:
        await worker.wait_for(lambda: counts(docs_table).embedded == HELD)
        await asyncio.sleep(20 if LONG else 3)
        assert standin.stats.texts <= HELD + 8
        docs_table.check_invariants()
        holder.commit()
        await worker.wait_for(lambda: settled(docs_table), 60)
    assert counts(docs_table) == (2 * HELD, 0, 0, 0)
    assert standin.stats.texts <= 3 * HELD + 16
    docs_table.check_invariants()
    check_final_counts(docs_table, report, "rows held by users", stats=standin.stats, tried=HELD)


def one_by_one(connection: psycopg.Connection, keys: Sequence[int], rounds: int) -> int:
    """Update the rows of `keys` in this order, all in one transaction, `rounds` times."""
    for n in range(rounds):
        with connection.transaction():
            for key in keys:
                connection.execute(
                    "update public.docs set body = %s where id = %s", [f"poison {n}", key]
                )
    return rounds * len(keys)


def retry_over_and_over(connection: psycopg.Connection, times: int) -> int:
    """Call retry over and over, like an impatient operator."""
    for _ in range(times):
        connection.execute("select * from wikiembed.retry_failures('docs')")
        connection.execute("select * from wikiembed.reconcile('docs')")
        connection.execute("select pg_sleep(0.05)")
    return times


async def test_users_in_opposite_order_cause_no_deadlock(
    database: Database, standin: StandIn, report: Report
) -> None:
    """They share no row, so a deadlock would be caused by the worker, retry or reconcile."""
    make_source(database, key="bigint", batch_size=16)
    prove(database)
    standin.controls.bad_texts = [BadText(contains="poison")]
    database.execute(
        "insert into public.docs (id, body) select i, 'poison' from generate_series(1, 100) as i"
    )
    await drain(settings_of(database, standin.url))
    assert counts(database).failed == 100
    upwards, downwards = list(range(1, 101, 2)), list(range(100, 0, -2))
    tasks = [
        partial(one_by_one, set_limits(database.connect()), upwards, ROUNDS),
        partial(one_by_one, set_limits(database.connect()), downwards, ROUNDS),
        partial(retry_over_and_over, set_limits(database.connect()), 4 * ROUNDS),
    ]
    with ThreadPoolExecutor(len(tasks)) as pool:
        async with working(settings_of(database, standin.url), poll_s=0.1) as worker:
            ended = run_all(pool, [*tasks])
            await worker.wait_for(ended, 240)
            database.execute("update public.docs set body = 'cured ' || id")
            await worker.wait_for(lambda: counts(database) == (100, 0, 0, 0), 60)
    database.check_invariants()
    dead = database.one("select deadlocks from pg_stat_database where datname = current_database()")
    assert dead == 0
    check_final_counts(
        database, report, "users in opposite orders", stats=standin.stats, tried=2 * ROUNDS
    )


def test_retry_skips_held_failures(docs_table: Database, run_cli: RunCli) -> None:
    """Otherwise the holder would deadlock on a failure that retry locks; retry reports the rest."""
    keys = add(docs_table, "1", "2", "3")
    fail(docs_table, read(docs_table, keys))
    clear_jobs(docs_table)
    user = set_limits(docs_table.connect(autocommit=False))
    user.execute("update public.docs set body = 'new' where id = 3")
    operator = set_limits(docs_table.connect(autocommit=False))
    retried = operator.execute("select chunks, held from wikiembed.retry_failures('docs')")
    assert retried.fetchone() == (2, 1)
    with in_background() as pool:
        going_on = start(pool, user, "update public.docs set body = 'new' where id = 1")
        wait_until_blocked(docs_table, user)
        operator.commit()
        going_on.result(timeout=20)
    add(docs_table, "4")
    fail(docs_table, read(docs_table, ["4"]))
    output = run_cli("retry", "docs")
    assert "1 chunk queued again in 1 job." in output.stdout
    assert "1 failure is held by another transaction: run it again later." in output.stdout
    user.commit()
    assert "held" not in run_cli("retry", "docs").stdout
    docs_table.check_invariants()


def test_inserts_of_32_clients_share_their_notifications(docs_table: Database) -> None:
    """Notifying commits wait for one another: one per 20 ms, not one per insert."""
    clients = [set_limits(docs_table.connect()) for _ in range(32)]

    def insert(connection: psycopg.Connection) -> None:
        for _ in range(20):
            connection.execute("insert into public.docs (body) values ('new')")

    with docs_table.connect() as listener, ThreadPoolExecutor(32) as pool:
        listener.execute('listen "procrastinate_queue_v1#embed_docs"')
        clock = "select extract(epoch from clock_timestamp()) * 1000"
        began = docs_table.one(clock)
        list(pool.map(insert, clients))
        ticks = int(docs_table.one(clock) - began) // 20
        received = len(list(listener.notifies(timeout=1)))
    assert 1 <= received <= 2 * ticks + 4  # two clients may see the same tick
    docs_table.check_invariants()


def test_bulk_delete_and_retry_never_deadlock(docs_table: Database) -> None:
    """In random order, in one transaction, statement by statement, against retry after retry."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(ROUNDS):
        keys = add(docs_table, *["text"] * 60)
        fail(docs_table, read(docs_table, keys))
        clear_jobs(docs_table)
        dice.shuffle(keys)
        connections = [set_limits(docs_table.connect()) for _ in range(3)]
        statement = "; ".join(
            f"delete from public.docs where id in ({', '.join(keys[i : i + 6])})"
            for i in range(0, 60, 6)
        )
        with in_background() as pool:
            running = [
                start(pool, connections[0], f"begin; {statement}; commit"),
                start(pool, connections[1], "select wikiembed.retry_failures('docs')"),
                start(pool, connections[2], "select wikiembed.reconcile('docs')"),
            ]
            for one in running:
                one.result(timeout=30)
        docs_table.execute("select wikiembed.reconcile('docs')")
        docs_table.check_invariants()


@pytest.mark.parametrize("mode", ["share row exclusive", "exclusive", "access exclusive"])
async def test_table_locked_by_a_user_loses_nothing(
    docs_table: Database, standin: StandIn, mode: str
) -> None:
    """The worker's write gives up its lock and the job returns; the user is not disturbed."""
    prove(docs_table)
    add_chunks(docs_table, 64)
    locker = set_limits(docs_table.connect(autocommit=False))
    locker.execute(f"lock table public.docs in {mode} mode".encode())
    async with working(settings_of(docs_table, standin.url), poll_s=0.1) as worker:
        await asyncio.sleep(4 if LONG else 2.5)
        locker.execute("insert into public.docs (body) values ('by the locker')")
        written = locker.execute("select count(vec) from public.docs").fetchone()
        assert written == (0,)
        locker.commit()
        await worker.wait_for(lambda: counts(docs_table) == (65, 0, 0, 0))
    docs_table.check_invariants()


@pytest.mark.parametrize("level", list(psycopg.IsolationLevel)[1:], ids=lambda one: one.name)
async def test_clients_of_every_isolation_level_write_beside_a_worker(
    docs_table: Database, standin: StandIn, level: psycopg.IsolationLevel
) -> None:
    """Their inserts and updates are queued; they retry serialization failures."""
    prove(docs_table)
    standin.controls.latency_s = 0.01
    connections = [docs_table.connect(autocommit=False) for _ in range(4)]
    for connection in connections:
        connection.isolation_level = level

    def write(connection: psycopg.Connection) -> int:
        written = 0
        while written < 25:
            try:
                with connection.transaction():
                    (key,) = connection.execute(
                        "insert into public.docs (body) values ('new') returning id"
                    ).fetchone() or (0,)
                    connection.execute("update public.docs set body = 'newer' where id = %s", [key])
                    connection.execute(
                        "update public.docs set body = body || '!' where id = %s", [key - 7]
                    )
                written += 1
            except psycopg.errors.SerializationFailure:
                continue
        return written

    with ThreadPoolExecutor(4) as pool:
        async with working(settings_of(docs_table, standin.url), poll_s=0.1) as worker:
            await worker.wait_for(run_all(pool, [partial(write, one) for one in connections]), 60)
            await worker.wait_for(lambda: counts(docs_table) == (100, 0, 0, 0), 60)
    docs_table.check_invariants()
