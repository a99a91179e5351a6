"""Sources that are split from documents: their table, triggers, queue, failures and splitter."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from wikiembed.command_line import command_line
from wikiembed.control.doctor.findings import Finding
from wikiembed.control.resplit import outdated
from wikiembed.words import count, verb

Connection = psycopg.Connection[Any]
SPLITTER = "semantic_text_splitter"
_DOCUMENTS = """
select d.source, wikiembed_private.qualified(d.relation), g.gone,
       case when not g.gone then wikiembed_private.document_triggers_current(d.source) end,
       case when not g.gone then wikiembed_private.lacks_columns(
         d.relation, d.key_columns || d.text_columns || d.title_column, null) end,
       f.message, f.advice
  from wikiembed.document_sources as d,
       lateral (select wikiembed_private.documents_gone(d.source)) as g (gone),
       wikiembed_private.chunk_table_fault(d.source) as f
 order by d.source
"""
_UNQUEUED = "select documents from wikiembed_private.enqueue_documents(%s, null, true)"
_FAILED = """
select f.source, count(*), string_agg(distinct f.error_class, ', ' order by f.error_class)
  from wikiembed.document_failures as f group by f.source order by f.source
"""


def documents(
    connection: Connection, *, load: Callable[[str], object] = importlib.import_module
) -> Iterator[Finding]:
    """Each source's table of documents, what waits in no job, failures, and the splitter."""
    rows = connection.execute(_DOCUMENTS).fetchall()
    for name, relation, gone, current, renamed, fault, advice in rows:
        yield from _of_table(name, relation, gone=gone, current=current, renamed=renamed)
        if gone:
            continue
        if fault:
            what = f"{fault[:1].upper()}{fault[1:]}: {advice[:1].lower()}{advice[1:]}"
            yield Finding(
                "chunk_table",
                "fault",
                f"Source {name}: its documents cannot be kept in step with its chunks. {what}, then"
                f" run `{command_line('reconcile', name)}`.",
            )
        (unqueued,) = connection.execute(_UNQUEUED, (name,)).fetchone() or (0,)
        if unqueued:
            waits = f"{count(unqueued, 'document')} {verb(unqueued, 'waits', 'wait')}"
            yield Finding(
                "documents_waiting",
                "warning",
                f"Source {name}: {waits} to be split and {verb(unqueued)} in no job: run"
                f" `{command_line('enqueue', name)}`.",
            )
    for name, failed, classes in connection.execute(_FAILED).fetchall():
        yield Finding(
            "documents_failed",
            "warning",
            f"Source {name} has {count(failed, 'document')} that could not be split ({classes}):"
            f" see `{command_line('failures', name)}`, then run `{command_line('retry', name)}`.",
        )
    for sentence in outdated(connection):
        yield Finding("splitter_version", "warning", sentence)
    if rows:
        yield from _splitter(load)


def _of_table(
    name: str, relation: str | None, *, gone: bool, current: bool, renamed: bool
) -> Iterator[Finding]:
    if gone:
        what = "table of documents" if relation is None else f"column of documents in {relation}"
        yield Finding(
            "documents_relation",
            "fault",
            f"A {what} of source {name} was dropped: run"
            f" `{command_line('reconcile', name)}`, which keeps the chunks and splits no more.",
        )
    elif renamed:
        yield Finding(
            "document_triggers",
            "fault",
            f"A column of documents in {relation} of source {name} was renamed, and what is written"
            f" is not recorded until it is known: run `{command_line('reconcile', name)}`.",
        )
    elif not current:
        yield Finding(
            "document_triggers",
            "fault",
            f"Triggers on the documents of source {name}, {relation}, are missing, disabled or"
            f" outdated: run `{command_line('reconcile', name)}`.",
        )
    else:
        yield Finding("documents", "ok", f"Documents of source {name} in {relation}: triggers.")


def _splitter(load: Callable[[str], object]) -> Iterator[Finding]:
    try:
        load(SPLITTER)
    except ImportError as error:
        yield Finding(
            "splitter",
            "fault",
            f"The package semantic-text-splitter cannot be imported here ({error}): run"
            " `pip install --force-reinstall semantic-text-splitter`.",
        )
