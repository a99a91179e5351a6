"""The demo's own database: created beside the server's others, and dropped on demand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql

from wikiembed.config import Settings
from wikiembed.db.connect import database_url, open_direct, translate_errors
from wikiembed.db.embedded import create_database, has_embedded
from wikiembed.errors import ConfigurationError

DATABASE = "wikiembed_demo"
MARK = "Made by `wikiembed demo`; `wikiembed demo --clean` drops it."
"""The comment on the database; one of that name without it was not made by the demo."""


def create(settings: Settings) -> Settings:
    """Create the demo's database unless it exists; returns settings that name it.

    Raises: ConfigurationError if a database of that name is not the demo's, or if the role may not
    create one; DatabaseUnreachable.
    """
    with _server(settings, create=True) as connection:
        try:
            if not _is_ours(connection):
                create_database(connection, DATABASE)
                connection.execute(
                    sql.SQL("comment on database {} is {}").format(
                        sql.Identifier(DATABASE), sql.Literal(MARK)
                    )
                )
        except pg.InsufficientPrivilege:
            raise ConfigurationError(
                f"Permission denied to create database {DATABASE}: allow it by `alter role …"
                " createdb`, or empty WIKIEMBED_DATABASE_URL to use the embedded Postgres."
            ) from None
    return settings.model_copy(update={"database_name": DATABASE})


def drop(settings: Settings) -> bool:
    """Drop the demo's database, even while it is in use; False when there is none.

    Raises: ConfigurationError if a database of that name is not the demo's; DatabaseUnreachable.
    """
    if settings.database_url is None and not has_embedded(settings.data_dir):
        return False
    with _server(settings, create=False) as connection:
        if not _is_ours(connection):
            return False
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(DATABASE))
        )
    return True


@contextlib.contextmanager
def _server(settings: Settings, *, create: bool) -> Iterator[psycopg.Connection[Any]]:
    """A connection to create databases from: to the URL's own, or the embedded `postgres`."""
    update = {"database_name": None if settings.database_url else "postgres"}
    url = database_url(settings.model_copy(update=update), create=create)
    with (
        translate_errors(),
        open_direct(url, autocommit=True) as connection,
    ):
        yield connection


def _is_ours(connection: psycopg.Connection[Any]) -> bool:
    """Whether the demo's database exists."""
    found = connection.execute(
        "select shobj_description(oid, 'pg_database') from pg_catalog.pg_database"
        " where datname = %s",
        [DATABASE],
    ).fetchone()
    if found is not None and found[0] != MARK:
        raise ConfigurationError(
            f"Database {DATABASE} exists and was not made by the demo: rename or drop it first."
        )
    return found is not None
