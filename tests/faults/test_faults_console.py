"""The console while Postgres hangs: it keeps its connections, and answers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.chunks import make_source
from tests.support.console import Browser, console_settings, running
from tests.support.database import Database, create_database, make_template
from tests.support.private_postgres import PrivateServer, frozen
from wikiembed.web.database import APPLICATION, POOL_SIZE

BACKENDS = "select pid from pg_stat_activity where application_name = %s"


@pytest.fixture
def private_docs(private_server: PrivateServer) -> Iterator[Database]:
    """A database of `private_server` with the attached table ``docs``."""
    with create_database(private_server.server, make_template(private_server.server)) as database:
        make_source(database)
        yield database


async def test_pages_of_a_postgres_that_hangs_say_so(
    private_docs: Database, private_server: PrivateServer
) -> None:
    """Each after a limit of time, however many are open; afterwards they are whole again."""
    async with running(console_settings(private_docs)) as console:
        console.database.answer_s = 1.0
        browser = Browser(console)
        assert (await browser.get("/source?name=docs")).status_code == 200
        backends = [pid for (pid,) in private_docs.rows(BACKENDS, [APPLICATION])]
        assert backends
        with frozen(private_server.pid, *backends):
            page = await browser.get("/source?name=docs")
            assert page.status_code == 503
            assert "Postgres hangs" in page.text
            open_pages = [browser.get("/workers") for _ in range(2 * POOL_SIZE)]
            assert {page.status_code for page in await asyncio.gather(*open_pages)} == {503}
            assert (await browser.get("/readyz")).status_code == 503
            assert (await browser.get("/healthz")).status_code == 200

        assert (await browser.get("/source?name=docs")).status_code == 200
