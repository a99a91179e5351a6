"""Forms of the console: of other sites, with forged tokens, and too large."""

from __future__ import annotations

from tests.support.chunks import pause_reason
from tests.support.console import (
    BY_TOKEN,
    FORM,
    TOKEN,
    Browser,
    csrf_of,
    guarded,
    log_in,
)
from tests.support.database import Database
from wikiembed.web.access import (
    CSRF_COOKIE,
    Access,
)
from wikiembed.web.app import Console

OF_OTHERS = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:8600.evil.example"},
    {"origin": "http://localhost:9999"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
)


async def test_forms_of_other_sites_are_refused(
    docs_table: Database, open_console: Console
) -> None:
    """Even with the token of the form."""
    browser = Browser(open_console)
    data = {"csrf": csrf_of((await browser.get("/doctor")).text), **FORM}
    for headers in OF_OTHERS:
        refused = await browser.client.post("/source/pause", data=data, headers=headers)
        assert refused.status_code == 403, headers
    assert pause_reason(docs_table) is None


async def test_forms_need_their_own_token(docs_table: Database) -> None:
    """None, that of another cookie, of another user, or of another console's secret."""
    access = Access(tokens={"kim": TOKEN, "lee": TOKEN[::-1]})
    async with guarded(docs_table, access) as console:
        kim = await log_in(console)
        lee = await log_in(console, TOKEN[::-1])
        of_lee = csrf_of((await lee.get("/doctor")).text)
        nonce = kim.client.cookies[CSRF_COOKIE]
        forged = [access.csrf_token(nonce, "lee"), BY_TOKEN.csrf_token(nonce, "kim")]
        for token in ("", "x", "é", of_lee, access.csrf_token("", "kim"), *forged):
            refused = await kim.client.post("/source/pause", data={"csrf": token, **FORM})
            assert refused.status_code == 403, token
        token = csrf_of((await kim.get("/doctor")).text)
        kim.client.cookies.delete(CSRF_COOKIE)
        refused = await kim.client.post("/source/pause", data={"csrf": token, **FORM})
        assert refused.status_code == 403
        assert pause_reason(docs_table) is None
        assert (await kim.send("/source/pause", FORM)).status_code == 303


async def test_no_link_changes_anything(docs_table: Database, open_console: Console) -> None:
    """GET and HEAD act nowhere."""
    browser = Browser(open_console)
    for path in ("pause", "resume", "enqueue", "reconcile", "retry", "skip"):
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            await browser.client.request(method, f"/source/{path}?name=docs&why=x")
    actions = docs_table.rows("select distinct action from wikiembed.action_log")
    assert actions == [("attach",)]


FORMS = (
    (b"csrf=x&name=" + b"a" * 70_000, "application/x-www-form-urlencoded", 413),
    (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded", 400),
    (b"csrf=%ff", "application/x-www-form-urlencoded", 400),
    (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
    (b'{"csrf": 1}', "application/json", 415),
    (b"x", "text/plain", 415),
    (b"", "", 415),
)


async def test_forms_are_bounded(open_console: Console) -> None:
    """By size, number of fields, encoding and kind: a plain form of another site is none."""
    for body, kind, status in FORMS:
        headers = {"content-type": kind} if kind else {}
        refused = await Browser(open_console).client.post("/doctor", content=body, headers=headers)
        assert refused.status_code == status, body[:40]
