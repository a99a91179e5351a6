"""Attach tables of documents, which workers split into a chunk table, and their counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from wikiembed.command_line import command_line
from wikiembed.config import Provider, Settings
from wikiembed.control.dimensions import SILENT, Notices, model_dimensions
from wikiembed.control.names import find_table
from wikiembed.control.sources import USUAL_COLUMNS, AttachOptions, Columns, warnings_to
from wikiembed.db.connect import translate_errors
from wikiembed.errors import InvalidArgument, SourceRefused
from wikiembed.store.coverage import DocumentCounts
from wikiembed.words import count, verb

Connection = psycopg.Connection[Any]
MAX_CHARS = 1000

_DOCUMENTS = """
select d.source,
       case when dc.oid is null then 'gone' else format('%%I.%%I', dn.nspname, dc.relname) end
         as relation,
       case when cc.oid is null then 'gone' else format('%%I.%%I', cn.nspname, cc.relname) end
         as chunk_table,
       d.total, d.split, d.waiting, d.failed, d.chunks, s.held_back_at is not null as held_back
  from wikiembed.documents as d
  join wikiembed.document_sources as o on o.source = d.source
  join wikiembed.sources as s on s.name = d.source
  left join pg_catalog.pg_class as dc on dc.oid = o.relation
  left join pg_catalog.pg_namespace as dn on dn.oid = dc.relnamespace
  left join pg_catalog.pg_class as cc on cc.oid = s.relation
  left join pg_catalog.pg_namespace as cn on cn.oid = cc.relnamespace
 where %(source)s::text is null or d.source = %(source)s order by d.source
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOptions:
    """How documents are split and where their chunks go; `chunks` None: <schema>.<name>_chunks.

    `title`: the column whose text precedes each chunk when it is embedded.
    """

    title: str | None = None
    chunks: str | None = None
    splitter: str = "text"
    max_chars: int = MAX_CHARS
    overlap_chars: int = 0
    context: str = "title_heading"
    max_tokens: int | None = None
    halfvec: bool = False

    @property
    def given(self) -> dict[str, str]:
        """The options of the command that differ from their defaults."""
        return {
            name.replace("_", "-"): "" if value is True else str(value)
            for name, value in asdict(self).items()
            if name != "title" and value != getattr(DocumentOptions(), name)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """A row of view wikiembed.documents, with the names of both tables.

    `held_back`: documents that existed at attach wait for an enqueue.
    """

    source: str
    relation: str
    chunk_table: str
    total: int
    split: int
    waiting: int
    failed: int
    chunks: int
    held_back: bool

    @property
    def counts(self) -> DocumentCounts:
        """The view's counts."""
        return DocumentCounts(
            self.source, self.total, self.split, self.waiting, self.failed, self.chunks
        )

    def as_json(self) -> dict[str, object]:
        """Its fields by name."""
        return asdict(self)


def attach_documents(
    connection: Connection,
    columns: Columns,
    options: AttachOptions,
    document: DocumentOptions,
    *,
    settings: Settings,
    notices: Notices = SILENT,
) -> str:
    """Attach a table of documents in one transaction; returns the source's name.

    Without `options.dimensions` the chunk table has those of the model that the settings and
    `options` select. Raises: SourceRefused, InvalidArgument, DatabaseError.
    """
    with translate_errors():
        named = columns.given | ({"title": [document.title]} if document.title else {})
        others = {"documents": "", **document.given, **options.given}
        others |= {"name": columns.name} if columns.name else {}
        oid, table = find_table(connection, columns.relation, named, others)
        key, text, _ = USUAL_COLUMNS
        given: dict[str, object] = {
            "title": document.title,
            "chunks": document.chunks,
            "splitter": document.splitter,
            "max_chars": document.max_chars,
            "overlap_chars": document.overlap_chars,
            "context": document.context,
            "max_tokens": document.max_tokens,
            "dimensions": _dimensions(settings, options, notices),
            "embedding_type": "halfvec" if document.halfvec else "vector",
            "provider": options.provider,
            "model": options.model,
            "document_prefix": options.document_prefix,
            "query_prefix": options.query_prefix,
            "batch_size": options.batch_size,
        }
        named_values = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Literal(value))
            for name, value in given.items()
            if value is not None
        )
        with warnings_to(connection, notices.warn):
            row = connection.execute(
                sql.SQL(
                    "select wikiembed.attach_documents(%s::oid::regclass, %s::name[], %s::text[],"
                    " %s, {})"
                ).format(named_values),
                (oid, columns.key or key, columns.text or text, columns.name or table),
            ).fetchone()
    return str(row[0]) if row is not None else ""


def _dimensions(settings: Settings, options: AttachOptions, notices: Notices) -> int:
    """The dimensions of the chunk table's column.

    Raises: InvalidArgument if they are unknown; SourceRefused if the model returns others.
    """
    try:
        provider = None if options.provider is None else Provider(options.provider)
    except ValueError:
        raise InvalidArgument(f"{options.provider!r} is not a provider.") from None
    known = model_dimensions(settings, provider, options.model, column=options.dimensions)
    if known.dimensions is None and options.dimensions is None:
        raise InvalidArgument(
            "Give --dimensions or set WIKIEMBED_DIMENSIONS, since the dimensions of"
            f" {known.label} are unknown: {known.why}."
        )
    if options.dimensions is None:
        return int(known.dimensions or 0)
    if known.dimensions is None:
        if known.stated:
            notices.note(f"The dimensions of {known.label} are unknown: {known.why}.")
    elif known.dimensions != options.dimensions:
        has = "has" if known.measured else "by WIKIEMBED_DIMENSIONS has"
        sentence = (
            f"--dimensions is {options.dimensions}, and {known.label} {has} {known.dimensions}:"
            " leave out --dimensions, or name the model that fits (WIKIEMBED_EMBEDDER,"
            " WIKIEMBED_MODEL, --provider, --model)."
        )
        if known.measured and known.stated:
            raise SourceRefused(sentence)
        notices.warn(sentence)
    return options.dimensions


def documents(connection: Connection, source: str | None = None) -> list[Documents]:
    """The counts of sources that have documents, of one source or all."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_DOCUMENTS, {"source": source}).fetchall()
    return [Documents(**row) for row in rows]


def waiting_sentence(source: str, waiting: int) -> str:
    """How many documents wait to be queued by an operator, and the command."""
    return (
        f"{source}: {count(waiting, 'document')} {verb(waiting, 'waits', 'wait')} for"
        f" `{command_line('enqueue', source)}`."
    )


def attached_sentence(row: Documents) -> str:
    """What an attach did, and how many documents wait."""
    return (
        f"Attached {row.relation} as documents of source {row.source!r}:"
        f" {count(row.waiting, 'document')} {verb(row.waiting, 'waits', 'wait')} to be split into"
        f" {row.chunk_table}."
    )
