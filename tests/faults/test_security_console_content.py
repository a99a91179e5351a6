"""What the console's answers hold: no markup of data, no other file, no secret."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from tests.support.chunks import add, fail, read
from tests.support.console import (
    BY_TOKEN,
    ORIGIN,
    PAGES,
    TOKEN,
    Browser,
    guarded,
    log_in,
)
from tests.support.database import Database
from wikiembed.web import http
from wikiembed.web.app import Console

OWN_SCRIPT = re.compile(
    r'<script src="/static/(htmx|uplot)\.min\.js\?v=[\w.]+" defer>|'
    r'<script src="/static/console\.js\?v=[\w.]+" defer>'
)
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
        scripts = re.findall(r"<script[^>]*>", page.text)
        assert 2 <= len(scripts) <= 3
        assert all(OWN_SCRIPT.fullmatch(one) for one in scripts), scripts
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
