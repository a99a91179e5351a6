"""A browser without scripts: it keeps cookies, and fills in the hidden fields of forms."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from html import unescape
from typing import Any

import httpx

from tests.support.database import Database
from tests.support.refused import NO_SERVER
from tests.support.workers import settings_of
from wikiembed.config import Settings
from wikiembed.web.access import Access, networks
from wikiembed.web.app import Console
from wikiembed.web.consoles import Consoles, console
from wikiembed.web.site import Site, SiteOptions

ORIGIN = "http://localhost:8600"
PAGES = ("/", "/source?name=docs", "/workers", "/actions", "/search", "/doctor")
FORM = {"name": "docs", "why": "a test"}
TOKEN = "a-token-of-twenty-four-chars"
PROXY = "10.0.0.7"
HEADER = "x-forwarded-user"
BY_TOKEN = Access(tokens={"kim": TOKEN})
BY_PROXY = Access(proxies=networks(f"{PROXY},fd00::/8"), user_header=HEADER)
WITHIN_S = 60.0
"""How long tests wait for a change, on a slow machine."""
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Browser:
    """One browser at one address; `base` is the origin that its user typed."""

    def __init__(
        self,
        console: Any,
        *,
        peer: str = "127.0.0.1",
        base: str = ORIGIN,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        transport = httpx.ASGITransport(console, client=(peer, 40000), raise_app_exceptions=True)
        self.client = httpx.AsyncClient(
            transport=transport, base_url=base, headers=dict(headers or {})
        )
        self.base = base

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Open a page; redirects are not followed."""
        return await self.client.get(path, **options)

    async def send(
        self, path: str, fields: Mapping[str, str], *, page: str = "/doctor", **options: Any
    ) -> httpx.Response:
        """Send a form with the token that `page` gives, as a browser of the same origin does."""
        token = csrf_of((await self.get(page)).text)
        headers = {"origin": self.base, **options.pop("headers", {})}
        return await self.client.post(
            path, data={"csrf": token, **fields}, headers=headers, **options
        )

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """The page that a form leads to."""
        assert answer.status_code == 303, (answer.status_code, text_of(answer.text))
        return await self.get(answer.headers["location"])


def csrf_of(html: str) -> str:
    """The token of the first form of a page."""
    found = _CSRF.search(html)
    assert found is not None, text_of(html)
    return found[1]


def text_of(html: str) -> str:
    """What a page says, on one line."""
    body = re.sub(r"(?s)<(script|style|head).*?</\1>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def console_settings(database: Database, **changed: object) -> Settings:
    """Settings of a console on `database`, whose embedding server does not exist."""
    given: dict[str, object] = {"url": NO_SERVER, **changed}
    return settings_of(database, str(given.pop("url")), **given)


@asynccontextmanager
async def running(
    settings: Settings, *, access: Access | None = None, root_path: str = ""
) -> AsyncIterator[Console]:
    """A console, closed at the end."""
    options = SiteOptions(access=access or Access.of(settings), root_path=root_path)
    console = Console(settings, options)
    async with console.running():
        yield console


@asynccontextmanager
async def running_several(
    *databases: Database | str, access: Access | None = None, root_path: str = ""
) -> AsyncIterator[Consoles]:
    """A console on several databases, the first of which exists; closed at the end."""
    first, urls = databases[0], [one if isinstance(one, str) else one.url for one in databases]
    assert isinstance(first, Database)
    settings = console_settings(first, database_url=", ".join(urls))
    made = console(settings, access=access, root_path=root_path)
    assert isinstance(made, Consoles)
    async with made.running():
        yield made


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of database ``silent``, whose server accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"postgresql://127.0.0.1:{listening.getsockname()[1]}/silent"


@asynccontextmanager
async def guarded(database: Database, access: Access) -> AsyncIterator[Console]:
    """A console with authentication."""
    async with running(console_settings(database), access=access) as made:
        yield made


async def log_in(console: Site, token: str = TOKEN, peer: str = "192.0.2.9") -> Browser:
    """A browser elsewhere whose user has logged in."""
    browser = Browser(console, peer=peer, base="https://wiki.example")
    assert (await browser.send("/login", {"token": token}, page="/login")).status_code == 303
    return browser


async def shown(browser: Browser, path: str) -> str:
    """What a page says."""
    page = await browser.get(path)
    assert page.status_code == 200, text_of(page.text)
    return text_of(page.text)


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
