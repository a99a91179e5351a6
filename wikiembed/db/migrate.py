"""Bring a database to a schema version, with Alembic and the SQL files of ``migrations/``."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from psycopg import errors as pg
from psycopg import sql
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from wikiembed.config import Settings
from wikiembed.db.connect import connect_options, sentence_of, translate_errors
from wikiembed.db.location import migrations_dir
from wikiembed.db.version import current, known, require_known, require_vacant
from wikiembed.errors import ConfigurationError, InvalidArgument

ONE_AT_A_TIME = 0x77696B69656D6264
"""Number of the advisory lock: the bytes of `wikiembd`."""
WIKI_SINCE = "0003"
"""The revision that creates the wiki's tables: every one before it drops them on the way down."""
WIKI_TABLES = ("public.wiki_pages", "public.wiki_chunks")


def _config(*, dimensions: int, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["dimensions"] = dimensions
    return config


def _run(url: str, settings: Settings, *, revision: str, down: bool) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = _config(dimensions=settings.column_dimensions)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(
            url, application_name="wikiembed migrate", **connect_options(url)
        ),
        poolclass=pool.NullPool,
    )
    try:
        with translate_errors(), engine.connect() as connection:
            config.attributes["connection"] = connection
            (command.downgrade if down else command.upgrade)(config, revision)
    except DBAPIError as error:
        if isinstance(error.orig, pg.InsufficientPrivilege):
            raise ConfigurationError(
                f"{sentence_of(error.orig)[:-1]}; migrate as a role with CREATE on the database and"
                " on schema public, and where that is no superuser create the extension vector"
                " first."
            ) from None
        with translate_errors():
            raise (error.orig or error) from None
    except CommandError as error:
        raise ConfigurationError(f"{error}.") from None
    finally:
        engine.dispose()


@contextlib.contextmanager
def _alone(url: str) -> Iterator[None]:
    """Let another migration of this database end first: then there may be nothing left to do.

    The lock ends with its transaction, so that it outlives no process, behind a pooler neither.
    """
    options = connect_options(url)
    with (
        translate_errors(),
        psycopg.connect(url, application_name="wikiembed migrate", **options) as connection,
    ):
        connection.execute("select pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
        yield


def _require_named(revision: str, word: str) -> None:
    if revision not in (*known(), word):
        raise InvalidArgument(
            f"No schema version is named {revision!r}: choose {', '.join(known())} or {word}."
        )


def _current_at(url: str) -> str | None:
    """The version of the database at `url`; None where wikiembed is not and its names are free.

    Raises: SchemaMismatch, ConfigurationError, DatabaseUnreachable.
    """
    with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
        version = current(connection)
        require_known(version)
        if version is None:
            require_vacant(connection)
    return version


def upgrade(url: str, settings: Settings, *, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`, a version or ``head``, in one transaction.

    Raises: SchemaMismatch, ConfigurationError, DatabaseError; then nothing was changed.
    """
    _require_named(revision, "head")
    with _alone(url):
        _current_at(url)
        _run(url, settings, revision=revision, down=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A table that a downgrade would drop, and the number of its rows."""

    table: str
    rows: int


def losses(url: str, *, revision: str = "base") -> list[Loss]:
    """The wiki's tables that `downgrade` to `revision` would drop, where they hold rows.

    Tables of users stay whatever the revision.

    Raises: SchemaMismatch, ConfigurationError, InvalidArgument, DatabaseError.
    """
    _require_named(revision, "base")
    if revision != "base" and known().index(revision) >= known().index(WIKI_SINCE):
        return []
    found = []
    with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
        require_known(current(connection))
        if current(connection) is None:
            return []
        for table in WIKI_TABLES:
            row = connection.execute("select to_regclass(%s) is not null", [table]).fetchone()
            if row is not None and row[0]:
                query = sql.SQL("select count(*) from {}").format(sql.Identifier(*table.split(".")))
                try:
                    counted = connection.execute(query).fetchone()
                except pg.InsufficientPrivilege:
                    return []  # who may not read the table cannot drop it: `downgrade` says so
                rows = counted[0] if counted is not None else 0
                if rows:
                    found.append(Loss(table=table, rows=rows))
    return found


def downgrade(url: str, settings: Settings, *, revision: str = "base") -> None:
    """Take the database at `url` back to `revision`; `base` removes wikiembed, not your tables.

    What it drops of the wiki's tables is told by `losses`.

    Raises: ConfigurationError, DatabaseError; then nothing was changed.
    """
    _require_named(revision, "base")
    with _alone(url):
        if _current_at(url) is not None:
            _run(url, settings, revision=revision, down=True)


def offline_sql(settings: Settings, *, revision: str = "head") -> str:
    """The SQL that `upgrade` would run on an empty database, to be run with psql.

    pgvector is expected in schema public, or is created there.
    """
    _require_named(revision, "head")
    output = io.StringIO()
    command.upgrade(
        _config(dimensions=settings.column_dimensions, output=output), revision, sql=True
    )
    return output.getvalue()
