"""The console of several databases: a list of them, and the pages of each below ``/db/NAME/``."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from html import unescape
from urllib.parse import quote

import pytest
from psycopg import sql

from tests.support.chunks import add, embed, pause_reason
from tests.support.console import (
    BY_TOKEN,
    CLOSED,
    FORM,
    TOKEN,
    Browser,
    console_settings,
    csrf_of,
    log_in,
    running,
    running_several,
    shown,
    silent_server,
    text_of,
)
from tests.support.database import Database, url_of
from tests.support.server import TestServer
from wikiembed.control.glance import glance
from wikiembed.web.access import Access
from wikiembed.web.app import Console
from wikiembed.web.changes import HELLO
from wikiembed.web.consoles import console
from wikiembed.web.database import CHECK_S

ODD = "a b@c:5 %25?#é/글"
CONNECTIONS = "select count(*) from pg_stat_activity where datname = current_database()"
WITHIN_S = 60.0
"""On a slow machine."""


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


def cards(html: str) -> dict[str, str]:
    """What the first page says of each database, by its name."""
    return {
        unescape(re.findall(r"<h2[^>]*><a [^>]+>([^<]+)</a>", one)[0]): text_of(one)
        for one in re.findall(r"(?s)<article.+?</article>", html)
    }


def links(html: str) -> dict[str, str]:
    """The link to the pages of each database, by its name."""
    found = re.findall(r'<h2[^>]*><a href="([^"]+)">([^<]+)</a>', html)
    return {unescape(name): unescape(url) for url, name in found}


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
        assert "Not ready: 1 of 2 databases are ready" in text_of(page.text)
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


async def test_message_of_one_database_is_not_shown_by_another(
    docs_table: Database, other: Database
) -> None:
    """Where another tab is loaded before the page that follows the form."""
    async with running_several(docs_table, other) as consoles:
        browser = Browser(consoles)
        path = f"/db/{other.name}"
        done = await browser.send(f"{path}/source/pause", FORM, page=f"{path}/doctor")
        assert "Paused." not in await shown(browser, f"/db/{docs_table.name}/workers")
        assert "Paused." not in await shown(browser, "/")
        assert "Paused." in text_of((await browser.follow(done)).text)


async def test_one_login_is_for_all_databases(docs_table: Database, odd: Database) -> None:
    """It leads to the page that was asked for, and its end is that of all; also of one away."""
    link = f"/db/{quote(odd.name)}/workers"
    async with running_several(docs_table, odd, CLOSED, access=BY_TOKEN) as consoles:
        browser = Browser(consoles, peer="192.0.2.9", base="https://wiki.example")
        for path in ("/", link, "/db/none/", "/db/closed/"):
            assert (await browser.get(path)).headers["location"].startswith("/login?next=")
        asked = (await browser.get(link)).headers["location"]
        form = await browser.get(asked)
        after = unescape(re.findall(r'name="next" value="([^"]*)"', form.text)[0])
        entered = await browser.send("/login", {"token": TOKEN, "next": after}, page="/login")
        assert entered.headers["location"] == link
        assert "path=/;" in entered.headers["set-cookie"].lower()
        for path in ("/", link, f"/db/{docs_table.name}/"):
            assert (await browser.get(path)).status_code == 200
        consoles.consoles["closed"].database.wait_s = 0.2
        away = await browser.get("/db/closed/")
        ended = await browser.client.post(
            "/logout", data={"csrf": csrf_of(away.text)}, headers={"origin": browser.base}
        )
        assert (ended.status_code, ended.headers["location"]) == (303, "/login")
        assert (await browser.get(link)).status_code == 303


async def test_forms_of_each_need_their_token_and_the_rights_of_its_role(
    docs_table: Database, other: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader in one database may act in the other; a console that is read-only in none."""
    role = other.create_role("reading", grant="reader")
    reading = f"{other.url}{'&' if '?' in other.url else '?'}options=-crole%3D{role}"
    caplog.set_level(logging.INFO, logger="wikiembed")
    async with running_several(docs_table, reading) as consoles:
        browser = Browser(consoles)
        mine, its = f"/db/{docs_table.name}", f"/db/{other.name}"
        bare = await browser.client.post(f"{mine}/source/pause", data=FORM)
        assert bare.status_code == 403
        refused = await browser.send(f"{its}/source/pause", FORM, page=f"{its}/doctor")
        assert refused.status_code == 403
        done = await browser.send(f"{mine}/source/pause", FORM, page=f"{its}/doctor")
        assert done.status_code == 303
        assert (pause_reason(docs_table), pause_reason(other)) == ("a test", None)
    fields = [getattr(one, "fields", {}) for one in caplog.records]
    (action,) = [one for one in fields if one.get("action") == "pause"]
    assert action["database"].startswith(f"{docs_table.name} on ")
    async with running_several(docs_table, other, access=Access(read_only=True)) as consoles:
        browser = Browser(consoles)
        path = f"/db/{other.name}"
        denied = await browser.send(f"{path}/source/pause", FORM, page=f"{path}/doctor")
        assert denied.status_code == 403
        assert "read only" in text_of(denied.text)


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


async def test_events_need_access(docs_table: Database) -> None:
    """Of the list and of each database."""
    async with running_several(docs_table, CLOSED, access=BY_TOKEN) as consoles:
        stranger = Browser(consoles, peer="192.0.2.9", base="https://wiki.example")
        for path in ("/events", f"/db/{docs_table.name}/events", "/metrics", "/db/closed/metrics"):
            assert (await stranger.get(path)).status_code == 401, path
        assert (await (await log_in(consoles)).get("/")).status_code == 200


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
    made = Console(console_settings(docs_table), Access())
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
