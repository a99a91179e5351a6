"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.console import Browser, console_settings, running
from tests.support.database import Database
from wikiembed.web.app import Console


@pytest.fixture
async def console(docs_table: Database) -> AsyncIterator[Console]:
    """A console on `docs_table`."""
    async with running(console_settings(docs_table)) as made:
        yield made


@pytest.fixture
def browser(console: Console) -> Browser:
    """A browser on this machine."""
    return Browser(console)
