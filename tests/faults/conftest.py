"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.crew import Crew
from tests.faults.report import Report, reporter
from tests.support.console import console_settings, running
from tests.support.database import DIMENSIONS, Database, create_database, make_template
from tests.support.private_postgres import PrivateServer
from tests.support.standin_process import StandInProcess
from wikiembed.web.app import Console


@pytest.fixture
def report() -> Report:
    """Reports the cost of a fault: ``report("kill -9", tried=5, chunks=6000, lost=0, …)``."""
    return reporter()


@pytest.fixture
def standin_process() -> Iterator[StandInProcess]:
    """The stand-in server as a separate process, with 4 dimensions."""
    process = StandInProcess(dimensions=DIMENSIONS)
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def crew(database: Database, standin_process: StandInProcess, tmp_path: Path) -> Iterator[Crew]:
    """Workers on a database of the session's server."""
    made = Crew(database, standin_process, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def private_server() -> Iterator[PrivateServer]:
    """A Postgres for this module alone, which its tests restart."""
    with PrivateServer() as server:
        make_template(server.server)
        yield server


@pytest.fixture
def private_crew(
    private_server: PrivateServer, standin_process: StandInProcess, tmp_path: Path
) -> Iterator[Crew]:
    """Workers on a database of `private_server`."""
    database = create_database(private_server.server, make_template(private_server.server))
    made = Crew(database, standin_process, tmp_path)
    try:
        yield made
    finally:
        made.close()
        database.close()


@pytest.fixture
async def open_console(docs_table: Database) -> AsyncIterator[Console]:
    """A console without authentication."""
    async with running(console_settings(docs_table)) as made:
        yield made
