"""Connections to Postgres, and its errors translated to wikiembed's."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from wikiembed import errors
from wikiembed.config import Settings
from wikiembed.db.pooler import require_own_backend
from wikiembed.db.sqlstate import OURS, Kind, kind_of_error

CONNECT_TIMEOUT_S = 10
SESSION = "select set_config('default_transaction_isolation', 'read committed', false)"
"""First statement of a connection in autocommit: functions that lock refuse other levels."""
SCHEMA_CHANGE = """
set transaction isolation level read committed;
select pg_catalog.set_config(s.name, case s.name when 'lock_timeout' then '10s' else '0' end, true)
  from pg_catalog.pg_settings as s
 where s.name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
    or (s.name = 'lock_timeout' and s.setting = '0');
"""
"""First statements of a transaction that changes the schema.

A role's or a database's timeouts are meant for applications: pg_restore turns them off too. But
who waits for a lock on a user's table makes later users of it wait: without a lock_timeout, 10 s.
"""

# libpq reports a failed login by message only: without a connection there is no SQLSTATE.
_NO_LOGIN = re.compile(
    r"(?:password authentication failed|no password supplied|role \".*\" does not exist"
    r"|role \".*\" is not permitted to log in|no pg_hba.conf entry|fe_sendauth)"
)
_NO_DATABASE = re.compile(r"database \".*\" does not exist")
_NO_CONNECT = re.compile(r"permission denied for database")
_WRONG_PARAMETER = re.compile(
    r"invalid port number|invalid integer value|invalid \S+ value: |Servname not supported"
    r"|definition of service|invalid value for parameter|unrecognized configuration parameter"
    r"|does not support SSL|root certificate file"
    r"|could not (?:read|load) .*(?:certificate|key) file"
    r"|certificate verify failed|server certificate for|in hot standby mode|session is .*read-only"
)
_NAMED_FIRST = re.compile(r"\S+ (?:has no column|cannot be attached)\b")
_DETACH = re.compile(r"select wikiembed\.detach\('([^']+)'\)")
_BETWEEN_URLS = re.compile(r"[\s,]+(?=postgres(?:ql)?://)")
"""Between two URLs; a comma elsewhere is between two hosts of one URL."""
_FORM = "write it as postgresql://user:password@host:5432/database, with % codes for @ : / ? and %"


def sentence_of(error: psycopg.Error) -> str:
    """One sentence: Postgres' message, with its hint if there is one; a detach as our command."""
    message = (error.diag.message_primary or _reason(error)).rstrip(".")
    message = f"Table {message}" if _NAMED_FIRST.match(message) else message
    message = message[:1].upper() + message[1:]
    hint = _DETACH.sub(r"`wikiembed detach \1`", error.diag.message_hint or "")
    return f"{message}: {hint[:1].lower()}{hint[1:].rstrip('.')}." if hint else f"{message}."


def details_of(error: psycopg.Error) -> str:
    """The lines of Postgres' detail, which name the objects, in one."""
    return "; ".join((error.diag.message_detail or "").splitlines())


def _reason(error: psycopg.Error) -> str:
    """The line of libpq's message with the reason; of several addresses, the last one's."""
    lines = [line.strip() for line in str(error).splitlines()]
    reasons = [
        line for line in lines if line and not line.startswith(("Is the server", "Multiple"))
    ]
    if not reasons:
        return type(error).__name__
    tried = [line for line in reasons if line.startswith("- ")]
    reason = (tried or reasons)[-1 if tried else 0]
    return re.sub(r"^(?:- host: .*?: )?(?:connection (?:failed|is bad): )?", "", reason).replace(
        "FATAL:  ", ""
    )


def _unconnected(error: psycopg.OperationalError) -> errors.WikiembedError:
    """The error of a failed connection: a wrong setting, or a server out of reach."""
    reason = _reason(error)
    if re.search(r"resolve host '[^']*@", reason):  # the tail of a password with an @ in it
        return errors.ConfigurationError(f"WIKIEMBED_DATABASE_URL has an invalid host: {_FORM}.")
    if _NO_LOGIN.search(reason):
        return errors.ConfigurationError(
            f"Postgres refuses the login, {reason}: set user and password in"
            " WIKIEMBED_DATABASE_URL."
        )
    if _NO_DATABASE.search(reason):
        return errors.ConfigurationError(
            f"Postgres answers, {reason}: create it, or set WIKIEMBED_DATABASE_URL to another."
        )
    if _NO_CONNECT.search(reason):
        return errors.ConfigurationError(
            f"Postgres refuses the login, {reason}: grant the role CONNECT on it, or set"
            " WIKIEMBED_DATABASE_URL to another."
        )
    if _WRONG_PARAMETER.search(reason):
        return errors.ConfigurationError(
            f"A part of WIKIEMBED_DATABASE_URL is invalid, {reason}: correct it."
        )
    return errors.DatabaseUnreachable(
        f"Postgres is out of reach, {reason}: start it, or set WIKIEMBED_DATABASE_URL."
    )


def translate(error: psycopg.Error) -> errors.WikiembedError | None:
    """The error of wikiembed for one of Postgres, or None if there is none."""
    state = error.sqlstate
    if state == "WE001":
        return errors.SourceNotFound(
            f"{sentence_of(error).partition(':')[0]}: see `wikiembed sources`."
        )
    if state in OURS:
        return OURS[state](sentence_of(error))
    if isinstance(error, pg.LockNotAvailable):
        return errors.LockNotAvailable(f"{sentence_of(error)[:-1]}; try again when it is free.")
    if isinstance(error, pg.InvalidPassword | pg.InvalidAuthorizationSpecification):
        return errors.ConfigurationError(f"Postgres refuses the login: {sentence_of(error)}")
    if isinstance(error, pg.InvalidCatalogName):
        return errors.ConfigurationError(f"{sentence_of(error)[:-1]}; set WIKIEMBED_DATABASE_URL.")
    if isinstance(error, pg.InsufficientPrivilege):
        return errors.ConfigurationError(
            f"{sentence_of(error)[:-1]}; connect as the owner of wikiembed, or grant this role its"
            " rights with wikiembed.grant_worker(), grant_reader() or grant_writer()."
        )
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return errors.DatabaseReadOnly(
            f"Postgres is read-only there, {sentence_of(error)[:-1].lower()}: set"
            " WIKIEMBED_DATABASE_URL to the primary, or end the read-only mode."
        )
    if isinstance(error, pg.UndefinedFile | pg.FeatureNotSupported) and "vector" in str(error):
        return errors.ConfigurationError(
            "The extension vector is not available: install pgvector on the Postgres server."
        )
    if kind_of_error(error) is Kind.LOST:
        return errors.DatabaseUnreachable(f"Postgres is out of reach: {sentence_of(error)}")
    if isinstance(error, psycopg.OperationalError) and state is None:
        return _unconnected(error)
    if isinstance(error, psycopg.ProgrammingError) and state is None:
        # libpq's message may quote the password.
        return errors.ConfigurationError(f"WIKIEMBED_DATABASE_URL cannot be read: {_FORM}.")
    return None


def as_ours(error: psycopg.Error) -> errors.WikiembedError:
    """The error of wikiembed for any of Postgres, in one sentence."""
    return translate(error) or errors.DatabaseError(f"Postgres refused: {sentence_of(error)}")


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Raise wikiembed's errors in place of those of Postgres that an operator can act on."""
    try:
        yield
    except psycopg.Error as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error


def urls_of(database_url: str | None) -> tuple[str, ...]:
    """The URLs of WIKIEMBED_DATABASE_URL, in its order; none for the embedded Postgres."""
    if database_url is None:
        return ()
    urls = _BETWEEN_URLS.split(database_url.strip(" \t\r\n,"))
    return tuple(urls) if len(urls) > 1 else (database_url,)


def database_url(settings: Settings, *, create: bool = False) -> str:
    """The URL of Postgres: as set, else of the embedded one, which is started if necessary.

    `create`: create the embedded server and its database if they do not exist.
    WIKIEMBED_DATABASE_NAME replaces the database of the URL.

    Raises: ConfigurationError, DatabaseUnreachable.
    """
    name = settings.database_name
    if len(urls := urls_of(settings.database_url)) > 1:
        raise errors.ConfigurationError(
            f"WIKIEMBED_DATABASE_URL names {len(urls)} databases, and this works on one: set it to"
            " one of them."
        )
    if urls:
        if name is None:
            return urls[0]
        with translate_errors():
            return make_conninfo(urls[0], dbname=name)
    from wikiembed.db.embedded import DATABASE, start_embedded

    return start_embedded(
        settings.data_dir, settings.postgres_version, database=name or DATABASE, create=create
    )


def connect_options(url: str) -> dict[str, Any]:
    """Options of every connection to `url`: texts in UTF-8, and a connection timeout.

    10 s, unless the URL or PGCONNECT_TIMEOUT sets another. Raises: ConfigurationError.
    """
    with translate_errors():
        given = conninfo_to_dict(url)
    options: dict[str, Any] = {"client_encoding": "utf8"}
    if "connect_timeout" not in given and "PGCONNECT_TIMEOUT" not in os.environ:
        options["connect_timeout"] = CONNECT_TIMEOUT_S
    return options


def connect(settings: Settings) -> psycopg.Connection[Any]:
    """A connection in autocommit, with the operator's name for the action log.

    Raises: ConfigurationError, DatabaseUnreachable.
    """
    connection = open_direct(database_url(settings), autocommit=True, application_name="wikiembed")
    with translate_errors():
        connection.execute(SESSION)
        connection.execute("select set_config('wikiembed.actor', %s, false)", (person(),))
    return connection


def open_direct(url: str, *, autocommit: bool = False, **options: Any) -> psycopg.Connection[Any]:
    """A connection that keeps its backend: direct, or through a pool in session mode.

    Raises: ConfigurationError, DatabaseUnreachable.
    """
    given = connect_options(url)
    with translate_errors():
        connection = psycopg.connect(url, autocommit=True, **given, **options)
        try:
            require_own_backend(connection, url, given)
        except BaseException:
            connection.close()
            raise
        connection.autocommit = autocommit
    return connection


def person() -> str:
    """The user of this process: the login name, else the user id."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
