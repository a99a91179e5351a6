"""Split the documents of a source again: the change of its options, and documents to try it on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import sql

from wikiembed.command_line import command_line
from wikiembed.config import Settings
from wikiembed.control.actions import names
from wikiembed.db.connect import translate_errors
from wikiembed.embedders.tokens import TokenCounter, token_counter
from wikiembed.errors import SourceNotFound
from wikiembed.store.documents import Document, DocumentOptions, StoredChunk
from wikiembed.store.resolution import own_model
from wikiembed.store.source import SOURCE, Source

Connection = psycopg.Connection[Any]
READ_AT_ONCE = 16
"""Documents in memory."""
OPTIONS = ("splitter", "max_chars", "overlap_chars", "context", "max_tokens")
_BEFORE = """
select splitter, max_chars, overlap_chars, context, max_tokens from wikiembed.document_options(%s)
"""
_AFTER = """
select n.splitter, n.max_chars, n.overlap_chars, n.context, n.max_tokens
  from wikiembed.document_sources as d,
       wikiembed_private.resplit_options(
         d, %(splitter)s, %(max_chars)s::int, %(overlap_chars)s::int, %(context)s,
         %(max_tokens)s::int) as n
 where d.source = %(source)s
"""
_RESPLIT = """
select wikiembed.resplit(
         %(source)s, %(splitter)s, %(max_chars)s::int, %(overlap_chars)s::int, %(context)s,
         %(max_tokens)s::int, %(force)s)
"""
_COUNTS = """
select d.total, coalesce(c.total, 0)
  from wikiembed.documents as d left join wikiembed.coverage as c on c.source = d.source
 where d.source = %s
"""
_VERSIONS = """
select d.source, d.splitter_version, wikiembed_private.splitter_version()
  from wikiembed.document_sources as d where %(source)s::text is null or d.source = %(source)s
 order by d.source
"""
_READ = """
select wikiembed_private.render_template(wikiembed_private.document_row(%(source)s), $template$
         select @key_of(d)@, @title_d@, @text_of(d)@,
                coalesce((
                  select jsonb_agg(jsonb_build_array(c.id, c.context, c.content)
                                   order by c.position)
                    from @chunks@ as c where @fk_equals@), '[]')
           from @table@ as d where @has_key(d, $1::text[])@
       $template$, wikiembed_private.document_names(%(source)s)),
       wikiembed_private.document_names(%(source)s) ->> 'state'
"""
_KEYS = sql.SQL("select s.key from {} as s order by hashtextextended(s.key, 0), s.key limit $1")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChange:
    """Options to change; None: keep. `max_tokens` 0: no bound."""

    splitter: str | None = None
    max_chars: int | None = None
    overlap_chars: int | None = None
    context: str | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The options of a source before and after a change, and what it is applied to.

    `chunks`: those that are stored. `versions`: of the splitter, before and after. `tokens` None:
    no bound on tokens after it.
    """

    source: str
    documents: int
    chunks: int
    before: DocumentOptions
    after: DocumentOptions
    versions: tuple[int, int]
    tokens: TokenCounter | None
    paused: bool

    @property
    def changes(self) -> list[str]:
        """``max_chars 800 instead of 1000`` for each option that changes."""
        options = [
            f"{name} {_named(getattr(self.after, name))} instead of"
            f" {_named(getattr(self.before, name))}"
            for name in OPTIONS
            if getattr(self.after, name) != getattr(self.before, name)
        ]
        before, after = self.versions
        version = f"version {after} of the splitter instead of {before}"
        return options if before == after else [*options, version]

    def as_json(self) -> dict[str, object]:
        """Its parts by name."""
        return {
            "source": self.source,
            "documents": self.documents,
            "chunks": self.chunks,
            "options": {name: getattr(self.after, name) for name in OPTIONS},
            "options_before": {name: getattr(self.before, name) for name in OPTIONS},
            "splitter_version": self.versions[1],
            "splitter_version_before": self.versions[0],
            "tokens": None
            if self.tokens is None
            else ("counted" if self.tokens.exact else "estimated"),
            "paused": self.paused,
        }


def _named(value: object) -> str:
    return "none" if value is None else str(value)


def plan(connection: Connection, settings: Settings, source: str, change: OptionChange) -> Plan:
    """What `change` would make of the options of `source`; writes nothing.

    Raises: SourceNotFound, InvalidArgument, ConfigurationError, psycopg.Error.
    """
    names(connection, source)
    with translate_errors():
        before = connection.execute(_BEFORE, (source,)).fetchone()
        if before is None:
            raise SourceNotFound(
                f"Source {source!r} has no documents to split: its table holds chunks; attach the"
                " documents instead (`wikiembed attach --documents`)."
            )
        connection.execute("select wikiembed_private.require_document_tables(%s)", (source,))
        after = connection.execute(
            _AFTER,
            {"source": source, **asdict(change)},
        ).fetchone()
        counted = connection.execute(_COUNTS, (source,)).fetchone()
        ((_, *versions),) = connection.execute(_VERSIONS, {"source": source}).fetchall()
        paused = connection.execute(
            "select paused from wikiembed.coverage where source = %s", (source,)
        ).fetchone()
    options = DocumentOptions(*(after or before))
    documents, chunks = counted or (0, 0)
    tokens = None
    if options.max_tokens is not None:
        tokens = token_counter_of(connection, settings, source)
    return Plan(
        source=source,
        documents=documents,
        chunks=chunks,
        before=DocumentOptions(*before),
        after=options,
        versions=(versions[0], versions[1]),
        tokens=tokens,
        paused=bool(paused and paused[0]),
    )


def resplit(
    connection: Connection, source: str, change: OptionChange, *, force: bool = False
) -> int:
    """Change the options, and queue all documents of `source`; returns their number.

    Queues none when the options and the version of the splitter are the same, unless `force`.

    Raises: SourceNotFound, InvalidArgument, LockNotAvailable, WrongIsolation, psycopg.Error.
    """
    with translate_errors():
        row = connection.execute(
            _RESPLIT,
            {"source": source, "force": force, **asdict(change)},
        ).fetchone()
    return int(row[0]) if row else 0


def outdated(connection: Connection, source: str | None = None) -> list[str]:
    """A sentence for each source, or `source`, whose documents another version has split.

    Raises: psycopg.Error.
    """
    with translate_errors():
        rows = connection.execute(_VERSIONS, {"source": source}).fetchall()
    return [
        f"Source {name}: its documents were split by version {before} of the splitter, which is now"
        f" {after} and may cut elsewhere: `{command_line('resplit', name, '--dry-run')}` says what"
        f" would change, and `{command_line('resplit', name)}` does it."
        for name, before, after in rows
        if before != after
    ]


def token_counter_of(connection: Connection, settings: Settings, source: str) -> TokenCounter:
    """The counter of what `source` is embedded with.

    Raises: SourceNotFound, ConfigurationError.
    """
    with translate_errors():
        row = connection.execute(SOURCE, (source,)).fetchone()
    if row is None:
        raise SourceNotFound(f"No source is named {source!r}: see `wikiembed sources`.")
    return token_counter(*own_model(Source.from_row(row), settings))


def tokens_sentence(source: str, max_tokens: int, tokens: TokenCounter) -> str:
    """How the tokens of a source's chunks are counted."""
    return f"{source}: the {max_tokens:,} tokens of a chunk are {tokens.known_from}."


def stored_documents(connection: Connection, source: str, *, most: int) -> Iterator[Document]:
    """Documents of `source` with their chunks, at most `most`: the first by a hash of their keys.

    Reads `READ_AT_ONCE` at a time, in one read-only snapshot.
    Raises: psycopg.Error, ConfigurationError (rights), SourceNotFound.
    """
    with translate_errors(), connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local row_security = off")  # refuse rather than omit
        row = connection.execute(_READ, {"source": source}).fetchone()
        if row is None or row[0] is None:
            return
        read, state = row
        # Placeholders as $1: names of the table may hold %.
        with (
            psycopg.RawServerCursor(connection, "wikiembed_documents") as keys,
            psycopg.RawCursor(connection) as documents,
        ):
            keys.execute(_KEYS.format(sql.SQL(state)), (most,))
            while some := [row[0] for row in keys.fetchmany(READ_AT_ONCE)]:
                for key, title, content, chunks in documents.execute(sql.SQL(read), (some,)):
                    yield Document(
                        key, title, content, None, tuple(StoredChunk(*one) for one in chunks)
                    )
