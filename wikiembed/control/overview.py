"""The whole state in one answer: coverage, queue, failures, outages, workers."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control.actions import coverage
from wikiembed.control.outages import open_outages
from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]

_QUEUE = "select source, todo, doing, oldest_todo_s, scheduled_later from wikiembed.queue"
_FAILURES = (
    "select source, state, error_class, count(*) as chunks, max(last_at) as last_at"
    " from wikiembed.failures group by source, state, error_class"
    " order by source, chunks desc, error_class"
)
_WORKERS = (
    "select worker_id, last_heartbeat, heartbeat_age_s, alive, doing, worker_ids, host, pid,"
    " version, model, started_at from wikiembed.workers order by alive desc, started_at, worker_id"
)
_PAUSES = (
    "select name as source, paused_by, paused_at, pause_reason, resume_at from wikiembed.sources"
    " where paused_at is not null and (resume_at is null or resume_at > now()) order by name"
)

_HELD_BACK = (
    "select name as source, held_back_at from wikiembed.sources"
    " where held_back_at is not null order by name"
)


def overview(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Rows of coverage, queue, failures, pauses, sources held back, workers and outages."""
    answer: dict[str, list[dict[str, Any]]] = {
        "coverage": [row.as_json() for row in coverage(connection)]
    }
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        for name, query in (
            ("queue", _QUEUE),
            ("failures", _FAILURES),
            ("pauses", _PAUSES),
            ("held_back", _HELD_BACK),
            ("workers", _WORKERS),
        ):
            answer[name] = cursor.execute(query).fetchall()
    answer["outages"] = [outage.as_json() for outage in open_outages(connection)]
    return answer
