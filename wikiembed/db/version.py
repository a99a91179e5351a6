"""The schema version of a database, and the one that this package requires.

It is the last step of ``migrations/versions`` with the digest of ``migrations/current``, such as
``0001.9c1d…``. Both are read without Alembic: every command compares them, and Alembic with
SQLAlchemy, which only `migrate` needs, takes 0.4 s to import.
"""

from __future__ import annotations

import re
from typing import Any, LiteralString

import psycopg

from wikiembed.db.digest import digest
from wikiembed.db.location import migrations_dir
from wikiembed.errors import ConfigurationError, SchemaMismatch

_REVISION = re.compile(r"^revision = \"(\w+)\"$", re.MULTILINE)
BEFORE_BASELINE = ("0009", "0010", "0011", "0012", "0013")
"""Revisions before the first release, whose databases `migrate` upgrades to the baseline."""
HAS_VERSION = "select to_regclass('wikiembed.alembic_version') is not null"
HAS_DIGEST = "select to_regclass('wikiembed.schema_digest') is not null"
REVISION = "select version_num from wikiembed.alembic_version"
DIGEST = "select digest from wikiembed.schema_digest"
_DOWN = re.compile(r"^down_revision = (?:None|\"(\w+)\")$", re.MULTILINE)

_FOREIGN = (
    "{} already exists and is not this wikiembed's: rename or drop it, or use another database."
)
# What the first step creates; a version table alone may be left, and so may the wiki's own tables.
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
   and coalesce(obj_description(c.oid, 'pg_class'), '') not like '%wikiembed''s wiki%'
 limit 1
"""


def known() -> list[str]:
    """The steps of the package, oldest first.

    Raises: ConfigurationError when the package is incomplete.
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
        raise ConfigurationError("The package's migrations are incomplete: reinstall wikiembed.")
    return line


def head() -> str:
    """The schema version that this package requires."""
    return joined(known()[-1], digest())


def joined(revision: str, digest: str | None) -> str:
    """A schema version: a step, and the digest of the current files if they were written."""
    return f"{revision}.{digest}" if digest else revision


def current(connection: psycopg.Connection[Any]) -> str | None:
    """The schema version of a database, or None where wikiembed is not installed."""
    if not _one(connection, HAS_VERSION):
        return None
    try:
        revision = _one(connection, REVISION)
    except psycopg.errors.UndefinedColumn:
        raise SchemaMismatch(_FOREIGN.format("Table wikiembed.alembic_version")) from None
    if revision is None:
        return None
    return joined(str(revision), _one(connection, DIGEST) if _one(connection, HAS_DIGEST) else None)


def _one(connection: psycopg.Connection[Any], query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def require_vacant(connection: psycopg.Connection[Any]) -> None:
    """Refuse a database without wikiembed in which other objects have its names.

    Raises: SchemaMismatch.
    """
    row = connection.execute(_TAKEN).fetchone()
    if row is not None:
        raise SchemaMismatch(_FOREIGN.format(row[0]))


def require_known(version: str | None) -> None:
    """Refuse a database that a newer wikiembed migrated.

    Raises: SchemaMismatch.
    """
    if version is not None and _revision(version) not in (*known(), *BEFORE_BASELINE):
        raise SchemaMismatch(
            f"The database has schema version {shown(version)}, which this wikiembed does not know:"
            " install the wikiembed that made it, or a newer one."
        )


def require_head(version: str | None) -> None:
    """Refuse a database of another schema version.

    Raises: SchemaMismatch with what to run.
    """
    require_known(version)
    if version is None:
        raise SchemaMismatch("The database has no wikiembed schema: run `wikiembed migrate`.")
    if version == head():
        return
    if _revision(version) == known()[-1]:
        raise SchemaMismatch(
            f"The functions in the database are those of another wikiembed ({version} instead of"
            f" {head()}): run `wikiembed migrate` of the newer one."
        )
    raise SchemaMismatch(
        f"The database has schema version {shown(version)}, this wikiembed needs {known()[-1]}:"
        " run `wikiembed migrate`."
    )


def release(text: str) -> list[int]:
    """The numbers of a version such as ``0.8.5``, for comparison."""
    return [int(part) for part in re.findall(r"\d+", text)]


def require_not_newer(connection: psycopg.Connection[Any], package: str) -> None:
    """Refuse functions that a newer package wrote; `package` is this one's version.

    Raises: SchemaMismatch.
    """
    if not _one(connection, HAS_DIGEST):
        return
    wrote = _one(connection, "select package_version from wikiembed.schema_digest")
    if wrote is not None and release(wrote) > release(package):
        raise SchemaMismatch(
            f"The database was migrated by wikiembed {wrote}, which is newer than this one"
            f" ({package}): migrate with that one."
        )


def shown(version: str | None) -> str:
    """A schema version for display: the step alone."""
    return "none" if version is None else _revision(version)


def _revision(version: str) -> str:
    return version.partition(".")[0]
