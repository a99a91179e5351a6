"""A source's HNSW index: what exists, its memory, and whether it can be built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from wikiembed.errors import ConditionNotMet, ConfigurationError, SourceRefused

Connection = psycopg.Connection[Any]

DEFAULT_M = 16
DEFAULT_EF_CONSTRUCTION = 64
MOST_DIMENSIONS = {"vector": 2000, "halfvec": 4000}
"""pgvector's limits for hnsw; https://github.com/pgvector/pgvector#hnsw"""
FEWEST_VECTORS = 1_000
"""Recall is measured of this many vectors and more."""
_BYTES_PER_NUMBER = {"vector": 4, "halfvec": 2}
_ELEMENT_BYTES = 180
_LINK_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The vector column of a source; `embedded` in rows, `dimensions` None if it declares none."""

    source: str
    oid: int
    schema: str
    table: str
    column: str
    attnum: int
    kind: str
    dimensions: int | None
    partitioned: bool
    total: int
    embedded: int
    vector_schema: str
    text_config: str | None

    @property
    def index(self) -> str:
        """The stable name of wikiembed's index of vectors."""
        return f"wikiembed_hnsw_{self.source}"

    @property
    def operators(self) -> str:
        """The operator class of `wikiembed.search`: cosine distance."""
        return f"{self.kind}_cosine_ops"

    @property
    def relation(self) -> str:
        """The table's name with its schema, for people."""
        return f"{self.schema}.{self.table}"

    def graph_bytes(self, m: int) -> int:
        """Memory of the graph while it is built.

        Each row: the vector, pgvector's HnswElementData, 2 m links on layer 0 and, on average,
        m ÷ (m − 1) more on those above. Source: pgvector's src/hnsw.h.
        """
        value = 8 + _BYTES_PER_NUMBER[self.kind] * (self.dimensions or 0)
        links = _LINK_BYTES * (2 * m + m / (m - 1))
        return round(self.embedded * (value + _ELEMENT_BYTES + links))

    def vector_index(
        self, *, m: int = DEFAULT_M, ef_construction: int = DEFAULT_EF_CONSTRUCTION
    ) -> NewIndex:
        """The index that search by vector uses."""
        using = sql.SQL("using hnsw ({} {}) with (m = {}, ef_construction = {})").format(
            sql.Identifier(self.column),
            sql.Identifier(self.vector_schema, self.operators),
            sql.Literal(m),
            sql.Literal(ef_construction),
        )
        return NewIndex(target=self, name=self.index, using=using)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIndex:
    """An index of a target's table; `using` is what follows ``create index NAME on TABLE``."""

    target: Target
    name: str
    using: sql.Composable


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndex:
    """An index on the vector column; `usable`: it has the operator class that search uses."""

    oid: int
    schema: str
    name: str
    valid: bool
    usable: bool
    options: str

    @property
    def label(self) -> str:
        """Its name with its schema, for people."""
        return f"{self.schema}.{self.name}"


_TARGETS = """
select s.name, s.relation::oid::bigint, n.nspname, c.relname, a.attname, s.embedding_attnum,
       s.embedding_type, nullif(a.atttypmod, -1), c.relkind = 'p', v.total, v.embedded,
       (select x.nspname from pg_catalog.pg_extension as e
          join pg_catalog.pg_namespace as x on x.oid = e.extnamespace where e.extname = 'vector'),
       s.text_config
  from wikiembed.sources as s
  join pg_catalog.pg_class as c on c.oid = s.relation
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = s.embedding_attnum
  join wikiembed.coverage as v on v.source = s.name
 where %(source)s::text is null or s.name = %(source)s
 order by s.name
"""
_INDEXES = """
select i.indexrelid::bigint, n.nspname, c.relname, i.indisvalid,
       m.amname = 'hnsw' and o.opcname = %(operators)s and i.indpred is null
       and i.indexprs is null and i.indnkeyatts = 1,
       coalesce(array_to_string(c.reloptions, ', '), '')
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_am as m on m.oid = c.relam
  join pg_catalog.pg_opclass as o on o.oid = i.indclass[0]
 where i.indrelid = %(oid)s::oid and (c.relname = %(index)s or i.indkey[0] = %(attnum)s)
   and m.amname in ('hnsw', 'ivfflat')
 order by c.relname = %(index)s desc, i.indisvalid desc, c.relname
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
        *("source", "oid", "schema", "table", "column", "attnum"),
        *("kind", "dimensions", "partitioned", "total", "embedded", "vector_schema"),
        "text_config",
    )
    rows = connection.execute(_TARGETS, {"source": source}).fetchall()
    return [Target(**dict(zip(names, row, strict=True))) for row in rows]


def indexes(connection: Connection, target: Target) -> list[VectorIndex]:
    """The vector indexes of a column, wikiembed's first."""
    rows = connection.execute(
        _INDEXES,
        {
            "oid": target.oid,
            "attnum": target.attnum,
            "operators": target.operators,
            "index": target.index,
        },
    ).fetchall()
    names = ("oid", "schema", "name", "valid", "usable", "options")
    return [VectorIndex(**dict(zip(names, row, strict=True))) for row in rows]


def require_buildable(connection: Connection, target: Target) -> None:
    """Refuse a column that pgvector cannot index, and a table that this role does not own.

    Raises: SourceRefused, ConfigurationError.
    """
    _require_dimensions(target)
    require_owner(connection, target)


def _require_dimensions(target: Target) -> None:
    most = MOST_DIMENSIONS[target.kind]
    if target.dimensions is None:
        raise SourceRefused(
            f"Column {target.column} of {target.relation} declares no dimensions, which pgvector"
            f" needs for an index: alter its type to {target.kind}(n)."
        )
    if target.dimensions > most:
        other = MOST_DIMENSIONS["halfvec"]
        way = (
            f"alter its type to halfvec({target.dimensions}), which may have {other:,}"
            if target.kind == "vector" and target.dimensions <= other
            else "choose a model with fewer, or search without an index"
        )
        raise SourceRefused(
            f"Source {target.source!r} has {target.dimensions:,} dimensions and pgvector's hnsw"
            f" supports at most {most:,} of a {target.kind}: {way}."
        )


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


def require_usable(target: Target, found: list[VectorIndex]) -> None:
    """Refuse if an index has wikiembed's name and search cannot use it.

    Raises: ConditionNotMet.
    """
    for index in found:
        if index.name == target.index and index.valid and not index.usable:
            raise ConditionNotMet(
                f"Index {index.label} exists and search cannot use it: drop it with"
                f" `wikiembed index --source {target.source} --drop`, then build it again."
            )
