"""A database as a few digests, to prove that a refused command changed nothing."""

from __future__ import annotations

from tests.support.database import Database

_OBJECTS = {
    "schemas": "select nspname, nspacl, nspowner from pg_namespace where nspname !~ '^pg_'",
    "relations": "select relnamespace::regnamespace, relname, relkind, relacl, reltuples < 0 as x,"
    " relrowsecurity from pg_class where relnamespace::regnamespace::text !~ '^pg_|^information'",
    "columns": "select attrelid::regclass, attname, atttypid, atttypmod, attnotnull"
    " from pg_attribute where attrelid in (select oid from pg_class where"
    " relnamespace::regnamespace::text !~ '^pg_|^information')",
    "functions": "select oid::regprocedure, prosrc, proacl, proconfig, proowner from pg_proc"
    " where pronamespace::regnamespace::text !~ '^pg_|^information'",
    "triggers": "select tgrelid::regclass, tgname, tgenabled, tgfoid from pg_trigger"
    " where not tgisinternal",
    "extensions": "select extname, extversion, extnamespace from pg_extension",
}
_TABLES = (
    "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
    " where schemaname !~ '^pg_|^information' order by 1"
)
# A job that was fetched and returned differs only in these.
_PASSING = "array['attempts', 'scheduled_at', 'started_at', 'worker_id']"
# What requests cost is recorded for those that are refused too.
_LEFT_OUT = (
    *("procrastinate_events", "procrastinate_periodic_defers", "batch_ledger", "usage_days"),
    "queue_ledger",
)


def fingerprint(database: Database) -> dict[str, str]:
    """A digest of each kind of object and of the rows of each table, by name."""
    digests = {name: _digest(database, f"select t from ({q}) as t") for name, q in _OBJECTS.items()}
    for (table,) in database.rows(_TABLES):
        if not table.endswith(_LEFT_OUT):
            row = f"to_jsonb(t) - {_PASSING}" if table.endswith("procrastinate_jobs") else "t"
            where = " where task_name = 'wikiembed.embed'" if row != "t" else ""
            digests[table] = _digest(database, f"select {row} from {table} as t{where}")
    return digests


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Names whose digests differ, or that one of the two lacks."""
    return {name for name in before | after if before.get(name) != after.get(name)}


def _digest(database: Database, query: str) -> str:
    found: str = database.one(
        "select md5(coalesce(string_agg(r.line, chr(10) order by r.line collate \"C\"), ''))"
        f" from (select q.*::text as line from ({query}) as q) as r"
    )
    return found
