"""Limits of servers over all workers: setting them, and what was used in the last minute."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.db.connect import translate_errors
from wikiembed.times import local

Connection = psycopg.Connection[Any]
LIMITS = (
    "select server, model, requests_per_minute, tokens_per_minute, origin, requests_used,"
    " tokens_used, share_used, waits, blocked_until, stated_requests, stated_tokens, stated_at,"
    " set_by, set_at from wikiembed.limits"
    " where %(server)s::text is null or server = %(server)s order by server, model nulls first"
)


def limits(connection: Connection, server: str | None = None) -> list[dict[str, Any]]:
    """View wikiembed.limits, of one server or all."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LIMITS, {"server": server}).fetchall()


def set_limit(
    connection: Connection,
    server: str,
    *,
    model: str | None,
    requests: int | None,
    tokens: int | None,
) -> None:
    """Set requests and tokens per minute; neither: remove them. None keeps what is set.

    Raises: InvalidArgument.
    """
    with translate_errors():
        connection.execute(
            "select wikiembed.set_limit(%s, %s, %s::int, %s::bigint)",
            (server, model, requests, tokens),
        )


def name_of(row: dict[str, Any]) -> str:
    """``http://host of bge-m3``, or the server alone."""
    return f"{row['server']} of {row['model']}" if row["model"] else str(row["server"])


def used_phrase(row: dict[str, Any]) -> str:
    """``1,180 of 1,200 requests, 90,000 of 1,000,000 tokens a minute (98 %), as set``."""
    parts = [
        f"{row[f'{kind}_used']:,} of {row[f'{kind}_per_minute']:,} {kind}"
        for kind in ("requests", "tokens")
        if row[f"{kind}_per_minute"] is not None
    ]
    whose = "as set" if row["origin"] == "set" else "as the server states"
    if row["blocked_until"] is not None:
        state = f"; refused, so workers wait until {local(row['blocked_until'])}"
    else:
        state = "; workers wait for it" if row["waits"] else ""
    return f"{', '.join(parts)} a minute ({row['share_used'] * 100:.0f} %), {whose}{state}"
