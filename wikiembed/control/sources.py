"""Attach and detach tables; the index on missing rows is built without blocking writers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from wikiembed.config import Settings
from wikiembed.control.actions import names
from wikiembed.control.dimensions import SILENT, Notices, Wanted, compare_dimensions
from wikiembed.control.names import find_table
from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]
USUAL_COLUMNS = (["id"], ["content"], "embedding")
_MOVED = (
    "select detail ->> 'former', coalesce((detail ->> 'vectors')::bigint, 0),"
    " coalesce((detail ->> 'failures')::bigint, 0) from wikiembed.action_log"
    " where source = %s and action = 'attach' order by id desc limit 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachOptions:
    """What a source is pinned to; None: from the worker's settings."""

    provider: str | None = None
    model: str | None = None
    dimensions: int | None = None
    document_prefix: str | None = None
    query_prefix: str | None = None
    batch_size: int = 64
    move: bool = False
    enqueue: bool = False

    @property
    def given(self) -> dict[str, str]:
        """The options of the command that differ from their defaults."""
        values = {
            name.replace("_", "-"): value
            for name, value in asdict(self).items()
            if value != getattr(AttachOptions(), name)
        }
        return {name: "" if value is True else str(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The table and the columns to attach, and the source's name: the table's, if None.

    `key` and `text` may have several columns, and a text may be a field of JSON (``doc->>'body'``).
    One that is None takes its name from the source that is moved, else the default.
    """

    relation: str
    key: list[str] | None
    text: list[str] | None
    embedding: str | None
    name: str | None

    @property
    def given(self) -> dict[str, list[str]]:
        """Those that were given, by name of the option."""
        embedding = None if self.embedding is None else [self.embedding]
        columns = {"key": self.key, "text": self.text, "embedding": embedding}
        return {name: values for name, values in columns.items() if values is not None}


def attach(
    connection: Connection,
    columns: Columns,
    options: AttachOptions,
    *,
    settings: Settings | None = None,
    notices: Notices = SILENT,
) -> str:
    """Attach a column as a source; a refusal leaves nothing behind. Returns the source's name.

    The partial index is built concurrently first, then wikiembed.attach does the rest in one
    transaction. With `settings` the column is compared with the model that they select.
    Raises: SourceRefused, InvalidArgument, DatabaseError.
    """
    with translate_errors():
        others = options.given | ({"name": columns.name} if columns.name else {})
        oid, table = find_table(connection, columns.relation, columns.given, others)
        name = columns.name or table
        columns = _named(connection, replace(columns, name=name), move=options.move)
        if settings is not None and not options.move:
            compare_dimensions(
                connection,
                settings,
                Wanted(
                    oid=oid,
                    relation=columns.relation,
                    embedding=columns.embedding or "",
                    provider=options.provider,
                    model=options.model,
                    dimensions=options.dimensions,
                ),
                notices,
            )
        # attach refuses before an index is built for hours.
        _call_attach(connection, oid, columns, options, check_only=True)
        built: list[sql.Identifier] = []
        try:
            if not _is_indexed(connection, oid, columns):
                _build_index(connection, oid, columns, built, move=options.move)
            with warnings_to(connection, notices.warn):
                _call_attach(connection, oid, columns, options)
        except BaseException:
            for index in built:
                connection.execute(sql.SQL("drop index concurrently if exists {}").format(index))
            raise
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The former table, None if it was only renamed; the numbers of vectors and failures moved."""

    former: str | None
    vectors: int
    failures: int


@contextlib.contextmanager
def warnings_to(connection: Connection, warn: Callable[[str], None]) -> Iterator[None]:
    """Pass Postgres' warnings to `warn`, each with its hint as one sentence."""

    def on_notice(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            warn(f"{notice.message_primary}: {notice.message_hint}")

    connection.add_notice_handler(on_notice)
    try:
        yield
    finally:
        connection.remove_notice_handler(on_notice)


def _named(connection: Connection, columns: Columns, *, move: bool) -> Columns:
    """`columns` with a name for each: as given, as in the source that is moved, or the default."""
    row = connection.execute(
        "select key_columns::text[], text_columns::text[], text_paths, embedding_column"
        " from wikiembed.sources where name = %s and %s",
        (columns.name, move),
    ).fetchone()
    key, text, embedding = USUAL_COLUMNS
    if row is not None:
        key, columns_of_text, paths, embedding = row
        text = [_part(*part) for part in zip(columns_of_text, paths, strict=True)]
    return replace(
        columns,
        key=columns.key or key,
        text=columns.text or text,
        embedding=columns.embedding or embedding,
    )


def _part(column: str, path: list[str] | None) -> str:
    """A part of a text as attach takes it: ``title``, ``doc->'page'->>'body'``."""
    if path is None:
        return column
    *steps, last = ("'" + step.replace("'", "''") + "'" for step in path)
    return "".join([column, *(f"->{step}" for step in steps), f"->>{last}"])


def moved(connection: Connection, name: str) -> Moved:
    """What the last move of a source carried over."""
    with translate_errors():
        row = connection.execute(_MOVED, (name,)).fetchone()
    former, vectors, failures = row if row is not None else (None, 0, 0)
    return Moved(former=former, vectors=vectors, failures=failures)


# Runs before there is a row in wikiembed.sources: it builds one with what the index depends on.
_INDEXED = """
select wikiembed_private.missing_index(jsonb_populate_record(null::wikiembed.sources,
         jsonb_build_object('relation', %(oid)s::oid, 'embedding_column', %(embedding)s::text,
                            'key_attnums', array_agg(a.attnum order by k.number)))) is not null
  from unnest(%(key)s::text[]) with ordinality as k (name, number)
  join pg_attribute as a on a.attrelid = %(oid)s::oid and a.attname = k.name
"""


def _is_indexed(connection: Connection, oid: int, columns: Columns) -> bool:
    """Whether a valid index on missing rows exists."""
    row = connection.execute(_INDEXED, asdict(columns) | {"oid": oid}).fetchone()
    return row == (True,)


def _call_attach(
    connection: Connection,
    oid: int,
    columns: Columns,
    options: AttachOptions,
    *,
    check_only: bool = False,
) -> None:
    given = {
        f"p_{name}": value
        for name, value in asdict(options).items()
        if value is not None and name != "enqueue"
    } | {"p_check_only": check_only}
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in given.items()
    )
    connection.execute(
        sql.SQL(
            "select wikiembed.attach(%s::oid::regclass, %s::name[], %s::text[], %s, %s, {})"
        ).format(named),
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
    connection: Connection, oid: int, columns: Columns, made: list[sql.Identifier], *, move: bool
) -> None:
    """Build the index of each leaf concurrently for attach to adopt; add their names to `made`.

    While a source is moved, its former table's index has its name: attach renames this one.
    """
    base = f"wikiembed_missing_{oid if move else columns.name}"
    leaves = connection.execute(_LEAVES, {"oid": oid}).fetchall()
    for number, (schema, table, is_partition) in enumerate(leaves):
        # The plain name is for the table itself: attach gives it to the partitioned index.
        name = base + (f"_{number}" if is_partition else "")
        identifier = sql.Identifier(schema, name)
        connection.execute(sql.SQL("drop index concurrently if exists {}").format(identifier))
        made.append(identifier)  # before it is built: an interrupted build leaves an invalid index
        connection.execute(
            sql.SQL("create index concurrently {} on {} ({}) where {} is null").format(
                sql.Identifier(name),
                sql.Identifier(schema, table),
                sql.SQL(", ").join(map(sql.Identifier, columns.key or [])),
                sql.Identifier(columns.embedding or ""),
            )
        )


def detach(connection: Connection, name: str) -> None:
    """Detach a source; the table's rows and vectors are kept.

    Raises: SourceNotFound, LockNotAvailable.
    """
    names(connection, name)
    with translate_errors():
        connection.execute("select wikiembed.detach(%s)", (name,))


def list_sources(connection: Connection) -> list[dict[str, Any]]:
    """The sources with the columns they are attached to and the models they are pinned to.

    `searched_as`: the names whose searches use it.
    """
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select s.name,"
            " coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'gone')"
            " as relation, key_column, text_column, embedding_column,"
            " key_columns::text[] as key_columns,"
            " text_columns::text[] as text_columns, generation, provider, model, dimensions,"
            " document_prefix, query_prefix, batch_size, (select"
            " coalesce(quote_ident(dn.nspname) || '.' || quote_ident(dc.relname), 'gone')"
            " from wikiembed.document_sources as d left join pg_class as dc on dc.oid = d.relation"
            " left join pg_namespace as dn on dn.oid = dc.relnamespace where d.source = s.name)"
            " as documents, array(select s.name where s.name not in"
            " (select n.name from wikiembed.search_names as n) union all (select n.name"
            " from wikiembed.search_names as n where n.source = s.name order by n.name))"
            " as searched_as from wikiembed.sources as s"
            " left join pg_class as c on c.oid = s.relation"
            " left join pg_namespace as n on n.oid = c.relnamespace order by s.name"
        ).fetchall()
