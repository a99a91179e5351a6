"""Each source's table: triggers, indexes, rights, prefixes; and whether it is paused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from wikiembed.command_line import command_line
from wikiembed.control.doctor.findings import Finding
from wikiembed.control.index import (
    FEWEST_VECTORS,
    Quantise,
    Target,
    VectorIndex,
    indexes,
    targets,
    text_index_works,
    wanted,
)
from wikiembed.control.overview import replaced_sentence
from wikiembed.search.recall import TARGETS, options_of
from wikiembed.times import local
from wikiembed.words import count

Connection = psycopg.Connection[Any]
MANY_VECTORS = 10_000
"""Up to this many are searched fast without an index."""

_SOURCES = """
select s.name, q.relation, s.model, s.document_prefix,
       (select format('create index %son %s (%s) where %I is null',
                      case when c.relkind = 'p' then '' else 'concurrently ' end,
                      q.relation,
                      (select string_agg(quote_ident(k.name), ', ' order by k.number)
                         from unnest(s.key_columns) with ordinality as k (name, number)),
                      s.embedding_column)
          from pg_catalog.pg_class as c where c.oid = s.relation),
       case when q.relation is not null then wikiembed_private.triggers_current(s) end,
       case when q.relation is not null then wikiembed_private.missing_index(s) is not null end,
       case when q.relation is not null then wikiembed_private.owner_warning(s.relation) end,
       case when q.relation is not null then (
         select string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by c.relname)
           from pg_catalog.pg_index as i
           join pg_catalog.pg_class as c on c.oid = i.indexrelid
           join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
          where i.indrelid = s.relation and not i.indisvalid and i.indpred is not null
            and i.indkey[0] = s.key_attnum) end,
       wikiembed_private.qualified(c.managed),
       case when c.managed is not null then wikiembed_private.citus_advice(c.managed) end
  from wikiembed.sources as s,
       lateral (select wikiembed_private.qualified(s.relation)) as q (relation),
       lateral (select wikiembed_private.citus_table_of(s)) as c (managed)
 order by s.name
"""
# The measured value that is nearest to the one with which searches run, and not above it.
_RECALL = """
select distinct on (c.depth, c.filter) c.depth, c.filter, c.ef_search, c.recall, c.sample, c.at
  from wikiembed.recall_checks as c
  join wikiembed.search_statements as t on t.source = c.source
 where c.source = %s
   and c.ef_search <= wikiembed_private.used_ef_search(t.ef_search, c.depth + 1, t.oversampling)
 order by c.depth, c.filter, c.ef_search desc
"""
_REPLACED = "select r.source, r.name from wikiembed.replaced_tables as r"
_PAUSED = """
select s.name, s.paused_by, s.paused_at, s.pause_reason from wikiembed.sources as s
 where s.paused_at is not null and (s.resume_at is null or s.resume_at > clock_timestamp())
 order by s.name
"""
_HELD_BACK = """
select c.source, c.held_back from wikiembed.coverage as c where c.held_back > 0 order by c.source
"""
_FAILED = """
select f.source, count(*), string_agg(distinct f.error_class, ', ' order by f.error_class)
  from wikiembed.failures as f where f.state = 'failed' group by f.source order by f.source
"""


def sources(connection: Connection) -> Iterator[Finding]:
    """The tables of all sources."""
    rows = connection.execute(_SOURCES).fetchall()
    replaced: dict[str, str] = dict(connection.execute(_REPLACED).fetchall())
    if not rows:
        yield Finding("sources", "warning", "No source is attached: run `wikiembed attach`.")
    for row in rows:
        name, relation, model, prefix, create, current, indexed, warning, invalid, *citus = row
        if citus[0] is not None:
            yield _managed(name, *citus)
            continue
        if name in replaced:
            sentence = replaced_sentence(source=name, name=replaced[name], attached_to=relation)
            yield Finding("replaced", "fault", sentence[:1].upper() + sentence[1:])
        elif relation is None:
            yield Finding(
                "relation",
                "fault",
                f"The table of source {name} was dropped: run `{command_line('reconcile', name)}`.",
            )
        if relation is None:
            continue
        if not current:
            yield Finding(
                "triggers",
                "fault",
                f"Triggers of source {name} are missing, disabled or outdated: run"
                f" `{command_line('reconcile', name)}`.",
            )
        if not indexed:
            first = f"`drop index {invalid}` and then " if invalid else ""
            yield Finding(
                "index",
                "warning",
                f"Source {name} has no valid index on missing rows: run in psql {first}`{create}`.",
            )
        if current and indexed:
            yield Finding("source", "ok", f"Source {name} on {relation}: triggers and index.")
        if warning:
            yield Finding(
                "owner",
                "warning",
                f"Source {name}: {warning}; trust them as much as that role, or let a role with"
                " fewer rights own wikiembed.",
            )
        if model and "nomic-embed-text" in model and not prefix:
            yield Finding(
                "prefix",
                "warning",
                f"Source {name}: {model} expects the prefixes 'search_document: ' and"
                " 'search_query: ', and its vectors were made without: see"
                " docs/how-to/change-the-model.md, only the prefix.",
            )


def _managed(source: str, table: str, advice: str) -> Finding:
    """A foreign key to a reference table, or another call of Citus, made it one of Citus's."""
    attach = command_line("attach", table, "--name", source, "--move")
    return Finding(
        "citus",
        "fault",
        f"Citus manages {table}, the table of source {source}, and workers cannot read it:"
        f" {advice}, then run `{attach}`.",
    )


def search_indexes(connection: Connection) -> Iterator[Finding]:
    """The indexes that search uses for each source."""
    for target in targets(connection, None):
        found = indexes(connection, target)
        yield from _search_index(target, found)
        is_used = any(index.used for index in found)
        if is_used and target.embedded >= FEWEST_VECTORS:
            yield from _recall(connection, target.source)
        yield from _text_index(connection, target)


def _search_index(target: Target, found: list[VectorIndex]) -> Iterator[Finding]:
    invalid = [index.label for index in found if not index.valid]
    used = [index for index in found if index.used]
    kind = wanted(target)
    build = f"run `{command_line('index', '--source', target.source)}`"
    if invalid:
        yield Finding(
            "search_index",
            "warning",
            f"Index {', '.join(invalid)} of source {target.source} is invalid, or is being built:"
            f" {build}, which waits for that build or rebuilds the index.",
        )
    elif used and used[0].quantise is kind:
        yield Finding(
            "search_index", "ok", f"Source {target.source} is searched by {used[0].label}."
        )
    elif kind is not Quantise.NONE and (used or target.embedded >= MANY_VECTORS):
        how = f"searches use {used[0].label}" if used else "searches compare every row"
        yield Finding(
            "search_index",
            "warning",
            f"Source {target.source} is to be searched by an index of kind {kind}, and {how}:"
            f" {build}.",
        )
    elif not used and target.embedded >= MANY_VECTORS:
        yield Finding(
            "search_index",
            "warning",
            f"Source {target.source} has {target.embedded:,} vectors and no index that search can"
            f" use: {build}.",
        )


def _text_index(connection: Connection, target: Target) -> Iterator[Finding]:
    if target.text_config is None:
        return
    how = f"source {target.source} by text ({target.text_config})"
    options = ("--text", "--source", target.source, "--config", target.text_config)
    if text_index_works(connection, target):
        yield Finding("search_index", "ok", f"An index serves searches of {how}.")
        return
    yield Finding(
        "search_index",
        "warning",
        f"No valid index serves searches of {how}, which read every row: run"
        f" `{command_line('index', *options)}`.",
    )


def _recall(connection: Connection, source: str) -> Iterator[Finding]:
    """What the last measurement of each kind of search says of the setting that is used."""
    for depth, conditions, value, share, sample, at in connection.execute(_RECALL, (source,)):
        options = options_of(depth, conditions)
        command = command_line("recall", source, *options, "--set")
        yield Finding(
            "recall",
            "ok" if share >= TARGETS[0] else "warning",
            f"Source {source}: recall@{depth} is {share:.3f} at ef_search {value}"
            f" ({sample:,} questions, {local(at)})"
            + (f": run `{command}`." if share < TARGETS[0] else "."),
        )


def states(connection: Connection) -> Iterator[Finding]:
    """Pauses, chunks that wait to be queued by an operator, and failures."""
    for name, who, since, why in connection.execute(_PAUSED).fetchall():
        reason = f" ({why.rstrip('.')})" if why else ""
        yield Finding(
            "paused",
            "warning",
            f"Source {name} is paused by {who} since {local(since)}{reason}: fix the"
            f" cause, then run `{command_line('resume', name)}`.",
        )
    for name, chunks in connection.execute(_HELD_BACK).fetchall():
        yield Finding(
            "held_back",
            "warning",
            f"Source {name}: {chunks:,} {'chunk waits' if chunks == 1 else 'chunks wait'} to be"
            f" queued: run `{command_line('enqueue', name)}`.",
        )
    for name, failed, classes in connection.execute(_FAILED).fetchall():
        yield Finding(
            "failures",
            "warning",
            f"Source {name} has {count(failed, 'failed chunk')} ({classes}): see"
            f" `{command_line('failures', name)}`, then run `{command_line('retry', name)}` or"
            f" `{command_line('skip', name, 'KEY')}`.",
        )
