"""The benchmark's environment: a default Postgres, servers, and workers as processes."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import psycopg
from psycopg import sql

from tests.support.chunks import attach_sql, table_sql
from wikiembed.config import Settings
from wikiembed.db.embedded import EmbeddedPostgres
from wikiembed.db.embedded_files import binaries
from wikiembed.db.migrate import upgrade

DIMENSIONS = 768
TEXT = 800
LIMIT_S = 900.0
_NUMBERS = itertools.count(1)


class Addressed(Protocol):
    """A server at some address."""

    @property
    def url(self) -> str: ...


class Server:
    """A stand-in embedding server as a process (tests.tools.bench.server)."""

    def __init__(self, mode: str, *flags: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.bench.server", "--mode", mode, *flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def stats(self) -> dict[str, Any]:
        """Its counts since the last reset."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/stats").json()
        return answer

    def reset(self) -> None:
        """Reset the counts."""
        httpx.post(f"{self.url}/reset")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()


class Base:
    """One database, with the attached table `docs`, and `bare`, without triggers."""

    def __init__(self, url: str, *, name: str, socket: str) -> None:
        self.url, self.name, self.socket = url, name, socket
        self.connection = psycopg.connect(url, autocommit=True)

    def execute(self, query: str, *values: object) -> psycopg.Cursor[Any]:
        """Run a statement."""
        return self.connection.execute(query.encode(), values or None)

    def one(self, query: str, *values: object) -> Any:
        """The single value of a query."""
        row = self.execute(query, *values).fetchone()
        assert row is not None
        return row[0]

    def seconds(self, query: str) -> float:
        """The duration of one statement for its client."""
        began = time.perf_counter()
        self.execute(query)
        return time.perf_counter() - began

    def settle(self) -> None:
        """Vacuum and checkpoint now, so that neither falls into a measurement."""
        self.execute("vacuum (analyze)")
        self.execute("checkpoint")

    def fill(self, table: str, n: int, *, length: int = TEXT) -> None:
        """Insert `n` rows of `length` characters."""
        self.execute(
            f"insert into public.{table} (body)"
            f" select rpad('text ' || i || ' ', {length}, 'lorem ipsum dolor ')"
            f" from generate_series(1, {n}) as i"
        )

    def refill(self, n: int) -> None:
        """Have `n` rows in `docs` and their jobs in the queue, and nothing else."""
        self.execute("truncate public.docs restart identity")
        self.execute("delete from wikiembed_queue.procrastinate_jobs")
        self.fill("docs", n)
        self.settle()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class Place:
    """The Postgres of one run, with its databases cloned from one that was migrated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._postgres = EmbeddedPostgres(data_dir=folder / "data", version=18)
        self._handle = self._postgres.acquire()
        self.admin = psycopg.connect(self._postgres.url("postgres"), autocommit=True)
        self.bin = binaries(18)
        self.socket = str(folder / "data" / "postgres")
        self._template()

    def _template(self) -> None:
        self.admin.execute("create database bench_template")
        url = self._postgres.url("bench_template")
        upgrade(url, Settings(dimensions=DIMENSIONS))
        with psycopg.connect(url, autocommit=True) as connection:
            for table in ("docs", "bare"):
                connection.execute(table_sql(table, vector=f"vector({DIMENSIONS})").encode())
            connection.execute(attach_sql().encode())

    @property
    def postmaster(self) -> int:
        """The process id of Postgres, whose backends are its children."""
        return int((self._postgres.cluster / "postmaster.pid").read_text().splitlines()[0])

    @contextlib.contextmanager
    def base(self) -> Iterator[Base]:
        """A new database, dropped after use."""
        name = f"bench_{next(_NUMBERS)}"
        self.admin.execute(
            sql.SQL("create database {} template bench_template").format(sql.Identifier(name))
        )
        base = Base(self._postgres.url(name), name=name, socket=self.socket)
        try:
            yield base
        finally:
            base.close()
            self.admin.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            )

    @contextlib.contextmanager
    def server(self, mode: str, *flags: str) -> Iterator[Server]:
        """A stand-in embedding server."""
        server = Server(mode, *flags)
        try:
            yield server
        finally:
            server.stop()

    @contextlib.contextmanager
    def worker(self, base: Base, server: Server, *arguments: str, **settings: str) -> Iterator[int]:
        """A `wikiembed worker`: its process id; ended by SIGTERM."""
        process = self.start_worker(base, server, *arguments, **settings)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)

    @property
    def log(self) -> Path:
        """What the programs that were started have written."""
        return self.folder / "worker.log"

    def start_worker(
        self, base: Base, server: Addressed, *arguments: str, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start a `wikiembed worker` with its defaults and `settings`."""
        return self.start(base, server, "worker", *arguments, **settings)

    def start(
        self, base: Base, server: Addressed, *arguments: str, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start a command of wikiembed with its defaults and `settings`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "wikiembed", *arguments],
                env=os.environ | self.environment(base, server, **settings),
                stdout=log,
                stderr=log,
            )

    @staticmethod
    def environment(base: Base, server: Addressed, **settings: str) -> dict[str, str]:
        """The variables of a worker with its defaults and `settings`."""
        return {
            "WIKIEMBED_DATABASE_URL": base.url,
            "WIKIEMBED_EMBEDDER": "openai",
            "WIKIEMBED_EMBEDDER_URL": server.url,
            "WIKIEMBED_MODEL": "bench",
            "WIKIEMBED_LOG_LEVEL": "warning",
        } | {f"WIKIEMBED_{name.upper()}": value for name, value in settings.items()}

    def drain(self, base: Base, server: Server, **settings: str) -> dict[str, Any]:
        """Let one worker embed everything queued; returns the server's stats."""
        server.reset()
        process = self.start_worker(base, server, "--drain", **settings)
        code = process.wait(LIMIT_S)
        assert code == 0, self.log.read_text()
        return server.stats()

    def close(self) -> None:
        """Stop Postgres."""
        self.admin.close()
        self._postgres.release(self._handle)


@contextlib.contextmanager
def a_place() -> Iterator[Place]:
    """A temporary Postgres."""
    with tempfile.TemporaryDirectory(prefix="wikiembed-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        place = Place(folder)
        try:
            yield place
        finally:
            place.close()
