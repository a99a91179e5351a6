"""Bring a database to a schema version, with Alembic and the SQL files of ``migrations/``."""

from __future__ import annotations

import io
import logging
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from wikiembed.config import Settings
from wikiembed.db.connect import translate_errors
from wikiembed.db.location import migrations_dir
from wikiembed.errors import ConfigurationError, SchemaMismatch

SCHEMA = "wikiembed"


def _config(*, dimensions: int, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["dimensions"] = dimensions
    return config


def head() -> str:
    """The schema version that this package needs."""
    revision = ScriptDirectory.from_config(_config(dimensions=1)).get_current_head()
    if revision is None:  # pragma: no cover - a package without migrations does not build
        raise ConfigurationError("The package carries no migrations; install it again.")
    return revision


def current(connection: psycopg.Connection[Any]) -> str | None:
    """The schema version of a database, or None where wikiembed is not installed."""
    row = connection.execute("select to_regclass('wikiembed.alembic_version')").fetchone()
    if row is None or row[0] is None:
        return None
    version = connection.execute("select version_num from wikiembed.alembic_version").fetchone()
    return None if version is None else str(version[0])


def require_head(version: str | None) -> None:
    """Turn away from a database of another schema version.

    Raises: SchemaMismatch with what to run.
    """
    wanted = head()
    if version is None:
        raise SchemaMismatch("The database has no wikiembed schema: run `wikiembed migrate`.")
    if version == wanted:
        return
    known = {
        s.revision for s in ScriptDirectory.from_config(_config(dimensions=1)).walk_revisions()
    }
    if version in known:
        raise SchemaMismatch(
            f"The database has schema version {version}, this wikiembed needs {wanted}:"
            " run `wikiembed migrate`."
        )
    raise SchemaMismatch(
        f"The database has schema version {version}, which this wikiembed does not know:"
        " install the wikiembed that made it, or a newer one."
    )


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


def upgrade(url: str, settings: Settings, *, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`, in one transaction.

    Raises: SchemaMismatch, ConfigurationError, DatabaseError; then nothing was changed.
    """
    with translate_errors(), psycopg.connect(url, connect_timeout=10) as connection:
        version = current(connection)
    if version is not None:
        try:
            require_head(version)
        except SchemaMismatch as error:
            if "does not know" in str(error):
                raise
    _run(url, settings, revision=revision, down=False)


def downgrade(url: str, settings: Settings, *, revision: str = "base") -> None:
    """Take the database at `url` back to `revision`; `base` removes wikiembed, not your tables.

    Raises: ConfigurationError, DatabaseError; then nothing was changed.
    """
    _run(url, settings, revision=revision, down=True)


def offline_sql(settings: Settings, *, revision: str = "head") -> str:
    """The SQL that `upgrade` would run on an empty database, to be run with psql.

    pgvector is expected in schema public, or is created there.
    """
    output = io.StringIO()
    command.upgrade(
        _config(dimensions=settings.column_dimensions, output=output), revision, sql=True
    )
    return output.getvalue()
