"""The tables on which an index is built: one, or the tree of a partitioned table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from wikiembed.control.index.target import NewIndex

_TREE = """
select t.relid::oid::bigint, n.nspname, c.relname, t.isleaf, t.parentrelid::oid::bigint
  from pg_catalog.pg_partition_tree(%s::oid::regclass) as t
  join pg_catalog.pg_class as c on c.oid = t.relid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 order by t.level, c.relname
"""
_STATE = """
select i.indisvalid, exists (select from pg_catalog.pg_inherits as h where h.inhrelid = c.oid),
       exists (select from pg_catalog.pg_stat_progress_create_index as p
                where p.index_relid = c.oid)
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_index as i on i.indexrelid = c.oid
 where n.nspname = %s and c.relname = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A table of the tree, its parent's oid, and the name of its index."""

    oid: int
    schema: str
    table: str
    is_leaf: bool
    parent: int | None
    index: str

    @property
    def label(self) -> str:
        """The index with its schema, for people."""
        return f"{self.schema}.{self.index}"

    @property
    def identifier(self) -> sql.Identifier:
        """The index with its schema."""
        return sql.Identifier(self.schema, self.index)


@dataclass(frozen=True, slots=True)
class PartState:
    """State of an existing index: whether it is valid, attached to a parent, and being built."""

    valid: bool
    attached: bool
    building: bool


def parts_of(connection: psycopg.Connection[Any], new: NewIndex) -> list[Part]:
    """The tables of an index, parents first."""
    target = new.target
    if not target.partitioned:
        return [
            Part(
                oid=target.oid,
                schema=target.schema,
                table=target.table,
                is_leaf=True,
                parent=None,
                index=new.name,
            )
        ]
    rows = connection.execute(_TREE, (target.oid,)).fetchall()
    return [
        Part(
            oid=oid,
            schema=schema,
            table=table,
            is_leaf=is_leaf,
            parent=parent,
            index=new.name if oid == target.oid else f"{new.name}_{oid}",
        )
        for oid, schema, table, is_leaf, parent in rows
    ]


def state_of(connection: psycopg.Connection[Any], part: Part) -> PartState | None:
    """The state of the part's index; None when there is none."""
    row = connection.execute(_STATE, (part.schema, part.index)).fetchone()
    return None if row is None else PartState(*row)
