"""Attacks on the console: other addresses, forged headers and forms, markup, slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.chunks import add, fail, pause_reason, read
from tests.support.console import ORIGIN, Browser, console_settings, csrf_of, running, text_of
from tests.support.database import Database
from tests.support.eventually import eventually_async
from wikiembed.web import http, server
from wikiembed.web.access import (
    CSRF_COOKIE,
    SESSION_COOKIE,
    SESSION_S,
    Access,
    host_of,
    is_loopback,
    networks,
)
from wikiembed.web.app import Console

TOKEN = "a-token-of-twenty-four-chars"
PROXY = "10.0.0.7"
HEADER = "x-forwarded-user"
PAGES = ("/", "/source?name=docs", "/workers", "/actions", "/search", "/doctor")
FORM = {"name": "docs", "why": "a test"}
BY_TOKEN = Access(tokens={"kim": TOKEN})
BY_PROXY = Access(proxies=networks(f"{PROXY},fd00::/8"), user_header=HEADER)


@pytest.fixture
async def open_console(docs_table: Database) -> AsyncIterator[Console]:
    """A console without authentication."""
    async with running(console_settings(docs_table)) as made:
        yield made


@asynccontextmanager
async def guarded(database: Database, access: Access) -> AsyncIterator[Console]:
    """A console with authentication."""
    async with running(console_settings(database), access=access) as made:
        yield made


async def log_in(console: Console, token: str = TOKEN, peer: str = "192.0.2.9") -> Browser:
    """A browser elsewhere whose user has logged in."""
    browser = Browser(console, peer=peer, base="https://wiki.example")
    assert (await browser.send("/login", {"token": token}, page="/login")).status_code == 303
    return browser


FROM_HERE: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("127.0.0.1", "http://127.0.0.1:8600", {}, 200),
    ("127.0.0.1", "http://localhost", {}, 200),
    ("::1", "http://[::1]:8600", {}, 200),
    ("::ffff:127.0.0.1", "http://localhost:8600", {}, 200),
    ("192.0.2.9", "http://localhost:8600", {}, 403),
    ("", "http://localhost:8600", {}, 403),
    # A name of another site that leads to this machine (DNS rebinding).
    ("127.0.0.1", "http://evil.example:8600", {}, 421),
    ("127.0.0.1", "http://localhost.evil.example", {}, 421),
    ("127.0.0.1", "http://127.0.0.1.evil.example:8600", {}, 421),
    # A proxy on this machine would open it to everyone.
    ("127.0.0.1", "http://127.0.0.1:8600", {"x-forwarded-for": "192.0.2.9"}, 403),
    ("127.0.0.1", "http://127.0.0.1:8600", {"forwarded": "for=192.0.2.9"}, 403),
)  # fmt: skip


async def test_open_console_serves_this_machine_alone(open_console: Console) -> None:
    """Wherever it is mounted and whatever it listens on."""
    for peer, base, headers, status in FROM_HERE:
        browser = Browser(open_console, peer=peer, base=base, headers=headers)
        for path in (*PAGES, "/events" if status != 200 else "/"):
            assert (await browser.get(path)).status_code == status, (peer, base, path)


async def test_pages_need_a_token_elsewhere(docs_table: Database) -> None:
    """Each page leads to the login and back; forms and streams are refused."""
    async with guarded(docs_table, BY_TOKEN) as console:
        browser = Browser(console, peer="192.0.2.9", base="https://wiki.example")
        for path in PAGES:
            page = await browser.get(path)
            assert page.status_code == 303
            assert page.headers["location"].startswith("/login?next=")
        assert (await browser.get("/events")).status_code == 401
        refused = await browser.client.post("/source/pause", data=FORM)
        assert refused.status_code == 401
        logged_in = await browser.send(
            "/login", {"token": TOKEN, "next": "/source?name=docs"}, page="/login"
        )
        assert logged_in.headers["location"] == "/source?name=docs"
        page = await browser.get("/source?name=docs")
        assert page.status_code == 200
        assert "kim" in text_of(page.text)
        out = await browser.send("/logout", {}, page="/doctor")
        assert out.headers["location"] == "/login"
        assert (await browser.get("/")).status_code == 303
    assert pause_reason(docs_table) is None


async def test_wrong_tokens_are_refused(docs_table: Database) -> None:
    """And not repeated on the page."""
    async with guarded(docs_table, BY_TOKEN) as console:
        for token in ("", "x", TOKEN[:-1], TOKEN + "x", "ключ-которого-нет-здесь"):
            browser = Browser(console, peer="192.0.2.9")
            page = await browser.send("/login", {"token": token}, page="/login")
            assert page.status_code == 401
            assert SESSION_COOKIE not in browser.client.cookies
            assert len(token) < 2 or token not in page.text


ELSEWHERE = (
    "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)",
    "\t//evil.example", "/\n/evil.example", "/\t/evil.example", "evil.example",
)  # fmt: skip


async def test_login_leads_to_no_other_site(docs_table: Database) -> None:
    """Whatever the link said."""
    async with guarded(docs_table, BY_TOKEN) as console:
        for given in ELSEWHERE:
            browser = Browser(console, peer="192.0.2.9")
            fields = {"token": TOKEN, "next": given}
            answer = await browser.send("/login", fields, page="/login")
            assert answer.headers["location"] == "/", given


async def test_sessions_cannot_be_made_or_changed(docs_table: Database) -> None:
    """A signature of another secret, name or time; and each ends after its time."""
    clock = [1_000_000.0]
    access = Access(tokens={"kim": TOKEN, "lee": TOKEN[::-1]}, clock=lambda: clock[0])
    async with guarded(docs_table, access) as console:
        browser = Browser(console, peer="192.0.2.9")
        good = access.session("kim")
        body, signature = good.rsplit(".", 1)
        name, ends_at, nonce = body.split(".")
        other = Access(tokens=access.tokens, clock=access.clock).session("kim")
        lee = access.session("lee").split(".")[0]
        for cookie in (
            "", "x", "...", other, body, f"{body}.{signature[:-1]}", f"{body}.",
            f"{lee}.{ends_at}.{nonce}.{signature}", f"{name}.9{ends_at}.{nonce}.{signature}",
            f"{name}.x.{nonce}.{signature}", f"=.{ends_at}.{nonce}.{signature}",
        ):  # fmt: skip
            browser.client.cookies.set(SESSION_COOKIE, cookie)
            assert (await browser.get("/")).status_code == 303, cookie
        browser.client.cookies.set(SESSION_COOKIE, good)
        assert (await browser.get("/")).status_code == 200
        clock[0] += SESSION_S + 1
        assert (await browser.get("/")).status_code == 303


def test_session_ends_with_its_token(docs_table: Database) -> None:
    """A changed token, and a user who is removed, end the sessions; those of others go on."""
    secret = b"s" * 32
    old = Access(tokens={"kim": TOKEN, "lee": TOKEN[::-1]}, secret=secret)
    new = Access(tokens={"kim": TOKEN + "2", "lee": TOKEN[::-1]}, secret=secret)
    kim, lee = old.session("kim"), old.session("lee")
    assert (old.user_of_session(kim), old.user_of_session(lee)) == ("kim", "lee")
    assert (new.user_of_session(kim), new.user_of_session(lee)) == (None, "lee")


async def test_cookies_are_for_this_site_alone(docs_table: Database) -> None:
    """No script reads them, no other site sends them, and over HTTPS they stay there."""
    async with guarded(docs_table, BY_TOKEN) as console:
        browser = Browser(console, peer="192.0.2.9", base="https://wiki.example")
        page = await browser.get("/login")
        answer = await browser.send("/login", {"token": TOKEN}, page="/login")
        for response in (page, answer):
            (cookie,) = response.headers.get_list("set-cookie")
            assert {"HttpOnly", "Secure", "SameSite=strict"} <= set(cookie.split("; "))
            assert TOKEN not in cookie


async def test_user_header_counts_from_the_proxy_alone(docs_table: Database) -> None:
    """From any other address it is nothing, with or without the proxy's own headers."""
    async with guarded(docs_table, BY_PROXY) as console:
        page = await Browser(console, peer=PROXY, headers={HEADER: "kim"}).get("/")
        assert page.status_code == 200
        assert "kim" in text_of(page.text)
        for peer in ("fd00::1", "::ffff:10.0.0.7"):
            good = Browser(console, peer=peer, headers={HEADER: "lee"})
            assert (await good.get("/")).status_code == 200
        for peer in ("10.0.0.8", "127.0.0.1", "::1", "", "10.0.0.7.evil.example"):
            forged = Browser(console, peer=peer, headers={HEADER: "kim", "x-forwarded-for": PROXY})
            assert (await forged.get("/")).status_code == 403
            assert (await forged.get("/events")).status_code == 403
        for given in ([], [(HEADER, "")], [(HEADER, "kim"), (HEADER, "root")],
                      [(HEADER, "k" * 200)], [(HEADER, "k\x7fm")]):  # fmt: skip
            refused = await Browser(console, peer=PROXY).get("/", headers=given)
            assert refused.status_code == 401


async def test_actor_is_the_proxys_user(docs_table: Database) -> None:
    """In the log of actions, with the role; a header of another name changes nothing."""
    async with guarded(docs_table, BY_PROXY) as console:
        headers = {HEADER: "kim (postgres)'; --", "x-user": "root"}
        browser = Browser(console, peer=PROXY, base="https://w.example", headers=headers)
        await browser.send("/source/pause", FORM)
    who = docs_table.one("select who from wikiembed.action_log where action = 'pause'")
    role = docs_table.one("select session_user::text")
    assert who == f"kim (postgres)'; -- ({role})"


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


XSS = "<script>alert(1)</script>"
ATTRIBUTE = '"\' onload=alert(1) x="'


async def test_markup_in_data_is_text(database: Database, open_console: Console) -> None:
    """In names of sources, reasons, users, messages, keys, servers, workers and models."""
    name = '<img src=x onerror="a()">'
    database.execute("create table public.t (id text primary key, body text, vec vector(4))")
    database.execute("select wikiembed.attach('public.t', 'id', 'body', 'vec', %s)", [name])
    database.execute("insert into public.t values (%s, 'x')", [XSS])
    fail(
        database, read(database, [XSS], source=name), source=name, error_class="timeout",
        message=XSS + ATTRIBUTE,
    )  # fmt: skip
    add(database, "one")
    database.execute("set wikiembed.actor = '<b>kim'")
    database.execute("select wikiembed.pause(%s, %s)", [name, XSS + ATTRIBUTE])
    database.execute(
        "update wikiembed.sources set model = %s, document_prefix = %s where name = %s",
        [XSS, ATTRIBUTE, name],
    )
    database.execute(
        "select wikiembed.report_outage(%s, 1, 'no_answer', 503, %s)", [XSS, ATTRIBUTE]
    )
    database.execute("insert into wikiembed_queue.procrastinate_workers default values")
    database.execute(
        "select wikiembed.register_worker((select max(id) from"
        " wikiembed_queue.procrastinate_workers), gen_random_uuid(), %s, 42, %s, %s, now())",
        [XSS, ATTRIBUTE, XSS],
    )
    browser = Browser(open_console)
    asked = {"name": name}
    for path, params in (
        ("/", {}), ("/source", asked), ("/source", {**asked, "class": "timeout", "window": XSS}),
        ("/source/retry", {**asked, "class": "timeout"}), ("/workers", {}), ("/search", {}),
        ("/actions", {"who": ATTRIBUTE, "source": XSS}), ("/actions", {}),
        ("/source", {"name": XSS}), ("/source", {**asked, "class": XSS}), ("/" + XSS, {}),
        ("/source/retry", {"name": ATTRIBUTE}), ("/", {"lang": XSS}),
    ):  # fmt: skip
        page = await browser.get(path, params=params)
        tags = re.findall(r"<\s*/?\s*([a-zA-Z]+)", page.text)
        assert page.text.count("<script") == 3
        assert "img" not in tags
        assert "onload=alert" not in re.sub(r'"[^"]*"', "", re.sub(r">[^<]*<", "><", page.text))
        assert "<b>" not in page.text
    assert (await browser.get("/source", params=asked)).status_code == 200


async def test_every_answer_has_the_headers(docs_table: Database, open_console: Console) -> None:
    """Errors and files too; a page uses nothing that they forbid."""
    browser = Browser(open_console)
    for path in (
        *PAGES,
        "/nothing",
        "/static/console.css",
        "/static/nothing",
        "/healthz",
        "/readyz",
    ):
        page = await browser.get(path)
        for name, value in http.HEADERS.items():
            assert page.headers[name] == value, path
        assert "server" not in page.headers
    policy = http.HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for path in PAGES:
        html = (await browser.get(path)).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", html)
        assert all(part.startswith(' src="/static/') for part in html.split("<script")[1:])
        assert not re.search(r'(?:src|href|action)="(?!/|#)', html)


OUTSIDE = (
    "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static/....//app.py",
    "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/console.css%00.js",
    "/static/THIRD-PARTY.md", "/static/", "/static",
)  # fmt: skip


async def test_paths_reach_no_other_file(open_console: Console) -> None:
    """Files are found by name in a list that was made at the start."""
    browser = Browser(open_console)
    for path in OUTSIDE:
        page = await browser.client.get(ORIGIN + path)
        assert page.status_code == 404, path
        assert "import" not in page.text
    scope = {
        "type": "http", "method": "GET", "path": "/static/../app.py", "raw_path": b"",
        "headers": [], "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "scheme": "http", "server": ("localhost", 80), "http_version": "1.1",
    }  # fmt: skip
    sent: list[dict[str, object]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await open_console(scope, _no_body, send)
    assert sent[0]["status"] in (403, 404, 421)


async def _no_body() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


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


async def test_no_question_key_or_token_is_logged(
    docs_table: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor in a URL that a page leads to."""
    keys = add(docs_table, "one")
    fail(docs_table, read(docs_table, keys), error_class="timeout", message="m")
    with caplog.at_level(logging.DEBUG):
        async with guarded(docs_table, BY_TOKEN) as console:
            browser = await log_in(console)
            answer = await browser.send("/search", {"question": "a secret question"})
            assert answer.status_code == 409
            assert "a secret question" not in answer.text
            page = await browser.get("/source?name=docs")
            assert "secret" not in str(answer.url)
            hrefs = [part.split('"')[0] for part in page.text.split('href="')[1:]]
            assert not any(re.search(r"key|[?&]id=", href) for href in hrefs)
            await browser.send("/source/pause", {"name": "docs", "why": "secret reason"})
    ours = [
        json.dumps([one.getMessage(), str(getattr(one, "fields", ""))])
        for one in caplog.records
        if not one.name.startswith(("httpx", "asyncio", "httpcore"))
    ]
    assert any("console_action" in line for line in ours)
    assert not any("secret" in line or TOKEN in line for line in ours)


@pytest.mark.parametrize(
    ("header", "host", "loopback"),
    [("localhost:8600", "localhost", True), ("[::1]:8600", "::1", True), ("[::1]", "::1", True),
     ("127.0.0.1", "127.0.0.1", True), ("LOCALHOST", "LOCALHOST", True), ("", "", False),
     ("localhost.", "localhost.", False), ("192.0.2.1:1", "192.0.2.1", False),
     ("127.1:80", "127.1", False), ("evil.example:80", "evil.example", False)],
)  # fmt: skip
def test_hosts_are_read(header: str, host: str, *, loopback: bool) -> None:
    """Only the whole name or address of this machine is loopback."""
    assert host_of(header) == host
    assert is_loopback(host) is loopback


@pytest.fixture
async def served(
    docs_table: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Console, int]]:
    """A console that uvicorn serves on a port, with short limits of time."""
    monkeypatch.setattr(server, "HEADER_S", 0.2)
    monkeypatch.setattr(http, "FORM_S", 0.2)
    async with running(console_settings(docs_table)) as console:
        config = server.config(console, host="127.0.0.1", port=0)
        config.load()
        process = server.Server(console, config)
        process.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(process._serve())
        await eventually_async(lambda: process.started)
        yield console, process.servers[0].sockets[0].getsockname()[1]
        process.should_exit = True
        began = time.monotonic()
        await task
        assert time.monotonic() - began < server.STOP_S


@asynccontextmanager
async def sending(port: int, data: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that has sent `data`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    """All that the server sends until it closes."""
    return await asyncio.wait_for(reader.read(), 20)


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW = (
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    b"POST /doctor HTTP/1.1\r\nHost: localhost\r\nContent-Le",
)


async def test_slow_heads_are_closed(served: tuple[Console, int]) -> None:
    """Before the first request of a connection, and after one."""
    for sent in SLOW:
        async with sending(served[1], sent) as reader:
            assert not (await answer_of(reader)).startswith(b"HTTP/1.1 2")
    for sent in SLOW[1:]:
        async with sending(served[1], HEALTH + sent) as reader:
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 200")


async def test_slow_forms_hold_no_connection_to_postgres(served: tuple[Console, int]) -> None:
    """Twenty of them: pages are served meanwhile, and each gets an answer in the end."""
    form = (
        b"POST /doctor HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrf="
    )
    page = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(sending(served[1], form)) for _ in range(20)]
        async with sending(served[1], page) as reader:
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 200")
        for reader in slow:
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 408")


async def test_large_heads_are_refused(served: tuple[Console, int]) -> None:
    """A head has at most 32 kB."""
    large = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 100_000
    async with sending(served[1], large) as reader:
        assert b"400" in (await reader.readline())


async def test_stop_ends_open_streams(served: tuple[Console, int]) -> None:
    """A page that listens does not delay the stop, whose time the fixture checks."""
    events = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", served[1])
    writer.write(events)
    assert b"text/event-stream" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    served[0].changes.stop()
    assert b"retry" in await answer_of_stream(reader)
    writer.close()
    await writer.wait_closed()


async def answer_of_stream(reader: asyncio.StreamReader) -> bytes:
    """What follows until the last chunk of an answer in chunks."""
    return await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 20)
