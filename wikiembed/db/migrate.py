"""Bring a database to a schema version, with Alembic and the SQL files of ``migrations/``."""

from __future__ import annotations

import io
import logging

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from wikiembed.config import Settings
from wikiembed.db.connect import translate_errors
from wikiembed.db.location import migrations_dir
from wikiembed.db.version import current, known, require_known
from wikiembed.errors import ConfigurationError, InvalidArgument


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
        creator=lambda: psycopg.connect(url, application_name="wikiembed migrate"),
        poolclass=pool.NullPool,
    )
    try:
        with translate_errors(), engine.connect() as connection:
            config.attributes["connection"] = connection
            (command.downgrade if down else command.upgrade)(config, revision)
    except DBAPIError as error:
        with translate_errors():
            raise (error.orig or error) from None
    except CommandError as error:
        raise ConfigurationError(f"{error}.") from None
    finally:
        engine.dispose()


def _require_named(revision: str, word: str) -> None:
    if revision not in (*known(), word):
        raise InvalidArgument(
            f"No schema version is named {revision!r}: choose {', '.join(known())} or {word}."
        )


def _require_known_at(url: str) -> None:
    with translate_errors(), psycopg.connect(url, connect_timeout=10) as connection:
        require_known(current(connection))


def upgrade(url: str, settings: Settings, *, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`, a version or ``head``, in one transaction.

    Raises: SchemaMismatch, ConfigurationError, DatabaseError; then nothing was changed.
    """
    _require_named(revision, "head")
    _require_known_at(url)
    _run(url, settings, revision=revision, down=False)


def downgrade(url: str, settings: Settings, *, revision: str = "base") -> None:
    """Take the database at `url` back to `revision`; `base` removes wikiembed, not your tables.

    Raises: ConfigurationError, DatabaseError; then nothing was changed.
    """
    _require_named(revision, "base")
    _require_known_at(url)
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
