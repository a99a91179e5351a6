"""A Postgres server that a test may stop, restart and overload."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from typing import Literal, Self

from tests.support.data_folder import DataFolder
from tests.support.server import FAST_SETTINGS, VERSION, TestServer
from wikiembed.db.embedded import EmbeddedPostgres

Mode = Literal["fast", "immediate"]


class PrivateServer:
    """A separate embedded Postgres; acknowledged commits survive its crash."""

    def __init__(self) -> None:
        self._folder = DataFolder("we-fault-")
        self._postgres = EmbeddedPostgres(
            data_dir=self._folder.path,
            version=int(os.environ.get(VERSION) or "18"),
            settings={**FAST_SETTINGS, "synchronous_commit": "on"},
        )
        self._handle = self._postgres.acquire()
        self.server = TestServer(
            url=self._postgres.url("postgres"),
            session=f"fault_{secrets.token_hex(3)}",
            stop=self._stop,
        )

    def stop(self, mode: Mode) -> None:
        """Stop it, with clients connected: `immediate` is a crash."""
        self._control("stop", "-m", mode)

    def start(self) -> None:
        """Start it, and wait for its recovery."""
        with self._postgres.control():
            self._postgres._ensure_running()

    @property
    def pid(self) -> int:
        """The process id of the postmaster, which accepts new clients."""
        return int((self._postgres.cluster / "postmaster.pid").read_text().splitlines()[0])

    def restart(self, mode: Mode) -> None:
        """Stop and start it."""
        self.stop(mode)
        self.start()

    def execute(self, statement: str) -> None:
        """Run a statement as superuser, in the maintenance database."""
        with self.server.admin() as connection:
            connection.execute(statement.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop it for good."""
        self.start()
        self.server.end()

    def _control(self, *arguments: str) -> None:
        done = self._postgres._run("pg_ctl", "-w", "-D", str(self._postgres.cluster), *arguments)
        assert done.returncode == 0, done.stdout

    def _stop(self) -> None:
        self._postgres.release(self._handle)
        self._folder.remove()


@contextlib.contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stop processes within the block; without the postmaster, new clients hang as well."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
