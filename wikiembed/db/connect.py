"""Connections to Postgres, and its errors in wikiembed's words."""

from __future__ import annotations

import contextlib
import getpass
import os
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed import errors
from wikiembed.config import Settings

_BY_SQLSTATE: dict[str, type[errors.WikiembedError]] = {
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
}
_GONE = (
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.TooManyConnections,
    pg.ConnectionException,
    pg.ConnectionFailure,
    pg.IdleInTransactionSessionTimeout,
)


def _sentence(error: psycopg.Error) -> str:
    """One sentence: what Postgres said, and its hint where it gave one."""
    message = (error.diag.message_primary or str(error).strip().splitlines()[-1]).rstrip(".")
    message = message[:1].upper() + message[1:]
    hint = error.diag.message_hint
    return f"{message}: {hint.rstrip('.')}." if hint else f"{message}."


def translate(error: psycopg.Error) -> errors.WikiembedError | None:
    """The error of ours that stands for one of Postgres, or None where there is none."""
    state = error.sqlstate
    if state in _BY_SQLSTATE:
        return _BY_SQLSTATE[state](_sentence(error))
    if isinstance(error, pg.LockNotAvailable):
        return errors.LockNotAvailable(f"{_sentence(error)[:-1]}; try again when it is free.")
    if isinstance(error, pg.InvalidPassword | pg.InvalidAuthorizationSpecification):
        return errors.ConfigurationError(f"Postgres refuses the login: {_sentence(error)}")
    if isinstance(error, pg.InvalidCatalogName):
        return errors.ConfigurationError(f"{_sentence(error)[:-1]}; set WIKIEMBED_DATABASE_URL.")
    if isinstance(error, pg.InsufficientPrivilege):
        return errors.ConfigurationError(
            f"{_sentence(error)[:-1]}; grant the role its rights with wikiembed.grant_worker(),"
            " grant_reader() or grant_writer()."
        )
    if isinstance(error, pg.UndefinedFile | pg.FeatureNotSupported) and "vector" in str(error):
        return errors.ConfigurationError(
            "The extension vector is not available: install pgvector on the Postgres server."
        )
    if isinstance(error, _GONE) or (state is None and isinstance(error, psycopg.OperationalError)):
        return errors.DatabaseUnreachable(f"Postgres is out of reach: {_sentence(error)}")
    if isinstance(error, psycopg.ProgrammingError) and state is None:
        return errors.ConfigurationError(f"WIKIEMBED_DATABASE_URL is wrong: {_sentence(error)}")
    return None


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Raise wikiembed's errors for those of Postgres that have a meaning to an operator."""
    try:
        yield
    except psycopg.Error as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error


def database_url(settings: Settings) -> str:
    """Where Postgres is: as set, else the embedded one, which is started when it is not up.

    Raises: ConfigurationError, DatabaseUnreachable.
    """
    if settings.database_url is not None:
        return settings.database_url
    from wikiembed.db.embedded import start_embedded

    return start_embedded(settings.data_dir, settings.postgres_version)


def connect(settings: Settings) -> psycopg.Connection[Any]:
    """A connection in autocommit that names the person who acts.

    Raises: ConfigurationError, DatabaseUnreachable.
    """
    url = database_url(settings)
    with translate_errors():
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=10, application_name="wikiembed"
        )
        connection.execute("select set_config('wikiembed.actor', %s, false)", (person(),))
    return connection


def person() -> str:
    """Who runs this process: the login name, else the user's number."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
