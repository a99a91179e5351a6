"""Commands name the database that they use, and create none without a request."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from psycopg.conninfo import make_conninfo

from tests.support.chunks import add_chunks
from tests.support.cli import Call, StartCli
from tests.support.commands import (
    assert_done,
    assert_refused,
    complaints,
    events,
    json_lines,
    served,
)
from tests.support.database import Database
from tests.support.server import TestServer
from tests.support.standin import StandIn
from wikiembed.control.sample import DATABASE
from wikiembed.sample import sample_path

SECRET = "hunter2"
COMMANDS = (
    ["status"],
    ["ready"],
    ["backfill"],
    ["backfill", "--dry-run"],
    ["doctor"],
    ["worker", "--drain"],
)
NONE_MADE = (
    *COMMANDS,
    *(["enqueue"], ["failures"], ["sources"], ["pause"], ["reconcile"], ["search", "x"]),
    *(["load", str(sample_path())], ["index"], ["uninstall"]),
)


def with_password(database: Database) -> str:
    """The database's conninfo with a password, which Postgres does not require."""
    return make_conninfo(database.url, password=SECRET)


def place(database: Database) -> tuple[str, int]:
    """Host, or folder of the socket, and port."""
    info = database.connect().info
    return info.host, info.port


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_database_is_named_on_the_first_line(
    call: Call, docs_table: Database, standin: StandIn, command: list[str]
) -> None:
    """By name, host and port, and never with its password."""
    add_chunks(docs_table, 1)
    env = served(standin, database_url=with_password(docs_table))
    host, port = place(docs_table)
    result = call(*command, env=env)
    output = f"{docs_table.name} on {host}:{port}"
    first = (result.stdout.splitlines() or [""])[0]
    match command[0]:
        case "ready":
            assert result.stderr.splitlines()[0] == f"Database {output}"
        case "worker":
            assert events(result)[0]["database"] == output
        case "backfill" if "--dry-run" not in command:
            found = json.loads(first)["database"]
            assert (found["name"], found["host"], found["port"]) == (docs_table.name, host, port)
        case "doctor":
            assert first == f"ok       Database {output}."
        case _:
            assert first == f"Database {output}"
    assert SECRET not in result.stdout + result.stderr


def test_database_is_named_in_json(call: Call, docs_table: Database, standin: StandIn) -> None:
    """Under the same key in every command's JSON."""
    env = served(standin, database_url=with_password(docs_table))
    host, port = place(docs_table)
    expected = {"name": docs_table.name, "host": host, "port": port, "embedded_in": None}
    for command in (["status"], ["ready"], ["backfill", "--dry-run"], ["doctor"]):
        first = json_lines(call(*command, "--json", env=env))[0]
        output = first if command != ["doctor"] else doctor_line(first)
        assert output["database"] == expected, command


def doctor_line(findings: object) -> dict[str, object]:
    """The first of doctor's findings."""
    assert isinstance(findings, list)
    found: dict[str, object] = findings[0]
    return found


@pytest.mark.parametrize("command", NONE_MADE, ids=lambda command: command[0])
def test_only_migrate_and_demo_create_an_embedded_postgres(
    call: Call, tmp_path: Path, command: list[str]
) -> None:
    """Otherwise a typing error would lead to an empty database and exit 0."""
    folder = tmp_path / "none"
    result = call(*command, env={"WIKIEMBED_DATABASE_URL": "", "WIKIEMBED_DATA_DIR": str(folder)})
    output = f"There is no embedded Postgres in {folder} yet: run `wikiembed migrate` to create one"
    assert result.returncode == 2
    assert output in (result.stdout if command == ["doctor"] else assert_refused(result, 2))
    assert not folder.exists()


@pytest.fixture
def demo_env(
    database: Database, postgres: TestServer, standin: StandIn
) -> Iterator[dict[str, str]]:
    """Settings of a demo on the tests' server; its one database is locked per test."""
    lock = postgres.lock_path.with_suffix(".demo")
    with FileLock(lock):
        yield served(standin, database_url=database.url, dimensions="4")
        database.execute(f"drop database if exists {DATABASE} with (force)")


def test_demo_creates_and_drops_a_separate_database(
    call: Call, database: Database, demo_env: dict[str, str]
) -> None:
    """The configured database is unchanged, and so is one with another owner."""
    done = call("demo", env=demo_env)
    assert_done(done)
    assert f"Database {DATABASE} on " in done.stdout
    assert database.one("select count(*) from public.wiki_pages") == 0
    there = demo_env | {"WIKIEMBED_DATABASE_NAME": DATABASE}
    assert call("status", env=there).stdout.startswith(f"Database {DATABASE} on ")
    assert assert_ready(call, there)
    assert call("demo", "--clean", env=demo_env).stdout == f"Removed database {DATABASE}.\n"
    again = call("demo", "--clean", env=demo_env)
    assert (again.returncode, again.stdout) == (0, f"There is no database {DATABASE}.\n")
    assert "does not exist" in assert_refused(call("status", env=there), 2)
    database.execute(f"create database {DATABASE}")
    for options in ([], ["--clean"]):
        output = assert_refused(call("demo", *options, env=demo_env), 2)
        assert output.startswith(f"Database {DATABASE} exists and was not made by the demo")


def assert_ready(call: Call, env: dict[str, str]) -> bool:
    """Whether the demo's database is ready."""
    return call("ready", env=env).stdout == "WIKI_EMBEDDINGS_READY=true\n"


def test_demo_ends_at_once_on_ctrl_c(
    start_cli: StartCli, standin: StandIn, demo_env: dict[str, str]
) -> None:
    """Exit 130 while a request hangs; the jobs stay for the next run."""
    standin.controls.latency_s = 60
    running = start_cli("demo", env=demo_env)
    running.wait_for(lambda: standin.stats.requests)
    result = running.stop(signal.SIGINT)
    assert (result.returncode, complaints(result)) == (130, [])


def test_demo_requires_the_right_to_create_databases(
    call: Call, database: Database, demo_env: dict[str, str]
) -> None:
    """A role without it gets both remedies in the message."""
    role = database.create_role("poor")
    database.execute(f"alter role {role} login")
    env = demo_env | {"WIKIEMBED_DATABASE_URL": make_conninfo(database.url, user=role)}
    output = assert_refused(call("demo", env=env), 2)
    assert "createdb" in output
    assert "the embedded Postgres" in output
