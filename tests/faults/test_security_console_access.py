"""Who may use the console: other addresses, tokens, sessions, cookies, forged headers."""

from __future__ import annotations

import pytest

from tests.support.chunks import pause_reason
from tests.support.console import (
    BY_PROXY,
    BY_TOKEN,
    FORM,
    HEADER,
    PAGES,
    PROXY,
    TOKEN,
    Browser,
    guarded,
    text_of,
)
from tests.support.database import Database
from wikiembed.web.access import (
    SESSION_COOKIE,
    SESSION_S,
    Access,
    host_of,
    is_loopback,
)
from wikiembed.web.app import Console

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
