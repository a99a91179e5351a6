"""Classification of failed statements by SQLSTATE: the only list.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html; WE001 and up are raised by
functions of schema wikiembed (docs/reference/sqlstates.md).
"""

from __future__ import annotations

from enum import Enum

import psycopg

from wikiembed import errors

OURS: dict[str, type[errors.WikiembedError]] = {
    "WE001": errors.SourceNotFound,
    "WE002": errors.SourceRefused,
    "WE003": errors.SourceRefused,
    "WE004": errors.SourceRefused,
    "WE005": errors.SourceRefused,
    "WE006": errors.SourceRefused,
    "WE007": errors.SourceRefused,
    "WE008": errors.WrongIsolation,
    "WE009": errors.SourceRefused,
    "WE010": errors.InvalidArgument,
    "WE011": errors.ModelMismatch,
    "WE012": errors.WriteRefused,
    "WE013": errors.SearchRefused,
}


class Kind(Enum):
    """What happens if the same statement is sent again."""

    LOST = "the connection or the server is lost: reconnect"
    PASSING = "a deadlock, a cancel, a full disk, a lock: may succeed on the next try"
    SERVER = "rights or a defect of the server: fails again, whatever the row"
    ROW = "a value, a constraint, a user's trigger: fails again for this row"


# The longest prefix wins.
_KINDS: dict[str, Kind] = {
    "08": Kind.LOST,
    "25": Kind.PASSING,  # transaction state: read-only, aborted
    "25P03": Kind.LOST,  # idle_in_transaction_session_timeout
    "26": Kind.PASSING,  # a prepared statement that a pooler lost
    "40": Kind.PASSING,
    "42501": Kind.SERVER,
    "53": Kind.PASSING,
    "53300": Kind.LOST,  # too_many_connections
    "55006": Kind.PASSING,  # object_in_use
    "55P": Kind.PASSING,  # lock_not_available and related
    "57": Kind.PASSING,
    "57P01": Kind.LOST,
    "57P02": Kind.LOST,
    "57P03": Kind.LOST,
    "58": Kind.PASSING,
    "XX": Kind.SERVER,
}


def kind_of(sqlstate: str) -> Kind:
    """The kind of a five-character SQLSTATE; an unlisted one is the row's fault."""
    for length in (5, 3, 2):
        known = _KINDS.get(sqlstate[:length])
        if known is not None:
            return known
    return Kind.ROW


def kind_of_error(error: BaseException) -> Kind | None:
    """The kind of a psycopg exception; None for others, and without an SQLSTATE."""
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return kind_of(error.sqlstate)
    return None


def is_refusal(error: Exception) -> bool:
    """True when the row is at fault: a constraint, a value, a user's trigger."""
    if isinstance(error, errors.WriteRefused):
        return True
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    return kind_of(error.sqlstate) is Kind.ROW
