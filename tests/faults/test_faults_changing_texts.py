"""Texts that change during embedding, from eight connections, at random from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg

from tests.faults.final_counts import check_final_counts
from tests.faults.report import Report
from tests.faults.users import run_all, set_limits, sizes_of
from tests.support.chunks import counts, jobs, make_source, settled
from tests.support.database import Database
from tests.support.long_form import LONG
from tests.support.standin import BadText, StandIn
from tests.support.workers import prove, settings_of, working

CHANGES = 20_000 if LONG else 2_000
KEYS = 2_000 if LONG else 300
LIMIT_S = 900 if LONG else 120  # each change is a job, and each bad text costs six requests
CONNECTIONS = 8
SEED = random.SystemRandom().randrange(2**32)

CHANGE = "update public.docs set body = %(text)s where id = %(key)s"
CHANGE_SOME = """
with held as (select id from public.docs where id between %(key)s and %(key)s + 20
               order by id for no key update)
update public.docs as d set body = d.body || %(text)s from held as h where d.id = h.id
"""
UPSERT = """
insert into public.docs (id, body) values (%(key)s, %(text)s)
on conflict (id) do update set body = excluded.body
"""
DELETE = "delete from public.docs where id = %(key)s"
REUSE = """
with gone as (delete from public.docs where id = %(key)s returning id)
insert into public.docs (id, body) select id + %(keys)s, %(text)s from gone
on conflict (id) do update set body = excluded.body
"""
MOVE = "update public.docs set id = -id where id = %(key)s"
RESET = "update public.docs set vec = null where id = %(key)s"
SAME = "update public.docs set body = body where id = %(key)s"
TRUNCATE = "truncate public.docs"
REFILL = """
insert into public.docs (id, body) select i, %(text)s || i from generate_series(1, %(keys)s) as i
on conflict (id) do update set body = excluded.body
"""
STATEMENTS = {
    CHANGE: 500, CHANGE_SOME: 20, UPSERT: 250, DELETE: 60, REUSE: 60, MOVE: 30, RESET: 40, SAME: 40,
}  # fmt: skip


def change(connection: psycopg.Connection, dice: random.Random, times: int) -> int:
    """Make `times` changes; returns their number."""
    for _ in range(times):
        (statement,) = dice.choices([*STATEMENTS], [*STATEMENTS.values()])
        word = dice.choice(["text", "poison", "short", "", "a longer text, with more to say"])
        values = {"key": dice.randint(1, KEYS), "keys": KEYS, "text": f"{word} {dice.random()}"}
        # Two users may give one key to two rows: a conflict of their own.
        with contextlib.suppress(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute(statement, values)
            if dice.random() < 0.2:
                connection.execute(CHANGE, {**values, "text": f"{word} again {dice.random()}"})
            if dice.random() < 0.05:
                raise psycopg.Rollback
    return times


def clear_and_refill(connection: psycopg.Connection, dice: random.Random, times: int) -> int:
    """Truncate and fill again, `times` times, with the same keys."""
    for _ in range(times):
        connection.execute("select pg_sleep(%s)", [dice.random() / 2])
        with connection.transaction():
            connection.execute(TRUNCATE)
            connection.execute(REFILL, {"keys": KEYS, "text": f"filled {dice.random()} "})
    return times


async def test_texts_changed_while_embedded_are_never_stale(
    database: Database, standin: StandIn, report: Report
) -> None:
    """Whatever eight users do to the rows, each stored vector belongs to its row's text."""
    print(f"seed {SEED}")
    make_source(database, key="bigint", batch_size=16)
    prove(database)
    standin.controls.latency_s = 0.02
    standin.controls.bad_texts = [BadText(contains="poison 0.1"), BadText(contains="again 0.2")]
    database.execute(REFILL, {"keys": KEYS, "text": "first "})
    dice = [random.Random(SEED + i) for i in range(CONNECTIONS + 1)]
    tasks = [
        partial(change, set_limits(database.connect()), one, times)
        for one, times in zip(dice, sizes_of(CHANGES, CONNECTIONS), strict=False)
    ]
    tasks.append(partial(clear_and_refill, set_limits(database.connect()), dice[-1], 4))
    with ThreadPoolExecutor(len(tasks)) as pool:
        async with working(settings_of(database, standin.url), poll_s=0.2) as worker:
            ended = run_all(pool, [*tasks])
            while not ended():
                found = dict(await asyncio.to_thread(
                    database.rows, "select name, violations from wikiembed.check_invariants()"
                ))  # fmt: skip
                assert set(found.values()) == {0}, f"seed {SEED}: {found}"
                await asyncio.sleep(0.2)
            await worker.wait_for(lambda: settled(database) and not jobs(database), LIMIT_S)
    embedded, missing, failed, _ = counts(database)
    assert missing == failed, f"seed {SEED}"
    assert embedded > 0
    database.check_invariants()
    check_final_counts(
        database, report, "texts changed while embedded", stats=standin.stats, tried=CHANGES
    )
