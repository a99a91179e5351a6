"""Windows in which the bulk work of a source runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control import actions
from wikiembed.db.connect import translate_errors
from wikiembed.errors import InvalidArgument
from wikiembed.times import local

Connection = psycopg.Connection[Any]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULES = (
    "select source, array(select to_char(b, 'HH24:MI') || '-' || to_char(e, 'HH24:MI')"
    " from unnest(begins, ends) as w (b, e)) as windows, zone, weekdays, open, opens_at,"
    " closes_at, set_by, set_at from wikiembed.schedules"
    " where %(source)s::text is null or source = %(source)s order by source"
)


def schedules(connection: Connection, source: str | None = None) -> list[dict[str, Any]]:
    """View wikiembed.schedules, with windows as ``22:00-06:00``, of one source or all."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(SCHEDULES, {"source": source}).fetchall()


def set_schedule(
    connection: Connection,
    source: str,
    windows: Sequence[str] | None,
    *,
    weekdays: Sequence[int] = tuple(range(1, 8)),
) -> None:
    """Let bulk work run in windows such as ``22:00-06:00 Asia/Seoul`` only; None: always.

    Raises: SourceNotFound, InvalidArgument.
    """
    actions.names(connection, source)
    spans: list[str] | None = None
    zones: set[str] = set()
    if windows is not None:
        parts = [window.split() for window in windows]
        spans = [part[0] for part in parts if part]
        zones = {part[1] if len(part) == 2 else "UTC" for part in parts}
        if len(zones) != 1 or any(len(part) not in {1, 2} for part in parts):
            raise InvalidArgument(
                "Give windows such as '22:00-06:00 Asia/Seoul', all with one time zone."
            )
    with translate_errors():
        connection.execute(
            "select wikiembed.set_schedule(%s, %s::text[], %s, %s::int[])",
            (source, spans, next(iter(zones), "UTC"), list(weekdays)),
        )


def read_weekdays(text: str) -> list[int]:
    """``mon-fri``, ``sat,sun``, ``fri-mon`` as numbers from 1, Monday, in their order.

    Raises: InvalidArgument.
    """
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (one.strip() for one in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise InvalidArgument(f"{text!r} are not weekdays: give them as mon-fri or sat,sun.")
        day = DAYS.index(first)
        end = DAYS.index(last) if dash else day
        while day != end:
            found.add(day + 1)
            day = (day + 1) % 7
        found.add(end + 1)
    return sorted(found)


def phrase(row: dict[str, Any]) -> str:
    """``22:00-06:00 Asia/Seoul on mon, tue; open until …`` or ``…; closed until …``."""
    days = [DAYS[number - 1] for number in row["weekdays"]]
    on = "every day" if len(days) == 7 else f"on {', '.join(days)}"
    state = (
        f"open until {local(row['closes_at'])}"
        if row["open"]
        else f"closed until {local(row['opens_at'])}"
    )
    return f"{', '.join(row['windows'])} {row['zone']} {on}; {state}"
