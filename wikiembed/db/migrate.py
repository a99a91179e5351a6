"""Bring a database to the schema of this package, with Alembic and the files of ``migrations/``.

There is no downgrade: restore a backup. ``wikiembed uninstall`` removes everything.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from importlib.metadata import version as package_version

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from psycopg import errors as pg
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from wikiembed.config import Settings
from wikiembed.db.connect import (
    SCHEMA_CHANGE,
    connect_options,
    details_of,
    open_direct,
    translate_errors,
)
from wikiembed.db.location import migrations_dir
from wikiembed.db.owner import advice, refused
from wikiembed.db.version import current, require_known, require_not_newer, require_vacant
from wikiembed.errors import ConfigurationError, SchemaMismatch

ONE_AT_A_TIME = 0x77696B69656D6264
"""Number of the advisory lock: the bytes of `wikiembd`."""
_RIGHTS = (
    "migrate as a role with CREATE on the database and on schema public, and unless it is a"
    " superuser create the extension vector first"
)


def _config(*, dimensions: int, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["dimensions"] = dimensions
    return config


def _run(url: str, settings: Settings, *, advised: str) -> None:
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
            command.upgrade(config, "head")
    except DBAPIError as error:
        if isinstance(error.orig, pg.InsufficientPrivilege):
            raise refused(error.orig, advised) from None
        if isinstance(error.orig, pg.DependentObjectsStillExist):
            raise SchemaMismatch(
                f"Something depends on what the migration drops: {details_of(error.orig)}. Drop it"
                " first, and create it again afterwards."
            ) from None
        with translate_errors():
            raise (error.orig or error) from None
    except CommandError as error:
        raise ConfigurationError(f"{error}.") from None
    finally:
        engine.dispose()


@contextlib.contextmanager
def alone(url: str) -> Iterator[None]:
    """Wait until no other migration of this database runs, and lock out others.

    The lock ends with its transaction, so it never outlives the process, even behind a pooler.
    """
    with (
        translate_errors(),
        open_direct(url, application_name="wikiembed migrate") as connection,
    ):
        connection.execute(SCHEMA_CHANGE)
        connection.execute("set local lock_timeout = 0")
        connection.execute("select pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
        yield


def upgrade(url: str, settings: Settings) -> None:
    """Bring the database at `url` to the schema of this package, in one transaction.

    Raises: SchemaMismatch, also if an object of a user's depends on what is dropped;
    ConfigurationError, DatabaseError. After an error nothing is changed.
    """
    with alone(url):
        with translate_errors(), psycopg.connect(url, **connect_options(url)) as connection:
            advised = advice(connection, verb="migrate", unowned=_RIGHTS)
            try:
                version = current(connection)
                require_known(version)
                require_not_newer(connection, package_version("wikiembed"))
                if version is None:
                    require_vacant(connection)
            except pg.InsufficientPrivilege as error:
                raise refused(error, advised) from None
        _run(url, settings, advised=advised)


def offline_sql(settings: Settings) -> str:
    """The SQL that `upgrade` would run on an empty database, to be run with psql.

    pgvector must be in schema public, or is created there.
    """
    output = io.StringIO()
    command.upgrade(_config(dimensions=settings.column_dimensions, output=output), "head", sql=True)
    return output.getvalue()
