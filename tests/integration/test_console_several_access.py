"""The console of several databases: one login for all, and the forms and events of each."""

from __future__ import annotations

import logging
import re
from html import unescape
from urllib.parse import quote

import pytest

from tests.support.chunks import pause_reason
from tests.support.console import (
    BY_TOKEN,
    FORM,
    TOKEN,
    Browser,
    csrf_of,
    log_in,
    running_several,
    shown,
    text_of,
)
from tests.support.database import Database
from tests.support.refused import CLOSED
from wikiembed.web.access import Access


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


async def test_events_need_access(docs_table: Database) -> None:
    """Of the list and of each database."""
    async with running_several(docs_table, CLOSED, access=BY_TOKEN) as consoles:
        stranger = Browser(consoles, peer="192.0.2.9", base="https://wiki.example")
        for path in ("/events", f"/db/{docs_table.name}/events", "/metrics", "/db/closed/metrics"):
            assert (await stranger.get(path)).status_code == 401, path
        assert (await (await log_in(consoles)).get("/")).status_code == 200
