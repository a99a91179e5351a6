"""`status --watch` runs until Ctrl-C, through a loss of the database, on any output."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.support.chunks import add_chunks
from tests.support.cli import Cli, RunCli, StartCli
from tests.support.commands import assert_refused
from tests.support.database import Database
from tests.support.server import TestServer

WATCH = ("status", "--watch", "--every", "0.1")
KILL = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"  # noqa: E501 - one statement


def test_watch_prints_a_line_each_time_and_ends_with_0(
    start_cli: StartCli, docs_table: Database
) -> None:
    """Without a terminal each refresh is one line."""
    add_chunks(docs_table, 4)
    running = start_cli(*WATCH)
    running.wait_for(lambda: "docs 0.00 % (4 missing, 0.0/s); wiki" in running.stdout)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]'")
    running.wait_for(lambda: "docs 100.00 % (0 missing" in running.stdout)
    result = running.stop(signal.SIGINT)
    assert (result.returncode, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first.startswith("Database ")
    assert all(line.endswith("; 1 job; 0 workers") for line in lines)


def test_watch_prints_json_lines(start_cli: StartCli, docs_table: Database) -> None:
    """Each is what `status --json` prints, with the throughput of 60 minutes."""
    add_chunks(docs_table, 4)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]'")
    running = start_cli(*WATCH, "--json")
    running.wait_for(lambda: len(set(running.stdout.split("\n")[:-1])) >= 3)
    result = running.stop(signal.SIGINT)
    assert (result.returncode, result.stderr) == (0, "")
    output = [json.loads(line) for line in result.stdout.splitlines()]
    for one in output:
        assert [row["source"] for row in one["coverage"]] == ["docs", "wiki"]
        assert (len(one["throughput"]), sum(one["throughput"])) == (60, 4)
        assert one["database_lost"] is None
        assert [a["action"] for a in one["actions"]] == ["attach", "attach"]
    assert len({one["at"] for one in output}) > 1


@pytest.fixture
def closable(postgres: TestServer, docs_table: Database) -> Iterator[Database]:
    """A database that accepts connections again after the test."""
    yield docs_table
    _allow(postgres, docs_table, connections=True)


def _allow(server: TestServer, database: Database, *, connections: bool) -> None:
    """Refuse connections to `database` and end the open ones, or allow them again."""
    with server.admin() as admin:
        admin.execute(
            sql.SQL("alter database {} allow_connections {}").format(
                sql.Identifier(database.name), sql.Literal(connections)
            )
        )
        if not connections:
            admin.execute(KILL, [database.name])


def test_watch_survives_a_loss_of_the_database(
    start_cli: StartCli, postgres: TestServer, closable: Database
) -> None:
    """It reports that there is no news and why, and continues when the database is back."""
    running = start_cli(*WATCH)
    running.wait_for(lambda: "docs – (0 missing" in running.stdout)
    _allow(postgres, closable, connections=False)
    running.wait_for(lambda: "; no answer for " in running.stdout)
    _allow(postgres, closable, connections=True)
    running.wait_for(lambda: "no answer" not in running.stdout.splitlines()[-1])
    add_again = psycopg.connect(closable.url, autocommit=True)
    with add_again:
        add_again.execute("insert into public.docs (body) values ('x')")
    running.wait_for(lambda: "docs 0.00 % (1 missing" in running.stdout)
    result = running.stop(signal.SIGINT)
    assert (result.returncode, result.stderr) == (0, "")


def test_watch_without_a_database_at_the_start_is_refused(run_cli: RunCli) -> None:
    """Like any command: there is nothing to show yet."""
    env = {"WIKIEMBED_DATABASE_URL": "postgresql://localhost:1/none"}
    assert "Postgres is out of reach" in assert_refused(run_cli(*WATCH, env=env), 3)


@pytest.mark.parametrize("size", [(24, 80), (40, 120)])
@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_watch_on_a_terminal(
    cli: Cli, docs_table: Database, size: tuple[int, int], term: str
) -> None:
    """The bar is on the alternate screen and its last state remains; no colour with NO_COLOR."""
    add_chunks(docs_table, 2)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id = 1")
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    env = {**cli.env, "TERM": term, "PYTHONIOENCODING": "utf-8"}
    del env["COLUMNS"]
    process = subprocess.Popen(
        [sys.executable, "-m", "wikiembed", *WATCH],
        env=env, stdin=inner, stdout=inner, stderr=inner,
    )  # fmt: skip
    os.close(inner)
    drawn = _read(outer, until="docs ", process=process)
    process.send_signal(signal.SIGINT)
    drawn += _read(outer, until=None, process=process)
    os.close(outer)
    assert process.wait(15) == 0
    assert "Traceback" not in drawn
    if term == "dumb":
        assert "docs 50.00 % (1 missing" in drawn
        assert "\x1b" not in drawn
    else:
        last = re.sub(r"\x1b\[\d+m", "", drawn.rsplit("\x1b[?1049l", 1)[1])
        assert "█░" in last
        assert "50.00 %" in last
        assert "Ctrl-C ends this view" in last
        assert re.findall(r"\x1b\[3\d", drawn) == []


def _read(outer: int, *, until: str | None, process: subprocess.Popen[bytes]) -> str:
    """The terminal's output, up to `until` or to its end."""
    read = b""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            read += os.read(outer, 65536)
        except OSError:  # the other end is closed
            break
        if until is not None and until.encode() in read:
            break
    assert until is None or until.encode() in read, (read, process.poll())
    return read.decode(errors="replace")
