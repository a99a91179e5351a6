"""A source's HNSW index of vectors: its kinds, what exists, and which of them searches use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql

from wikiembed.command_line import command_line
from wikiembed.control.index.build import Builder
from wikiembed.control.index.target import NewIndex, Target
from wikiembed.db.connect import translate_errors
from wikiembed.errors import ConditionNotMet, ConfigurationError

Connection = psycopg.Connection[Any]

DEFAULT_M = 16
DEFAULT_EF_CONSTRUCTION = 64
FEWEST_VECTORS = 1_000
"""Recall is measured of this many vectors and more."""
_ELEMENT_BYTES = 180
_LINK_BYTES = 16
_MAY_CHOOSE = """
select has_function_privilege(current_user, 'wikiembed.set_quantise(text, text)', 'execute'),
       current_user
"""
_INDEXES = """
select i.index_schema, i.index_name, i.is_valid, i.quantise, i.is_used, i.options
  from wikiembed.vector_indexes(%s) as i
"""


class Quantise(StrEnum):
    """What an index holds of each number of a vector: all of it, two bytes, or its sign."""

    NONE = "none"
    HALFVEC = "halfvec"
    BINARY = "binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndex:
    """An index on the vector column; `quantise` is None if no search can use it.

    `used`: searches use it now.
    """

    schema: str
    name: str
    valid: bool
    quantise: Quantise | None
    used: bool
    options: str

    @property
    def label(self) -> str:
        """Its name with its schema, for people."""
        return f"{self.schema}.{self.name}"


def wanted(target: Target) -> Quantise:
    """The kind of index by which the source is to be searched."""
    return Quantise(target.quantise or "none")


def index_name(target: Target, quantise: Quantise) -> str:
    """The stable name of wikiembed's index of vectors."""
    return f"wikiembed_{'hnsw' if quantise is Quantise.NONE else quantise}_{target.source}"


def graph_bytes(target: Target, quantise: Quantise, m: int) -> int:
    """Memory of the graph while it is built.

    Each row: the vector, pgvector's HnswElementData, 2 m links on layer 0 and, on average,
    m ÷ (m − 1) more on those above. Source: pgvector's src/hnsw.h.
    """
    kind = target.kind if quantise is Quantise.NONE else quantise
    bits = {"vector": 32, "halfvec": 16, "binary": 1}[kind]
    value = 8 + bits * (target.dimensions or 0) / 8
    links = _LINK_BYTES * (2 * m + m / (m - 1))
    return round(target.embedded * (value + _ELEMENT_BYTES + links))


def vector_index(
    connection: Connection,
    target: Target,
    quantise: Quantise,
    *,
    m: int = DEFAULT_M,
    ef_construction: int = DEFAULT_EF_CONSTRUCTION,
) -> NewIndex:
    """The index that search by vector uses, of a kind.

    Raises: SearchRefused for a column, or a pgvector, that cannot have it.
    """
    with translate_errors():
        row = connection.execute(
            "select wikiembed.vector_index(%s, %s)", (target.source, quantise)
        ).fetchone()
    using = sql.SQL("{} with (m = {}, ef_construction = {})").format(
        sql.SQL(str(row[0]) if row else ""), sql.Literal(m), sql.Literal(ef_construction)
    )
    return NewIndex(target=target, name=index_name(target, quantise), using=using)


def indexes(connection: Connection, target: Target) -> list[VectorIndex]:
    """The vector indexes of a column, wikiembed's first, of these the one that is used first."""
    ours = [index_name(target, quantise) for quantise in Quantise]
    with translate_errors():
        rows = connection.execute(_INDEXES, (target.source,)).fetchall()
    found = [
        VectorIndex(
            schema=schema,
            name=name,
            valid=valid,
            quantise=Quantise(quantise) if quantise else None,
            used=used,
            options=options,
        )
        for schema, name, valid, quantise, used, options in rows
    ]
    return sorted(found, key=lambda i: (i.name not in ours, not i.used, not i.valid, i.name))


def require_usable(target: Target, found: list[VectorIndex]) -> None:
    """Refuse if an index has one of wikiembed's names and search cannot use it for that.

    Raises: ConditionNotMet.
    """
    names = {index_name(target, quantise): quantise for quantise in Quantise}
    for index in found:
        if index.valid and names.get(index.name, index.quantise) != index.quantise:
            raise ConditionNotMet(
                f"Index {index.label} exists and search cannot use it: drop it with"
                f" `{command_line('index', '--source', target.source, '--drop')}`, then build it"
                " again."
            )


def require_choosable(connection: Connection, target: Target, quantise: Quantise) -> None:
    """Refuse a change of the kind by a role that may not have searches use it.

    Raises: ConfigurationError.
    """
    may_choose, role = connection.execute(_MAY_CHOOSE).fetchone() or (False, "")
    if quantise is not wanted(target) and not may_choose:
        raise ConfigurationError(
            f"Role {role} may not change the kind of index by which source {target.source!r} is"
            " searched: run it as wikiembed's owner."
        )


def search_by(connection: Connection, target: Target, quantise: Quantise) -> None:
    """Have the source searched by an index of this kind; it finds the one that is there."""
    with translate_errors():
        connection.execute("select wikiembed.set_quantise(%s, %s)", (target.source, quantise))


def drop_kinds(builder: Builder, target: Target, *, but: Quantise | None = None) -> list[str]:
    """Drop wikiembed's indexes of vectors, even if invalid, but that of one kind.

    Returns the names.
    """
    dropped = []
    for quantise in Quantise:
        if quantise is not but:
            name = index_name(target, quantise)
            dropped += builder.drop(NewIndex(target=target, name=name, using=sql.SQL("")))
    return dropped
