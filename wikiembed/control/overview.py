"""The whole state: coverage, documents, queue, failures, outages, workers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.command_line import command_line
from wikiembed.control.actions import coverage
from wikiembed.control.budgets import budgets
from wikiembed.control.documents import documents
from wikiembed.control.limits import limits
from wikiembed.control.outages import open_outages
from wikiembed.control.schedules import schedules
from wikiembed.control.standing import present_s, waits_for
from wikiembed.control.switch import SWITCHED
from wikiembed.db.connect import translate_errors
from wikiembed.store.coverage import Coverage
from wikiembed.words import count

Connection = psycopg.Connection[Any]

_QUEUE = "select source, todo, doing, oldest_todo_s, scheduled_later from wikiembed.queue"
_FAILURES = (
    "select source, state, error_class, count(*) as chunks, max(last_at) as last_at"
    " from wikiembed.failures group by source, state, error_class"
    " order by source, chunks desc, error_class"
)
WORKERS = (
    "select worker_id, last_heartbeat, heartbeat_age_s, alive, doing, worker_ids, host, pid,"
    " version, model, started_at, requests, node, actor from wikiembed.workers"
    " order by alive desc, started_at, worker_id"
)
PAUSES = (
    "select name as source, paused_by, paused_at, pause_reason, resume_at from wikiembed.sources"
    " where paused_at is not null and (resume_at is null or resume_at > now()) order by name"
)

_HELD_BACK = (
    "select s.name as source, s.held_back_at, c.held_back as chunks"
    " from wikiembed.sources as s join wikiembed.coverage as c on c.source = s.name"
    " where s.held_back_at is not null and c.held_back > 0 order by s.name"
)

_REPLACED = "select source, name, attached_to from wikiembed.replaced_tables order by source"

_TRUNCATED = (
    "select source, truncated, server, from_chars from wikiembed.truncation"
    " where truncated > 0 or outcome = 'silent' order by source"
)


def replaced_sentence(*, source: str, name: str, attached_to: str | None) -> str:
    """The clause that another table has the name of a source's table, with the fix."""
    was = f"source {source} is still attached to {attached_to}"
    if attached_to is None:
        was = f"the table of source {source} was dropped"
    return (
        f"{was}, and {name} is another table now: run"
        f" `{command_line('attach', name, '--name', source, '--move')}`."
    )


def truncated_sentence(*, source: str, truncated: int) -> str:
    """The sentence on chunks of which only the beginning is embedded."""
    return (
        f"Truncated: {count(truncated, 'chunk')} of {source}, as WIKIEMBED_TRUNCATE allows; listed"
        " in wikiembed.truncated_chunks."
    )


def truncated(connection: Connection, source: str | None) -> list[str]:
    """`truncated_sentence` of each source that has such chunks, or of `source` alone."""
    with translate_errors():
        rows = connection.execute(
            "select source, truncated from wikiembed.truncation"
            " where truncated > 0 and (%s::text is null or source = %s) order by source",
            (source, source),
        ).fetchall()
    return [truncated_sentence(source=name, truncated=chunks) for name, chunks in rows]


def overview(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Rows of coverage, queue, failures, pauses, documents, workers, outages and so on, by name."""
    outages = open_outages(connection)
    of_documents = documents(connection)
    counts = {row.source: row.counts for row in of_documents}
    rows = [replace(row, documents=counts.get(row.source)) for row in coverage(connection)]
    state: dict[str, list[dict[str, Any]]] = {
        "coverage": [standing(row, present_s(outages)) for row in rows]
    }
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        for name, query in (
            ("queue", _QUEUE),
            ("failures", _FAILURES),
            ("pauses", PAUSES),
            ("held_back", _HELD_BACK),
            ("replaced", _REPLACED),
            ("truncation", _TRUNCATED),
            ("switched", SWITCHED),
            ("workers", WORKERS),
        ):
            state[name] = cursor.execute(query).fetchall()
    state["budgets"] = budgets(connection)
    state["schedules"] = schedules(connection)
    state["limits"] = limits(connection)
    state["documents"] = [row.as_json() for row in of_documents]
    state["outages"] = [outage.as_json() for outage in outages]
    return state


def standing(row: Coverage, outages_s: list[float]) -> dict[str, Any]:
    """A row of coverage, what it waits for, and how many documents wait.

    `eta_s` includes their chunks; it is None while the source waits. `chunks_expected`: chunks once
    all documents are split, None if that is not known yet.
    """
    waits = waits_for(row, outages_s)
    fields = {
        **row.as_json(),
        "waits_for": waits,
        "documents_waiting": row.documents_waiting,
        "chunks_expected": None if row.growth is None else row.total - row.skipped + row.growth,
    }
    rate = float(row.chunks_per_s)
    if waits is not None:
        fields["eta_s"] = None
    elif row.documents_waiting:
        fields["eta_s"] = round(row.left / rate) if row.left is not None and rate > 0 else None
    return fields
