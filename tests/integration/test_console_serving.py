"""How the console is served: below a path, mounted, without Postgres, shared by many pages."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.support.chunks import add, add_chunks, embed
from tests.support.console import (
    TOKEN,
    Browser,
    console_settings,
    csrf_of,
    log_in,
    running,
    text_of,
)
from tests.support.database import Database
from tests.support.documents import ATTACH, put
from tests.support.refused import CLOSED, no_database
from wikiembed.control.glance import glance
from wikiembed.web.access import Access
from wikiembed.web.app import Console
from wikiembed.web.http import unpack_flash
from wikiembed.web.site import SiteOptions


async def test_pages_work_below_a_path(docs_table: Database) -> None:
    """Whether the proxy removes the prefix or keeps it, each link and redirect has it."""
    settings = console_settings(docs_table)
    async with running(settings, root_path="/tools/wiki") as console:
        browser = Browser(console)
        for path in ("/source?name=docs", "/tools/wiki/source?name=docs"):
            page = await browser.get(path)
            assert page.status_code == 200
            links = [part.split('"')[0] for part in page.text.split('href="')[1:]]
            assert [link for link in links if not link.startswith(("/tools/wiki/", "#"))] == []
        done = await browser.send("/tools/wiki/source/pause", {"name": "docs", "why": "a test"})
        assert done.headers["location"] == "/tools/wiki/source?name=docs"


async def test_console_is_mounted_by_another_application(docs_table: Database) -> None:
    """Starlette's own Mount, which does not run its lifespan."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    async with running(console_settings(docs_table)) as console:
        browser = Browser(Starlette(routes=[Mount("/console", app=console)]))
        page = await browser.get("/console/workers")
        assert page.status_code == 200
        assert 'href="/console/static/console.css' in page.text
        assert (await browser.get("/console/static/console.css")).status_code == 200


async def test_probes_report_process_and_database(docs_table: Database) -> None:
    """/healthz needs no Postgres; /readyz needs one of this version."""
    async with running(console_settings(docs_table)) as console:
        browser = Browser(console, base="http://10.1.2.3:8600", peer="10.9.9.9")
        assert (await browser.get("/healthz")).status_code == 200
        assert (await browser.get("/readyz")).status_code == 200
        docs_table.execute("update wikiembed.alembic_version set version_num = '0001_baseline'")
        assert (await browser.get("/readyz")).status_code == 503
        assert (await browser.get("/healthz")).status_code == 200


async def test_page_without_postgres_says_so(database: Database) -> None:
    """In a sentence, with status 503."""
    settings = console_settings(database, database_url=no_database())
    async with running(settings) as console:
        page = await Browser(console).get("/healthz")
        assert page.status_code == 200
        console.database.wait_s = 0.5
        page = await Browser(console).get("/")
        assert page.status_code == 503
        assert "out of reach" in text_of(page.text)


async def test_open_pages_share_one_reading(docs_table: Database, console: Console) -> None:
    """Fifty requests at a time read the database once."""
    browsers = [Browser(console) for _ in range(50)]
    read: list[int] = []
    take = console.database.read

    async def counting(work: object, *args: object) -> object:
        read.extend([1] * (work is glance))
        return await take(work, *args)  # type: ignore[arg-type]

    console.database.read = counting  # type: ignore[method-assign, assignment]
    await asyncio.gather(*(browser.get("/") for browser in browsers))
    assert len(read) == 1


@pytest.mark.parametrize("held_back", ["null", "now()"])
def test_first_screen_reads_neither_table_nor_queue(docs_table: Database, held_back: str) -> None:
    """Of 20,000 chunks and as many jobs it reads a few hundred entries."""
    docs_table.execute("update wikiembed.sources set batch_size = 1 where name = 'docs'")
    add_chunks(docs_table, 20_000)
    docs_table.execute(f"update wikiembed.sources set held_back_at = {held_back}")
    docs_table.execute("vacuum analyze")
    with docs_table.connect(autocommit=False) as connection:
        glance(connection)
        read = connection.execute(
            "select relname, pg_stat_get_xact_tuples_returned(oid)::int from pg_class"
            " where relname ~ 'docs|jobs|failures' and relkind in ('r', 'i')"
            " and pg_stat_get_xact_tuples_returned(oid) > 100"
        ).fetchall()
    assert read == []


def test_first_screen_counts_documents_once(database: Database) -> None:
    """Also those that are in the way."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text,"
        " primary key (tenant, id))"
    )
    database.execute(ATTACH)
    put(database, "a", "one")
    with database.connect(autocommit=False) as connection:
        state = glance(connection)
        (scans,) = connection.execute(
            "select pg_stat_get_xact_numscans('wikiembed_private.documents_articles'::regclass)"
        ).fetchone() or (0,)
    assert [(one.source, one.name) for one in state.obstacles] == [("articles", "documents")]
    assert scans == 1


async def test_slow_section_is_left_out(
    docs_table: Database, console: Console, browser: Browser
) -> None:
    """A part of the page that takes too long is named; the rest is shown."""
    embed(docs_table, add(docs_table, "one"))
    with docs_table.connect(autocommit=False) as blocker:
        blocker.execute("lock table wikiembed_queue.procrastinate_jobs in access exclusive mode")
        console.database.read_ms = 200
        page = await browser.get("/workers")
    assert page.status_code == 503
    assert "took longer than the limit" in text_of(page.text)


def test_flash_cookie_of_others_is_ignored() -> None:
    """It is not signed: what it says is looked up and escaped."""
    for cookie in ("", "x", "bm8=", "WzFd", "bnVsbA=="):
        assert unpack_flash(cookie) is None


def test_postgres_names_the_console(docs_table: Database) -> None:
    """In pg_stat_activity, with a limit on each statement."""
    from wikiembed.web.database import Database as Pool

    pool = Pool(console_settings(docs_table))
    try:
        with pool.connection() as connection:
            row = connection.execute(
                "select current_setting('application_name'), current_setting('statement_timeout')"
            ).fetchone()
            assert row == ("wikiembed console", "5s")
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("set statement_timeout = 50; select pg_sleep(5)")
    finally:
        asyncio.run(pool.aclose())


async def test_log_out_needs_neither_postgres_nor_an_action(database: Database) -> None:
    """A console that is read-only, and one whose Postgres is away."""
    settings = console_settings(database, database_url=CLOSED)
    access = Access(tokens={"kim": TOKEN}, read_only=True)
    async with running(settings, access=access) as made:
        made.database.wait_s = 0.2
        browser = await log_in(made)
        token = csrf_of((await browser.get("/")).text)
        ended = await browser.client.post(
            "/logout", data={"csrf": token}, headers={"origin": browser.base}
        )
        assert ended.status_code == 303


async def test_pages_of_a_database_that_returned_are_not_refused_for_long(
    docs_table: Database,
) -> None:
    """The error of a reading is kept for a second, not for as long as what was read."""
    made = Console(console_settings(docs_table), SiteOptions(access=Access()))
    async with made.running():
        failed = 0

        async def fail() -> str:
            nonlocal failed
            failed += 1
            raise ConnectionError

        async def answer() -> str:
            return "yes"

        for _ in range(3):
            with pytest.raises(ConnectionError):
                await made.shared.get("key", fail, seconds=30)
        assert failed == 1
        await asyncio.sleep(1.1)
        assert await made.shared.get("key", answer, seconds=30) == "yes"
