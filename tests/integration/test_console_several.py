"""The console of several databases: a list of them, and the pages of each below ``/db/NAME/``."""

from __future__ import annotations

import asyncio
import re
import time
from html import unescape
from urllib.parse import quote

from psycopg import sql

from tests.support.chunks import add, embed, pause_reason
from tests.support.console import (
    FORM,
    WITHIN_S,
    Browser,
    cards,
    console_settings,
    links,
    running_several,
    shown,
    silent_server,
    text_of,
)
from tests.support.database import Database
from tests.support.refused import CLOSED
from wikiembed.web.app import Console
from wikiembed.web.consoles import console
from wikiembed.web.database import CHECK_S


async def test_first_page_lists_the_databases(docs_table: Database, other: Database) -> None:
    """Place, readiness, the first obstacle, sums over sources, pauses; the unready ones first."""
    embed(docs_table, add(docs_table, "one", "two"))
    keys = add(other, "one", "two", "three")
    embed(other, keys[:1])
    other.execute(
        "create table public.more (id integer primary key, body text, vec vector(4));"
        "insert into public.more values (1, 'x');"
        "select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more');"
        "select wikiembed.pause('more', 'a test')"
    )
    async with running_several(docs_table, other) as consoles:
        page = await Browser(consoles).get("/")
        assert page.status_code == 200
        assert "Not ready: 1 of 2 databases is ready" in text_of(page.text)
        found = cards(page.text)
        assert list(found) == [other.name, docs_table.name]
        first, second = found.values()
        assert f"{other.name} on " in first
        assert re.search(r"not ready paused", first)
        assert "In progress docs 2 wait, and no worker is alive" in first
        assert "and 2 more" in first
        assert "25.00 % 1 of 4 chunks" in first
        assert "Sources 2 · 1 paused" in first
        assert "ready" in second
        assert "100.00 % 2 of 2 chunks" in second
        assert "No worker is alive." in second
        assert f'<a href="/db/{other.name}/source?name=docs">docs</a>' in page.text
        assert "data-events=" in page.text
        assert "hx-get=" in page.text
        korean = text_of((await Browser(consoles).get("/?lang=ko")).text)
        assert "데이터베이스 2개 중 1개 준비 완료" in korean


async def test_a_database_that_is_away_delays_no_other(docs_table: Database) -> None:
    """One refuses connections, one never answers: each with the reason, and since when."""
    embed(docs_table, add(docs_table, "one"))
    with silent_server() as silent:
        async with running_several(docs_table, CLOSED, silent) as consoles:
            browser = Browser(consoles)
            page = await browser.get("/")
            assert page.status_code == 200
            found = cards(page.text)
            assert "out of reach" in found["closed"]
            assert re.search(r"Out of reach since 2\d{3}-", found["closed"])
            assert "Connection refused" in found["closed"]
            assert "has not answered since this console started" in found["closed"]
            assert "No answer since 2" in found["silent"] or "timeout" in found["silent"]
            assert docs_table.name in found
            deadline = time.monotonic() + WITHIN_S
            while "timeout expired" not in cards(page.text)["silent"]:
                assert time.monotonic() < deadline
                page = await browser.get("/")
            since = re.findall(r" since (\S+ \S+)\. ", found["silent"])
            assert since[0] in cards(page.text)["silent"]
            assert (await browser.get(f"/db/{docs_table.name}/workers")).status_code == 200
            began = time.monotonic()
            page = await browser.get("/")
            assert time.monotonic() - began < CHECK_S
            assert list(cards(page.text)) == ["closed", "silent", docs_table.name]
            assert "100.00 %" in cards(page.text)[docs_table.name]
            consoles.consoles["closed"].database.wait_s = 0.5
            away = await browser.get("/db/closed/")
            assert away.status_code == 503
            assert "out of reach" in text_of(away.text)
            assert 'href="/">All databases' in away.text


async def test_a_database_that_returns_is_listed_again(
    docs_table: Database, other: Database
) -> None:
    """When it was lost, its last answer and the reason are said."""
    async with running_several(docs_table, other) as consoles:
        lost = consoles.consoles[other.name]
        lost.database.wait_s = 0.5
        browser = Browser(consoles)
        assert "out of reach" not in await shown(browser, "/")
        allow = sql.SQL("alter database {} allow_connections {}")
        name = sql.Identifier(other.name)
        docs_table.execute(allow.format(name, sql.SQL("false")))
        other.disconnect()
        docs_table.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
            [other.name],
        )
        deadline = time.monotonic() + WITHIN_S
        while "out of reach" not in (found := cards((await browser.get("/")).text)[other.name]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert "is not currently accepting connections" in found
        assert "It last answered at 2" in found
        docs_table.execute(allow.format(name, sql.SQL("true")))
        deadline = time.monotonic() + WITHIN_S
        while "out of reach" in cards((await browser.get("/")).text)[other.name]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert (await browser.get(f"/db/{other.name}/workers")).status_code == 200


async def test_pages_of_each_are_below_its_name(docs_table: Database, odd: Database) -> None:
    """Links, forms and files of an odd name too; an unknown name is no page."""
    async with running_several(docs_table, odd) as consoles:
        browser = Browser(consoles)
        link = links((await browser.get("/")).text)[odd.name]
        assert link == f"/db/{quote(odd.name)}/"
        for path in (link, link.removesuffix("/"), f"{link}source?name=docs", f"{link}workers"):
            page = await browser.get(path)
            assert page.status_code == 200, path
            assert f"All databases {odd.name} " in text_of(page.text)
            assert f" · {odd.name} · wikiembed</title>" in unescape(page.text)
            used = re.findall(r'(?:href|src|action|hx-get|data-events)="([^"]+)"', page.text)
            outside = {one for one in used if not one.startswith((link, "/static/", "#"))}
            assert outside == {"/"}
            for one in {unescape(one) for one in used if one.startswith("/")}:
                if not re.search("/events|/source/|lang=", one):
                    assert (await browser.get(one)).status_code == 200, one
        done = await browser.send(f"{link}source/pause", FORM, page=f"{link}doctor")
        assert done.headers["location"] == f"{link}source?name=docs"
        assert "Paused." in text_of((await browser.follow(done)).text)
        assert pause_reason(odd) == "a test"
        assert pause_reason(docs_table) is None
        for path in ("/db/none/", "/db/none", "/db/", "/db", f"/db/{docs_table.name}x/", "/none",
                     f"{link}nothing"):  # fmt: skip
            missing = await browser.get(path)
            assert missing.status_code == 404, path
            assert "There is no such page." in text_of(missing.text)


async def test_longer_of_two_names_is_found(docs_table: Database, other: Database) -> None:
    """Where one begins with the other, and with a slash after it."""
    async with running_several(docs_table, other) as consoles:
        first, second = consoles.consoles.values()
        consoles.consoles = {"app": first, "app/two": second}
        consoles._longest_first = ["app/two", "app"]
        found = {
            path: consoles._named({"path": path, "root_path": ""})
            for path in ("/db/app/", "/db/app/two", "/db/app/two/x", "/db/app/twos", "/db/apps")
        }
    assert list(found.values()) == ["app", "app/two", "app/two", "app", None]


async def test_one_url_is_the_console_of_one_database(docs_table: Database) -> None:
    """Nothing names the database, and there is no list."""
    made = console(console_settings(docs_table))
    assert isinstance(made, Console)
    async with made.running():
        page = await Browser(made).get("/workers")
        assert "All databases" not in page.text
        assert docs_table.name not in page.text
        assert "<title>Servers and workers · wikiembed</title>" in page.text
        assert (await Browser(made).get(f"/db/{docs_table.name}/")).status_code == 404
