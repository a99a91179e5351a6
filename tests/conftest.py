"""Fixtures of every suite, built from `tests/support`."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.support.chunks import make_source
from tests.support.cli import Call, Cli, Result, RunCli, StartCli, environment
from tests.support.database import (
    DIMENSIONS,
    Database,
    create_database,
    keep_template,
    make_template,
)
from tests.support.server import TestServer, start_server

if TYPE_CHECKING:
    from tests.support.standin import StandIn

LONGEST = (
    *("test_wheel.py", "test_scripts.py", "test_cli_first_run.py", "test_mixed_articles.py"),
    *("test_blocks.py", "test_drill_", "test_faults_", "test_soak.py", "test_security"),
)
"""Files of tests that take many seconds, which begin first: the last minutes use every process."""
SERVER = pytest.StashKey[TestServer]()

# Machines differ: no example has a time limit.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """Remove the developer's settings, and make SIGTERM stop the server too."""
    for name in [one for one in os.environ if one.startswith("WIKIEMBED_")]:
        if not name.startswith(("WIKIEMBED_TEST_", "WIKIEMBED_FAULT", "WIKIEMBED_RELEASE")):
            del os.environ[name]
    # Tests count requests: only tests of these checks make their requests.
    os.environ["WIKIEMBED_CHECK_TRUNCATION"] = "false"
    os.environ["WIKIEMBED_VERIFY_CHUNKS"] = "0"
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the longest tests out to the processes, each of which starts with an equal part."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    longest = [item for item in items if item.path.name.startswith(LONGEST)]
    others = [item for item in items if not item.path.name.startswith(LONGEST)]
    share = -(-len(items) // processes)
    items.clear()
    for number in range(processes):
        part = longest[number::processes]
        items += part + others[: max(share - len(part), 0)]
        del others[: max(share - len(part), 0)]
    items += others


def pytest_collection_finish() -> None:
    """Leave thousands of collected tests out of every later garbage collection."""
    gc.collect()
    gc.freeze()


def _session_server(config: pytest.Config) -> TestServer:
    """The session's server, started on first use in the controlling process."""
    if SERVER not in config.stash:
        config.stash[SERVER] = start_server()
    return config.stash[SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the server to an xdist worker."""
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


@pytest.fixture(scope="session")
def docs_template(postgres: TestServer, template: str) -> str:
    """The name of the template of `docs_table`: `attach` takes longer than a clone."""
    return keep_template(postgres, "docs", source=template, fill=make_source)


@pytest.fixture
def database(
    request: pytest.FixtureRequest, postgres: TestServer, template: str
) -> Iterator[Database]:
    """A migrated database for this test, with what its fixture `docs_table` adds."""
    if "docs_table" in request.fixturenames:
        template = request.getfixturevalue("docs_template")
    with create_database(postgres, template) as made:
        yield made


@pytest.fixture
def docs_table(database: Database) -> Database:
    """`database` with ``public.docs`` attached as source ``docs``."""
    return database


@pytest.fixture
def other(postgres: TestServer, docs_template: str) -> Iterator[Database]:
    """A second database like `docs_table`."""
    with create_database(postgres, docs_template) as made:
        yield made


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
    """Start a command that keeps running; stopped at the end of the test."""
    return cli.start


@pytest.fixture
def call(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Run a command within this process, which saves a second."""
    from wikiembed.cli.main import main

    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    ours = logging.getLogger("wikiembed")
    our_level = ours.level

    def run(*args: str, env: dict[str, str] | None = None) -> Result:
        with monkeypatch.context() as patched:
            for name, value in {**cli.env, **(env or {})}.items():
                patched.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(args)
        output = capsys.readouterr()
        code = ended.value.code
        return Result(returncode=int(code or 0), stdout=output.out, stderr=output.err)

    yield run
    signal.signal(signal.SIGTERM, before)
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """A stand-in embedding server that speaks every dialect, with 4 dimensions."""
    from tests.support.standin import StandIn

    with StandIn(dialect="all", dimensions=DIMENSIONS) as server:
        yield server
