"""The schema version of a database, and those that this package knows.

The revisions are read without Alembic: every command asks, and Alembic with SQLAlchemy, which
only `migrate` needs, takes 0.4 s to import.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg

from wikiembed.db.location import migrations_dir
from wikiembed.errors import ConfigurationError, SchemaMismatch

_REVISION = re.compile(r"^revision = \"(\w+)\"$", re.MULTILINE)
_DOWN = re.compile(r"^down_revision = (?:None|\"(\w+)\")$", re.MULTILINE)

_FOREIGN = (
    "{} is there already and is not this wikiembed's: rename or drop it, or use another database."
)
# What the first revisions create; a version table alone is left by `migrate --down base`.
_TAKEN = """
select 'Schema ' || n.nspname from pg_catalog.pg_namespace as n
 where n.nspname in ('wikiembed_queue', 'wikiembed_private')
union all
select 'Object wikiembed.' || o.name
  from (select c.relname as name from pg_catalog.pg_class as c
         where c.relnamespace = to_regnamespace('wikiembed')
           and c.relname not like 'alembic\\_version%'
        union all
        select p.proname from pg_catalog.pg_proc as p
         where p.pronamespace = to_regnamespace('wikiembed')
        union all
        select t.typname from pg_catalog.pg_type as t
         where t.typnamespace = to_regnamespace('wikiembed')
           and t.typname not like '%alembic\\_version') as o
union all
select 'Table public.' || c.relname from pg_catalog.pg_class as c
 where c.relnamespace = to_regnamespace('public') and c.relname in ('wiki_pages', 'wiki_chunks')
 limit 1
"""


def known() -> list[str]:
    """The schema versions of the package, oldest first.

    Raises: ConfigurationError when the package is not whole.
    """
    after: dict[str | None, str] = {}
    files = list((migrations_dir() / "versions").glob("*.py"))
    for file in files:
        text = file.read_text(encoding="utf-8")
        revision, down = _REVISION.search(text), _DOWN.search(text)
        if revision and down:
            after[down[1]] = revision[1]
    line: list[str] = []
    while (following := after.get(line[-1] if line else None)) is not None:
        line.append(following)
    if not line or len(line) != len(files):
        raise ConfigurationError("The package's migrations are not whole: reinstall wikiembed.")
    return line


def head() -> str:
    """The schema version that this package needs."""
    return known()[-1]


def current(connection: psycopg.Connection[Any]) -> str | None:
    """The schema version of a database, or None where wikiembed is not installed."""
    row = connection.execute("select to_regclass('wikiembed.alembic_version')").fetchone()
    if row is None or row[0] is None:
        return None
    try:
        version = connection.execute("select version_num from wikiembed.alembic_version").fetchone()
    except psycopg.errors.UndefinedColumn:
        raise SchemaMismatch(_FOREIGN.format("Table wikiembed.alembic_version")) from None
    return None if version is None else str(version[0])


def require_vacant(connection: psycopg.Connection[Any]) -> None:
    """Turn away from a database without wikiembed whose names are taken by something else.

    Raises: SchemaMismatch.
    """
    row = connection.execute(_TAKEN).fetchone()
    if row is not None:
        raise SchemaMismatch(_FOREIGN.format(row[0]))


def require_known(version: str | None) -> None:
    """Turn away from a database that a newer wikiembed made.

    Raises: SchemaMismatch.
    """
    if version is not None and version not in known():
        raise SchemaMismatch(
            f"The database has schema version {version}, which this wikiembed does not know:"
            " install the wikiembed that made it, or a newer one."
        )


def require_head(version: str | None) -> None:
    """Turn away from a database of another schema version.

    Raises: SchemaMismatch with what to run.
    """
    require_known(version)
    if version is None:
        raise SchemaMismatch("The database has no wikiembed schema: run `wikiembed migrate`.")
    if version != head():
        raise SchemaMismatch(
            f"The database has schema version {version}, this wikiembed needs {head()}:"
            " run `wikiembed migrate`."
        )
