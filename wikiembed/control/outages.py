"""Servers that are out of reach now, as the workers reported them."""

from __future__ import annotations

from typing import Any

import psycopg

from wikiembed.db.connect import translate_errors
from wikiembed.store import OPEN_OUTAGES, Outage
from wikiembed.times import local


def open_outages(connection: psycopg.Connection[Any]) -> list[Outage]:
    """The outages that last, the longest first; also those that nobody reports any more."""
    with translate_errors():
        return [Outage(*row) for row in connection.execute(OPEN_OUTAGES)]


def advice(outage: Outage) -> str:
    """What is known of an outage, and what to do about it."""
    since = local(outage.since)
    reason = outage.reason.rstrip(".")
    if not outage.stale:
        return (
            f"Workers cannot reach {outage.server} since {since} ({reason}): mend the server;"
            " they go on by themselves."
        )
    seen = local(outage.last_seen_at)
    quoted = outage.server.replace("'", "''")
    return (
        f"{outage.server} was out of reach from {since} to {seen} ({reason}), and no worker has"
        " asked it since: run `wikiembed worker`; if the server is no more, run in psql"
        f" `select wikiembed.end_outage('{quoted}')`."
    )
