"""The one Postgres server of a test session, shared by every pytest-xdist worker."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from wikiembed.db.embedded import EmbeddedPostgres

KIND = "WIKIEMBED_TEST_POSTGRES"
VERSION = "WIKIEMBED_TEST_POSTGRES_VERSION"
IMAGE = "pgvector/pgvector:pg18"
FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5min",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_prepared_transactions": "10",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestServer:
    """A server and the prefix of every database and role that this session makes on it."""

    __test__ = False

    url: str
    session: str
    stop: Callable[[], None]

    @property
    def prefix(self) -> str:
        return f"we_{self.session}_"

    @property
    def lock_path(self) -> Path:
        """Held while the template is made, by whichever xdist worker comes first."""
        return Path(tempfile.gettempdir()) / f"{self.prefix}template.lock"

    def admin(self) -> psycopg.Connection:
        """An autocommit connection to the server's maintenance database."""
        return psycopg.connect(self.url, autocommit=True)

    def end(self) -> None:
        """Drop what the session made, then stop the server if the session started it."""
        try:
            with self.admin() as connection:
                pattern = self.prefix.replace("_", r"\_") + "%"
                for (name,) in connection.execute(
                    "select datname from pg_database where datname like %s", [pattern]
                ).fetchall():
                    drop_database(connection, name)
        finally:
            self.lock_path.unlink(missing_ok=True)
            self.stop()


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop database `name` with whoever is connected to it."""
    connection.execute(
        sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    )


def start_server() -> TestServer:
    """Start what ``WIKIEMBED_TEST_POSTGRES`` asks for: embedded, testcontainers, or a URL."""
    kind = os.environ.get(KIND) or "embedded"
    session = secrets.token_hex(3)
    if kind == "embedded":
        return _embedded(session)
    if kind == "testcontainers":
        return _container(session)
    if "=" not in kind and "://" not in kind:
        raise ValueError(f"{KIND} is {kind!r}: set it to embedded, testcontainers, or a URL.")
    return TestServer(url=kind, session=session, stop=lambda: None)


def _embedded(session: str) -> TestServer:
    folder = Path(tempfile.mkdtemp(prefix="we-test-"))
    server = EmbeddedPostgres(
        data_dir=folder, version=int(os.environ.get(VERSION) or "18"), settings=FAST_SETTINGS
    )
    try:
        handle = server.acquire()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def stop() -> None:
        server.release(handle)
        shutil.rmtree(folder, ignore_errors=True)

    return TestServer(url=server.url("postgres"), session=session, stop=stop)


def _container(session: str) -> TestServer:
    from testcontainers.community.postgres import PostgresContainer

    options = " ".join(f"-c {name}={value}" for name, value in FAST_SETTINGS.items())
    container = PostgresContainer(IMAGE, driver=None).with_command(f"postgres {options}")
    container.start()
    return TestServer(url=container.get_connection_url(), session=session, stop=container.stop)
