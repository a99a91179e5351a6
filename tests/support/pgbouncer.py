"""A pgbouncer in front of the tests' Postgres, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.eventually import eventually

REAL = "WIKIEMBED_TEST_REAL"
Mode = Literal["session", "transaction", "statement"]


def find_pgbouncer() -> str:
    """The program; without one the test is skipped, unless ``scripts/real.sh`` runs it."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which("pgbouncer", path=path)
    if found is None:
        missing = "no pgbouncer here: install it, and scripts/real.sh pooler runs this test"
        if os.environ.get(REAL):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def _account(host: str) -> dict[str, Any]:
    """The account that runs it: it refuses root, and a socket of Postgres is for its owner.

    The owner is a number: that of a server in a chroot may have no name here.
    """
    if os.getuid() != 0:
        return {}
    if host.startswith("/"):
        owner = Path(host).stat()
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    account = pwd.getpwnam("daemon")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class PgBouncer:
    """A pooler of database `url`, with `size` backends."""

    def __init__(self, url: str, mode: Mode, *, size: int = 20, more: str = "") -> None:
        program = find_pgbouncer()
        given = conninfo_to_dict(url)
        self._folder = Path(tempfile.mkdtemp(prefix="we-pgb-"))
        self._folder.chmod(0o755)
        self._log = self._folder / "log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        user = given.get("user") or pwd.getpwuid(os.getuid()).pw_name
        self.url = make_conninfo(
            host="127.0.0.1", port=port, dbname=given["dbname"], user=user, sslmode="disable"
        )
        (self._folder / "users").write_text(f'"{user}" "{given.get("password") or ""}"\n')
        password = f" password={given['password']}" if given.get("password") else ""
        host, server_port = str(given.get("host") or "127.0.0.1"), given.get("port") or 5432
        (self._folder / "ini").write_text(
            f"[databases]\n* = host={host} port={server_port} user={user}{password}\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nunix_socket_dir =\n"
            f"listen_port = {port}\npool_mode = {mode}\ndefault_pool_size = {size}\n"
            f"max_client_conn = 100\nauth_type = trust\nauth_file = {self._folder / 'users'}\n"
            f"{more}\n"
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, str(self._folder / "ini")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **_account(host),
            )  # fmt: skip
        eventually(self._answers, message=self._log.read_text)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def end(self) -> None:
        """Stop it, with its clients connected."""
        self._process.terminate()
        self._process.wait(15)
        shutil.rmtree(self._folder)
