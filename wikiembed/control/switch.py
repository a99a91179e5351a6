"""Names that searches use: which source each leads to, and the switch to another."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control.actions import names
from wikiembed.db.connect import translate_errors
from wikiembed.errors import SourceNotFound
from wikiembed.names import unknown

Connection = psycopg.Connection[Any]
SWITCHED = (
    "select n.name, n.source, n.since, n.by,"
    " exists (select from wikiembed.sources as s where s.name = n.name) as hides_source"
    " from wikiembed.search_names as n order by n.name"
)
_SWITCH = "select wikiembed.switch(%s, %s, %s)"


def searched_source(connection: Connection, name: str) -> str:
    """The source that searches for `name` use.

    Raises: SourceNotFound.
    """
    by_name = {row["name"]: str(row["source"]) for row in switched(connection)}
    known = {**{own: own for own in names(connection, None)}, **by_name}
    if name not in known:
        raise SourceNotFound(unknown("source", name, known, see="`wikiembed sources`"))
    return known[name]


def switched(connection: Connection) -> list[dict[str, Any]]:
    """The names that were switched: name, source, since, by, whether a source has the name too."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(SWITCHED).fetchall()


def switch(
    connection: Connection, name: str, to: str | None, *, anyway: bool = False
) -> str | None:
    """Have searches for `name` use source `to`; None forgets the name.

    Returns the source that was used before, None for a new name.
    Raises: SourceNotFound, SourceRefused, InvalidArgument, LockNotAvailable.
    """
    if to is not None:
        names(connection, to)
    with translate_errors():
        row = connection.execute(_SWITCH, (name, to, anyway)).fetchone()
    return row[0] if row is not None else None
