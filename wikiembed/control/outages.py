"""Servers that are out of reach, as reported by workers."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.db.connect import translate_errors
from wikiembed.store.outages import OPEN_OUTAGES, Outage
from wikiembed.times import local


def open_outages(connection: psycopg.Connection[Any]) -> list[Outage]:
    """The open outages, the longest first, including those that no worker reports any more."""
    with translate_errors():
        return [Outage(*row) for row in connection.execute(OPEN_OUTAGES)]


def recent_outages(connection: psycopg.Connection[Any], *, limit: int) -> list[dict[str, Any]]:
    """The latest outages, those that ended too: 30 days are kept."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select server, since, last_seen_at, ended_at, error_class, http_status, reason, times"
            " from wikiembed.outages order by since desc, id desc limit %s",
            (limit,),
        ).fetchall()


def advice(outage: Outage) -> str:
    """What is known of an outage, and what to do about it."""
    since = local(outage.since)
    reason = outage.reason.rstrip(".")
    if not outage.stale:
        found = "leave out" if outage.is_refused else "cannot reach"
        others = "; its other servers take the work" if outage.partial else ""
        return (
            f"Workers {found} {outage.server} since {since} ({reason}): fix the server;"
            f" they retry automatically{others}."
        )
    seen = local(outage.last_seen_at)
    quoted = outage.server.replace("'", "''")
    return (
        f"{outage.server} was out of reach from {since} to {seen} ({reason}), and no worker has"
        " tried it since: run `wikiembed worker`; if the server is retired, run in psql"
        f" `select wikiembed.end_outage('{quoted}')`."
    )
