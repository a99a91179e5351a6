"""Attach and detach tables, with the index on missing rows built without holding up writers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import dict_row

from wikiembed.control.actions import names
from wikiembed.db.connect import translate_errors
from wikiembed.errors import SourceRefused

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachOptions:
    """What a source fixes for itself; None comes from the worker's settings."""

    provider: str | None = None
    model: str | None = None
    dimensions: int | None = None
    document_prefix: str | None = None
    query_prefix: str | None = None
    batch_size: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The table and the columns to attach, and the source's name: the table's, if None."""

    relation: str
    key: str
    text: str
    embedding: str
    name: str | None


def attach(
    connection: Connection,
    columns: Columns,
    options: AttachOptions,
    *,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Attach a column as a source; a refusal leaves nothing behind. Answers the source's name.

    The partial index is built concurrently first, then wikiembed.attach does the rest in one
    transaction. `warn` takes each sentence that attach warns with.
    Raises: SourceRefused, InvalidArgument, DatabaseError.
    """
    with translate_errors():
        oid, table = _find(connection, columns.relation)
        name = columns.name or table
        columns = replace(columns, name=name)
        # Whatever attach refuses, it refuses before an index is built for hours.
        _call_attach(connection, oid, columns, options, check_only=True)
        built: list[sql.Identifier] = []
        try:
            if not _is_indexed(connection, oid, columns):
                _build_index(connection, oid, columns, built)
            with _warnings(connection, warn):
                _call_attach(connection, oid, columns, options)
        except BaseException:
            for index in built:
                connection.execute(sql.SQL("drop index concurrently if exists {}").format(index))
            raise
    return name


@contextlib.contextmanager
def _warnings(connection: Connection, warn: Callable[[str], None]) -> Iterator[None]:
    """Hand the warnings that come meanwhile to `warn`, each with its hint as one sentence."""

    def tell(said: psycopg.errors.Diagnostic) -> None:
        if said.severity_nonlocalized == "WARNING":
            warn(f"{said.message_primary}: {said.message_hint}")

    connection.add_notice_handler(tell)
    try:
        yield
    finally:
        connection.remove_notice_handler(tell)


# Asked before there is a row in wikiembed.sources: of a row with what the index depends on.
_INDEXED = """
select wikiembed_private.missing_index(jsonb_populate_record(null::wikiembed.sources,
         jsonb_build_object('relation', %(oid)s::oid, 'embedding_column', %(embedding)s::text,
                            'key_attnum', a.attnum))) is not null
  from pg_attribute as a where a.attrelid = %(oid)s::oid and a.attname = %(key)s
"""


def _is_indexed(connection: Connection, oid: int, columns: Columns) -> bool:
    """Whether the valid index on missing rows is there."""
    row = connection.execute(_INDEXED, asdict(columns) | {"oid": oid}).fetchone()
    return row == (True,)


def _find(connection: Connection, relation: str) -> tuple[int, str]:
    """The table's oid and its bare name.

    Raises: SourceRefused.
    """
    try:
        found = connection.execute(
            "select c.oid::bigint, c.relname from pg_class as c where c.oid = to_regclass(%s)",
            (relation,),
        ).fetchone()
    except (pg.InvalidName, pg.SyntaxError, pg.FeatureNotSupported):
        found = None
    if found is None:
        raise SourceRefused(
            f"Table {relation!r} does not exist: give its name with the schema, as in public.docs,"
            " and in double quotes what is not lower case."
        )
    return int(found[0]), str(found[1])


def _call_attach(
    connection: Connection,
    oid: int,
    columns: Columns,
    options: AttachOptions,
    *,
    check_only: bool = False,
) -> None:
    given = {f"p_{name}": value for name, value in asdict(options).items() if value is not None} | {
        "p_check_only": check_only
    }
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in given.items()
    )
    connection.execute(
        sql.SQL("select wikiembed.attach(%s::oid::regclass, %s, %s, %s, %s, {})").format(named),
        (oid, columns.key, columns.text, columns.embedding, columns.name),
    )


_LEAVES = """
select n.nspname, c.relname, c.relispartition
  from (select %(oid)s::oid as relid where not exists (select from pg_partition_tree(%(oid)s::oid))
        union all
        select t.relid from pg_partition_tree(%(oid)s::oid) as t where t.isleaf) as l
  join pg_class as c on c.oid = l.relid join pg_namespace as n on n.oid = c.relnamespace
"""


def _build_index(
    connection: Connection, oid: int, columns: Columns, made: list[sql.Identifier]
) -> None:
    """Build the index of each leaf concurrently; attach adopts them. Adds their names to `made`."""
    leaves = connection.execute(_LEAVES, {"oid": oid}).fetchall()
    for number, (schema, table, is_partition) in enumerate(leaves):
        # The plain name is for the table itself: attach gives it to the partitioned index.
        name = f"wikiembed_missing_{columns.name}" + (f"_{number}" if is_partition else "")
        identifier = sql.Identifier(schema, name)
        connection.execute(sql.SQL("drop index concurrently if exists {}").format(identifier))
        made.append(identifier)  # before it is built: a build that is broken off leaves a ruin
        connection.execute(
            sql.SQL("create index concurrently {} on {} ({}) where {} is null").format(
                sql.Identifier(name),
                sql.Identifier(schema, table),
                sql.Identifier(columns.key),
                sql.Identifier(columns.embedding),
            )
        )


def detach(connection: Connection, name: str) -> None:
    """Forget a source; the table's rows and vectors stay.

    Raises: SourceNotFound, LockNotAvailable.
    """
    names(connection, name)
    with translate_errors():
        connection.execute("select wikiembed.detach(%s)", (name,))


def list_sources(connection: Connection) -> list[dict[str, Any]]:
    """The sources with what they are attached to and pinned to."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select s.name, coalesce(format('%I.%I', n.nspname, c.relname), 'gone') as relation,"
            " key_column, text_column, embedding_column, generation, provider, model, dimensions,"
            " document_prefix, query_prefix, batch_size"
            " from wikiembed.sources as s left join pg_class as c on c.oid = s.relation"
            " left join pg_namespace as n on n.oid = c.relnamespace order by s.name"
        ).fetchall()
