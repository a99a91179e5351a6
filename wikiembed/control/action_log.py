"""The log of actions: who did what, when and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]
# From the end of the table: a filter that nothing matches reads all of it, within the time limit.
_ENTRIES = """
select l.id, l.at, l.who, l.action, l.source, l.why, l.detail from wikiembed.action_log as l
 where (%(source)s::text is null or l.source = %(source)s)
   and (%(action)s::text is null or l.action = %(action)s)
   and (%(who)s::text is null or position(lower(%(who)s) in lower(l.who)) > 0)
   and (%(before)s::bigint is null or l.id < %(before)s)
 order by l.id desc limit %(limit)s
"""
_KNOWN = """
select regexp_matches(pg_get_constraintdef(c.oid), '''([a-z]+)''', 'g')
  from pg_catalog.pg_constraint as c
 where c.conrelid = 'wikiembed.action_log'::regclass and c.conname = 'action_is_known'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which entries: None does not matter; `before`: with a lower id, for the next page."""

    source: str | None = None
    action: str | None = None
    who: str | None = None
    before: int | None = None


def entries(connection: Connection, chosen: Chosen, *, limit: int) -> list[dict[str, Any]]:
    """The latest entries, newest first."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_ENTRIES, {**asdict(chosen), "limit": limit}).fetchall()


def known_actions(connection: Connection) -> list[str]:
    """The names of actions that the log may hold."""
    with translate_errors():
        return sorted({row[0][0] for row in connection.execute(_KNOWN).fetchall()})
