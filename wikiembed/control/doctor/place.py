"""Postgres itself, its extension, and wikiembed's two schemas."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from wikiembed.control.doctor.findings import Finding
from wikiembed.db import version
from wikiembed.db.queue_schema import PROCRASTINATE_VERSION, QUEUE_SCHEMA, vendored_schema

Connection = psycopg.Connection[Any]
OLDEST_POSTGRES = 150000
MOST_SKEW_S = 5.0
_TABLES = ("jobs", "workers", "events", "periodic_defers")
_OUR_TRIGGERS = (
    "wikiembed_count_deleted",
    "wikiembed_count_truncated",
    "wikiembed_notify_workers",
    "wikiembed_pause_gate",
)
# What the vendored schema creates, except what our revisions disable.
_CREATED = re.compile(r"^CREATE FUNCTION (procrastinate_\w+)", re.MULTILINE | re.IGNORECASE)
_TRIGGERS = """
select t.tgname, t.tgenabled in ('O', 'A') from pg_catalog.pg_trigger as t
 where t.tgrelid = to_regclass('wikiembed_queue.procrastinate_jobs') and t.tgname = any(%s)
"""


def _value(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def database(connection: Connection, now: Callable[[], float]) -> Iterator[Finding]:
    """Its version, whether it is read-only, and its clock."""
    yield from postgres_version(connection.info.server_version)
    if _value(connection, "show transaction_read_only") == "on":
        yield Finding(
            "read_only",
            "fault",
            "Postgres is read-only there: set WIKIEMBED_DATABASE_URL to the primary, or end the"
            " read-only mode.",
        )
    before = now()
    theirs = float(_value(connection, "select extract(epoch from clock_timestamp())"))
    after = now()
    # The round trip is not skew.
    skew = theirs - min(max(theirs, before), after)
    if abs(skew) > MOST_SKEW_S:
        word = "ahead of" if skew > 0 else "behind"
        yield Finding(
            "clock",
            "warning",
            f"The clock of Postgres is {abs(skew):,.0f} s {word} this machine's: synchronize both"
            " by NTP; the end of a pause is computed by this clock and applied by that one.",
        )
    else:
        yield Finding(
            "clock", "ok", f"The clock of Postgres is this machine's, within {MOST_SKEW_S:g} s."
        )


def postgres_version(number: int) -> Iterator[Finding]:
    """`number` as libpq gives it: 180001 for 18.1."""
    name = f"Postgres {number // 10000}.{number % 10000}"
    if number >= OLDEST_POSTGRES:
        yield Finding("postgres", "ok", f"{name}.")
    else:
        yield Finding(
            "postgres", "fault", f"{name} is too old, 15 is the oldest supported: upgrade it."
        )


def pgvector(connection: Connection) -> Iterator[Finding]:
    """The extension, and whether a newer one is installed."""
    row = connection.execute(
        "select e.extversion, a.default_version from pg_catalog.pg_extension as e"
        " left join pg_catalog.pg_available_extensions as a on a.name = e.extname"
        " where e.extname = 'vector'"
    ).fetchone()
    if row is None:
        yield Finding(
            "pgvector",
            "fault",
            "The extension vector is not in this database: run `create extension vector` in psql;"
            " if it was dropped, restore the database, since columns of vectors were dropped too.",
        )
        return
    used, installed = row
    if installed is not None and version.release(used) < version.release(installed):
        yield Finding(
            "pgvector",
            "warning",
            f"pgvector {used} is in use and {installed} is installed: run"
            " `alter extension vector update` in psql.",
        )
    else:
        yield Finding("pgvector", "ok", f"pgvector {used}.")


def schema(connection: Connection) -> Iterator[Finding]:
    """The version, which has been checked already."""
    yield Finding("schema", "ok", f"Schema version {version.shown(version.current(connection))}.")


def vendored() -> tuple[str, set[str]]:
    """The version of procrastinate whose schema the migrations hold, and its functions."""
    text = vendored_schema().read_text(encoding="utf-8")
    return PROCRASTINATE_VERSION, set(_CREATED.findall(text))


def procrastinate(
    connection: Connection,
    installed: Callable[[str], str] = importlib.metadata.version,
) -> Iterator[Finding]:
    """Compare the package with its schema, and the schema with its expected contents."""
    wanted, functions = vendored()
    package = installed("procrastinate")
    if package != wanted:
        yield Finding(
            "procrastinate",
            "fault",
            f"The package procrastinate is {package}, its schema in the database is {wanted}: run"
            f" `pip install procrastinate=={wanted}`.",
        )
    else:
        yield Finding("procrastinate", "ok", f"procrastinate {package}, the same as its schema.")
    yield from _queue_schema(connection, functions)


def _queue_schema(connection: Connection, functions: set[str]) -> Iterator[Finding]:
    there = {
        name
        for (name,) in connection.execute(
            "select p.proname from pg_catalog.pg_proc as p"
            " where p.pronamespace = to_regnamespace(%(schema)s)"
            " union all select c.relname from pg_catalog.pg_class as c"
            " where c.relnamespace = to_regnamespace(%(schema)s)",
            {"schema": QUEUE_SCHEMA},
        )
    }
    wanted = functions | {f"procrastinate_{name}" for name in _TABLES}
    enabled: dict[str, bool] = dict(
        connection.execute(_TRIGGERS, (list(_OUR_TRIGGERS),)).fetchall()
    )
    missing = sorted(wanted - there)
    if missing:
        yield Finding(
            "queue_schema",
            "fault",
            f"Schema {QUEUE_SCHEMA} lacks {', '.join(missing)}: restore it from a backup, or run"
            " `wikiembed uninstall` and `wikiembed migrate`, and attach your tables again; vectors"
            " stay.",
        )
    without = [name for name in _OUR_TRIGGERS if name not in enabled]
    if without:
        yield Finding(
            "queue_schema",
            "fault",
            f"Schema {QUEUE_SCHEMA} lacks {', '.join(without)}: run `wikiembed migrate`.",
        )
    disabled = [name for name in _OUR_TRIGGERS if enabled.get(name) is False]
    for name in disabled:
        yield Finding(
            "queue_schema",
            "fault",
            f"Trigger {name} is disabled: run `alter table {QUEUE_SCHEMA}.procrastinate_jobs"
            f" enable trigger {name}` in psql.",
        )
    if not (missing or without or disabled):
        yield Finding("queue_schema", "ok", "The queue has its tables, functions and triggers.")
