"""How the console of several databases is served: mounted, probed, shared, and stopped."""

from __future__ import annotations

import asyncio
import re
import threading
from urllib.parse import quote

import pytest

from tests.support.console import (
    FORM,
    WITHIN_S,
    Browser,
    cards,
    links,
    running_several,
    silent_server,
)
from tests.support.database import Database
from tests.support.refused import CLOSED
from wikiembed.control.glance import glance
from wikiembed.web.changes import HELLO

CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database()"


async def test_pages_work_below_a_path(docs_table: Database, odd: Database) -> None:
    """Whether the proxy removes the prefix or keeps it; cookies are for the whole console."""
    async with running_several(docs_table, odd, root_path="/tools/wiki") as consoles:
        browser = Browser(consoles)
        for before in ("", "/tools/wiki"):
            page = await browser.get(f"{before}/")
            assert links(page.text)[odd.name] == f"/tools/wiki/db/{quote(odd.name)}/"
            below = await browser.get(f"{before}/db/{quote(odd.name)}/source?name=docs")
            assert below.status_code == 200
            used = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', below.text)
            assert [one for one in used if not one.startswith("/tools/wiki/")] == []
        link = f"/tools/wiki/db/{quote(odd.name)}"
        done = await browser.send(f"{link}/source/pause", FORM, page=f"{link}/doctor")
        assert done.headers["location"] == f"{link}/source?name=docs"
        chosen = await browser.get(f"{link}/workers?lang=ko")
        assert "Path=/tools/wiki;" in chosen.headers["set-cookie"]


async def test_consoles_are_mounted_by_another_application(
    docs_table: Database, other: Database
) -> None:
    """Starlette's own Mount, which does not run their lifespan."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    async with running_several(docs_table, other) as consoles:
        browser = Browser(Starlette(routes=[Mount("/console", app=consoles)]))
        page = await browser.get("/console/")
        assert links(page.text)[other.name] == f"/console/db/{other.name}/"
        below = await browser.get(f"/console/db/{other.name}/workers")
        assert below.status_code == 200
        assert 'href="/console/static/console.css' in below.text


async def test_open_pages_share_one_reading_of_each(docs_table: Database, other: Database) -> None:
    """Fifty requests at a time read each database once."""
    async with running_several(docs_table, other) as consoles:
        read: list[str] = []
        for name, one in consoles.consoles.items():

            async def counting(
                work: object, *args: object, take: object = one.database.read, name: str = name
            ) -> object:
                read.extend([name] * (work is glance))
                return await take(work, *args)  # type: ignore[operator]

            one.database.read = counting  # type: ignore[method-assign, assignment]
        await asyncio.gather(*(Browser(consoles).get("/") for _ in range(50)))
    assert sorted(read) == sorted([docs_table.name, other.name])


async def test_probes_report_process_and_databases(docs_table: Database, other: Database) -> None:
    """/readyz needs one database of this version, whatever the others do; each has its own."""
    with silent_server() as silent:
        async with running_several(docs_table, other, CLOSED, silent) as consoles:
            browser = Browser(consoles, base="http://10.1.2.3:8600", peer="10.9.9.9")
            wrong = "update wikiembed.alembic_version set version_num = '0001_baseline'"
            docs_table.execute(wrong)
            assert (await browser.get("/healthz")).status_code == 200
            assert (await browser.get("/readyz")).status_code == 200
            assert (await browser.get(f"/db/{docs_table.name}/readyz")).status_code == 503
            assert (await browser.get(f"/db/{other.name}/readyz")).status_code == 200
            other.execute(wrong)
            for one in consoles.consoles.values():
                one.shared.forget()
            assert (await browser.get("/readyz")).status_code == 503
            found = cards((await Browser(consoles).get("/")).text)
            assert "schema version 0001_baseline" in found[other.name]


async def test_a_database_that_hangs_takes_no_thread_from_the_others(
    docs_table: Database,
) -> None:
    """However many pages of it are open: each database has threads of its own."""
    async with running_several(docs_table, CLOSED) as consoles:
        mine, its = consoles.consoles.values()
        hung = threading.Event()
        pages = [asyncio.create_task(its.database.in_thread(hung.wait)) for _ in range(100)]
        try:
            await asyncio.sleep(0.1)
            await asyncio.wait_for(mine.glance(), WITHIN_S / 2)
        finally:
            hung.set()
            await asyncio.gather(*pages)


async def test_streams_of_all_pages_end_with_the_process(
    docs_table: Database, other: Database
) -> None:
    """Each database has its own; the connections to all are closed."""
    async with running_several(docs_table, other, CLOSED) as consoles:
        await Browser(consoles).get("/")
        streams = [one.changes.stream() for one in (consoles, *consoles.consoles.values())]
        for stream in streams:
            assert await anext(stream) == HELLO
        assert consoles.streams == 4
        consoles.stop()
        for stream in streams:
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        assert consoles.streams == 0
    assert other.one(CONNECTIONS) == 1
    answers = Browser(consoles)
    assert (await answers.get("/events")).status_code == 200
