"""The Postgres server of a test session, shared by every pytest-xdist worker."""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from tests.support.data_folder import DataFolder
from wikiembed.db.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from docker import DockerClient

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
        """Held by the xdist worker that creates the template."""
        return Path(tempfile.gettempdir()) / f"{self.prefix}template.lock"

    def admin(self) -> psycopg.Connection:
        """An autocommit connection to the server's maintenance database."""
        return psycopg.connect(self.url, autocommit=True)

    def run(self, statement: sql.Composed) -> None:
        """Run `statement` on the connection that this process keeps."""
        try:
            self._keep().execute(statement)
        except psycopg.OperationalError:
            if not self._keep().closed:
                raise
            self._keep(again=True).execute(statement)  # the server was restarted

    @property
    def version(self) -> int:
        """As 180004."""
        return self._keep().info.server_version

    def _keep(self, *, again: bool = False) -> psycopg.Connection:
        """One connection for each process: a new one is a new backend, which takes time."""
        kept = (self.url, os.getpid())
        if again or kept not in _KEPT:
            _KEPT[kept] = self.admin()
        return _KEPT[kept]

    def end(self) -> None:
        """Drop the session's databases, then stop the server if the session started it."""
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


_KEPT: dict[tuple[str, int], psycopg.Connection] = {}
"""By server and process."""


def dropping(name: str) -> sql.Composed:
    """The statement that drops database `name` and terminates its connections."""
    return sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop database `name` and terminate its connections."""
    connection.execute(dropping(name))


def start_server() -> TestServer:
    """Start the server of ``WIKIEMBED_TEST_POSTGRES``: embedded, testcontainers, or a URL."""
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
    folder = DataFolder("we-test-")
    server = EmbeddedPostgres(
        data_dir=folder.path, version=int(os.environ.get(VERSION) or "18"), settings=FAST_SETTINGS
    )
    try:
        handle = server.acquire()
    except BaseException:
        folder.remove()
        raise

    def stop() -> None:
        server.release(handle)
        folder.remove()

    return TestServer(url=server.url("postgres"), session=session, stop=stop)


def _container(session: str) -> TestServer:
    from testcontainers.community.postgres import PostgresContainer

    options = " ".join(f"-c {name}={value}" for name, value in FAST_SETTINGS.items())
    _require_images()
    container = PostgresContainer(IMAGE, driver=None).with_command(f"postgres {options}")
    container.start()
    return TestServer(url=container.get_connection_url(), session=session, stop=container.stop)


def _require_images() -> None:
    """Require the Postgres image; disable the container that removes others if it is missing.

    `TestServer.stop` still removes ours; after a SIGKILL it stays. If Docker or the
    image is missing, the session ends with one sentence.
    """
    from testcontainers.core.config import testcontainers_config

    instead = f"or set {KIND} to embedded or to a URL."
    client = _docker()
    if client is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()  # the socket that the client left open
        pytest.exit(f"Docker does not answer: start its engine, {instead}", returncode=2)
    with contextlib.closing(client):
        if not _has_image(client, IMAGE):
            missing = f"Docker has no image {IMAGE} and cannot pull it: build one of that name"
            pytest.exit(f"{missing}, {instead}", returncode=2)
        if not testcontainers_config.ryuk_disabled:
            has_ryuk = _has_image(client, testcontainers_config.ryuk_image)
            testcontainers_config.ryuk_disabled = not has_ryuk


def _docker() -> DockerClient | None:
    """A connection to Docker's engine; None if it does not answer."""
    import docker
    from docker.errors import DockerException

    try:
        return docker.from_env(timeout=20)
    except DockerException:
        return None


def _has_image(client: DockerClient, name: str) -> bool:
    """Whether Docker has the image, after an attempt to pull it."""
    from docker.errors import DockerException, ImageNotFound

    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except DockerException:
            return False
    return True
