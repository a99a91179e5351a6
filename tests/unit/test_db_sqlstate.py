"""What each SQLSTATE means for the statement that failed with it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg

from wikiembed.db.sqlstate import Kind, kind_of, kind_of_error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pg.AdminShutdown, Kind.LOST),
        (pg.ConnectionFailure, Kind.LOST),
        (pg.SqlclientUnableToEstablishSqlconnection, Kind.LOST),
        (pg.TooManyConnections, Kind.LOST),
        (pg.IdleInTransactionSessionTimeout, Kind.LOST),
        (pg.DeadlockDetected, Kind.PASSING),
        (pg.QueryCanceled, Kind.PASSING),
        (pg.LockNotAvailable, Kind.PASSING),
        (pg.ObjectInUse, Kind.PASSING),
        (pg.DiskFull, Kind.PASSING),
        (pg.ReadOnlySqlTransaction, Kind.PASSING),
        (pg.InsufficientPrivilege, Kind.SERVER),
        (pg.InternalError_, Kind.SERVER),
        (pg.CheckViolation, Kind.ROW),
        (pg.RaiseException, Kind.ROW),
        (pg.ObjectNotInPrerequisiteState, Kind.ROW),
    ],
)
def test_kind_follows_the_sqlstate(error: type[psycopg.Error], kind: Kind) -> None:
    """The longest prefix decides; an unlisted SQLSTATE is the row's fault."""
    assert error.sqlstate is not None
    assert kind_of(error.sqlstate) is kind


def test_kind_is_unknown_without_an_sqlstate() -> None:
    """libpq's own errors have none, and neither have exceptions that are not psycopg's."""
    assert kind_of_error(psycopg.OperationalError("server closed the connection")) is None
    assert kind_of_error(ValueError("ours")) is None
