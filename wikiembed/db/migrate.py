"""Bring a database to a schema version, with Alembic and the SQL files of ``migrations/``."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from psycopg import errors as pg
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from wikiembed.config import Settings
from wikiembed.db.connect import connect_options, sentence_of, translate_errors
from wikiembed.db.location import migrations_dir
from wikiembed.db.version import current, known, require_known, require_vacant
from wikiembed.errors import ConfigurationError, InvalidArgument

ONE_AT_A_TIME = 0x77696B69656D6264
"""Number of the advisory lock: the bytes of `wikiembd`."""


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


def downgrade(url: str, settings: Settings, *, revision: str = "base") -> None:
    """Take the database at `url` back to `revision`; `base` removes wikiembed, not your tables.

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
