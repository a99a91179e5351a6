"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from psycopg import sql

from tests.support.console import Browser, console_settings, running
from tests.support.database import Database, url_of
from tests.support.server import TestServer
from wikiembed.web.app import Console

ODD = "a b@c:5 %25?#é/글"


@pytest.fixture
async def console(docs_table: Database) -> AsyncIterator[Console]:
    """A console on `docs_table`."""
    async with running(console_settings(docs_table)) as made:
        yield made


@pytest.fixture
def browser(console: Console) -> Browser:
    """A browser on this machine."""
    return Browser(console)


@pytest.fixture
def odd(other: Database, postgres: TestServer) -> Database:
    """The second database, under a name that has to be quoted in a URL."""
    name = f"{other.name} {ODD}"
    postgres.run(
        sql.SQL("alter database {} rename to {}").format(
            sql.Identifier(other.name), sql.Identifier(name)
        )
    )
    other.name, other.url = name, url_of(postgres, quote(name, safe=""))
    return other
