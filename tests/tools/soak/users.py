"""Faults of a soak: changes by users, and by hand in the database."""

from __future__ import annotations

import contextlib
import time
from functools import partial

import psycopg

from tests.tools.soak.field import SOURCES, Field

MOST_DEADLY = 3
"""The most rows at once that crash or hang the server: each causes several outages."""


def insert(field: Field) -> None:
    """Many rows in one statement."""
    field.sql(
        f"insert into {field.table()} (body) select 'text ' || g || ' {field.random.random()}'"
        f" from generate_series(1, {field.random.randint(1, 2000)}) as g"
    )


def change(field: Field) -> None:
    """Change the texts of some rows, embedded or in flight."""
    field.sql(
        f"update {field.table()} set body = body || ' {field.random.randint(0, 9)}'"
        f" where id % 97 = {field.random.randrange(97)}"
    )


def delete(field: Field) -> None:
    """Delete some rows."""
    field.sql(f"delete from {field.table()} where id % 89 = {field.random.randrange(89)}")


def upsert(field: Field) -> None:
    """Upsert existing and deleted keys."""
    low, table = field.random.randint(1, 5000), field.table()
    field.sql(
        f"insert into {table} (id, body) select g, 'again ' || g || ' {field.random.random()}'"
        f" from generate_series({low}, {low + 100}) as g"
        f" where g <= (select last_value from {table}_id_seq)"
        " on conflict (id) do update set body = excluded.body"
    )


def truncate(field: Field) -> None:
    """Sometimes truncate."""
    if field.random.random() < 0.2:
        field.sql(f"truncate {field.table()}")


def hold_rows(field: Field) -> None:
    """A user locks rows for seconds, changes some, and commits or not."""
    field.in_beside(
        partial(
            _hold, field, field.table(), field.random.uniform(0.5, 3), field.random.choice([0, 1])
        )
    )


def _hold(field: Field, table: str, seconds: float, commits: int) -> None:
    # A restart of Postgres may end the user's transaction as well.
    with contextlib.suppress(psycopg.OperationalError), field.connect() as connection:
        connection.execute("begin")
        connection.execute(
            f"select from {table} where vec is null order by id limit 300 for update".encode()
        )
        time.sleep(seconds)
        some = int(1000 * seconds) % 101
        connection.execute(
            f"update {table} set body = body || '!' where id % 101 = {some}".encode()
        )
        connection.execute(b"commit" if commits else b"rollback")


def refused_text(field: Field) -> None:
    """A text that the server always refuses."""
    field.sql(f"insert into {field.table()} (body) values ('REFUSED {field.random.random()}')")


def deadly_text(field: Field) -> None:
    """A text that crashes or hangs the server; few at a time."""
    kind = field.random.choice(["DEADLY", "HANGING"])
    found = " union all ".join(f"select body from public.{source}" for source in SOURCES)
    field.sql(
        f"insert into {field.table()} (body) select '{kind} {field.random.random()}' where"
        f" (select count(*) from ({found}) as f where body ~ 'DEADLY|HANGING') < {MOST_DEADLY}"
    )


def delete_jobs(field: Field) -> None:
    """Delete jobs by hand, and reconcile."""
    field.sql(
        "begin; delete from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.embed'"
        f" and status = 'todo' and id % 3 = {field.random.randrange(3)}; commit;"
    )
    heal(field)


def damage_ledger(field: Field) -> None:
    """Damage the ledger, and reconcile."""
    field.sql(
        "insert into wikiembed.ledger (source, total, embedded, failed, skipped) values"
        f" ('{field.random.choice(SOURCES)}', {field.random.randint(-99, 99)}, 7, -3, 2)"
    )
    heal(field)


def heal(field: Field) -> None:
    """Reconcile both sources; retries after a user's lock."""
    for source in SOURCES:
        for _ in range(20):
            try:
                field.sql(f"select * from wikiembed.reconcile('{source}')")
                break
            except psycopg.errors.LockNotAvailable:
                time.sleep(0.5)


USERS = (
    insert, insert, change, change, delete, upsert, truncate, hold_rows, hold_rows, refused_text,
    deadly_text, delete_jobs, damage_ledger,
)  # fmt: skip
