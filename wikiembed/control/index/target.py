"""The vector column of a source, and whether this role may build an index on its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from wikiembed.errors import ConfigurationError

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The vector column of a source; `embedded` in rows, `dimensions` None if it declares none."""

    source: str
    oid: int
    schema: str
    table: str
    kind: str
    dimensions: int | None
    partitioned: bool
    total: int
    embedded: int
    text_config: str | None
    quantise: str | None

    @property
    def relation(self) -> str:
        """The table's name with its schema, for people."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIndex:
    """An index of a target's table; `using` is what follows ``create index NAME on TABLE``."""

    target: Target
    name: str
    using: sql.Composable


_TARGETS = """
select s.name, s.relation::oid::bigint, n.nspname, c.relname, s.embedding_type,
       nullif(a.atttypmod, -1), c.relkind = 'p', v.total, v.embedded, s.text_config, s.quantise
  from wikiembed.sources as s
  join pg_catalog.pg_class as c on c.oid = s.relation
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = s.embedding_attnum
  join wikiembed.coverage as v on v.source = s.name
 where %(source)s::text is null or s.name = %(source)s
 order by s.name
"""
_NOT_OWNED = """
select current_user, format('%%I.%%I', n.nspname, c.relname)
  from (select %(oid)s::oid as relid
        union select t.relid from pg_catalog.pg_partition_tree(%(oid)s::oid::regclass) as t) as l
  join pg_catalog.pg_class as c on c.oid = l.relid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where not pg_has_role(current_user, c.relowner, 'usage')
    or not has_schema_privilege(n.oid, 'create')
 order by 2 limit 1
"""


def targets(connection: Connection, source: str | None) -> list[Target]:
    """The vector columns of one source or all; a source whose table was dropped has none."""
    names = (
        *("source", "oid", "schema", "table", "kind", "dimensions", "partitioned"),
        *("total", "embedded", "text_config", "quantise"),
    )
    rows = connection.execute(_TARGETS, {"source": source}).fetchall()
    return [Target(**dict(zip(names, row, strict=True))) for row in rows]


def require_owner(connection: Connection, target: Target) -> None:
    """Refuse a table that this role does not own.

    Raises: ConfigurationError.
    """
    row = connection.execute(_NOT_OWNED, {"oid": target.oid}).fetchone()
    if row is not None:
        role, table = row
        raise ConfigurationError(
            f"Role {role} may not create an index on {table}: run it as the table's owner, with"
            " CREATE on its schema."
        )
