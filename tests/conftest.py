"""Fixtures of every suite; what they are made of stands in `tests/support`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.support.cli import Cli, Result, Running, environment
from tests.support.database import DIMENSIONS, Database, create_database, make_template
from tests.support.server import TestServer, start_server

if TYPE_CHECKING:
    from tests.support.standin import StandIn

SERVER = pytest.StashKey[TestServer]()


class RunCli(Protocol):
    def __call__(
        self, *args: str, env: dict[str, str] | None = None, timeout: float = 60
    ) -> Result: ...


class StartCli(Protocol):
    def __call__(self, *args: str, env: dict[str, str] | None = None) -> Running: ...


def pytest_configure(config: pytest.Config) -> None:
    """Forget the developer's own settings, and make a polite kill end the server too."""
    for name in [one for one in os.environ if one.startswith("WIKIEMBED_")]:
        if not name.startswith(("WIKIEMBED_TEST_", "WIKIEMBED_FAULT", "WIKIEMBED_RELEASE")):
            del os.environ[name]
    # Tests count requests: those of this check come in tests of it only.
    os.environ["WIKIEMBED_CHECK_TRUNCATION"] = "false"
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _session_server(config: pytest.Config) -> TestServer:
    """The session's server, started by the first that asks in the controlling process."""
    if SERVER not in config.stash:
        config.stash[SERVER] = start_server()
    return config.stash[SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the server to an xdist worker."""
    server = _session_server(node.config)
    node.workerinput["wikiembed_url"] = server.url
    node.workerinput["wikiembed_session"] = server.session


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, after Ctrl-C too."""
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.end()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> TestServer:
    """The session's Postgres server."""
    given: dict[str, str] | None = getattr(request.config, "workerinput", None)
    if given is None:
        return _session_server(request.config)
    return TestServer(
        url=given["wikiembed_url"], session=given["wikiembed_session"], stop=lambda: None
    )


@pytest.fixture(scope="session")
def template(postgres: TestServer) -> str:
    """The name of the migrated template database, with vectors of 4 dimensions."""
    return make_template(postgres)


@pytest.fixture
def database(postgres: TestServer, template: str) -> Iterator[Database]:
    """A migrated database of this test's own."""
    made = create_database(postgres, template)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def docs_table(database: Database) -> Database:
    """`database` with ``public.docs`` attached as source ``docs``."""
    database.execute(
        "create table public.docs ("
        "id bigint generated always as identity primary key, "
        f"body text, vec vector({DIMENSIONS}))"
    )
    database.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    return database


@pytest.fixture
def cli(database: Database, tmp_path: Path) -> Iterator[Cli]:
    """The command line against `database`."""
    settings = environment(
        database_url=database.url, dimensions=str(DIMENSIONS), data_dir=str(tmp_path / "data")
    )
    made = Cli(env=settings, folder=tmp_path / "cli")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def run_cli(cli: Cli) -> RunCli:
    """Run a command to its end: ``run_cli("status", "--json").returncode``."""
    return cli.run


@pytest.fixture
def start_cli(cli: Cli) -> StartCli:
    """Start a command that keeps running; ended with the test."""
    return cli.start


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """A stand-in embedding server that speaks every dialect, with 4 dimensions."""
    from tests.support.standin import StandIn

    with StandIn(dialect="all", dimensions=DIMENSIONS) as server:
        yield server
