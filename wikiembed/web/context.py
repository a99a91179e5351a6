"""One request: who asks, in which language, what the role may do; and the pages' environment."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wikiembed import __version__
from wikiembed.times import utc
from wikiembed.web import charts
from wikiembed.web.access import CSRF_COOKIE
from wikiembed.web.http import FLASH_COOKIE, Cookies, pack_flash, unpack_flash
from wikiembed.web.messages import LANGUAGES, Words
from wikiembed.words import money

if TYPE_CHECKING:
    from wikiembed.web.app import Console
    from wikiembed.web.site import Site

FLASH_S = 30
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_CODE = re.compile(r"`([^`]+)`")


def plain_markdown(text: str) -> Markup:
    """A sentence of the reference: code as code, links as their text."""
    parts = _CODE.split(_LINK.sub(r"\1", text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def commands_of(advice: str) -> list[str]:
    """Each command of an obstacle's advice: `A; then B or C`, of which C may need an argument."""
    return re.split(r"; then | or (?=wikiembed )", advice)


@cache
def environment() -> Environment:
    """The environment of the templates, which escape everything; one for the process."""
    made = Environment(
        loader=PackageLoader("wikiembed.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        version=__version__, languages=LANGUAGES, bar=charts.bar, sparkline=charts.sparkline,
        chart=charts.chart, timeline=charts.timeline,
    )  # fmt: skip
    made.filters.update(
        md=plain_markdown,
        commands=commands_of,
        money=lambda amount, of="": money(amount, of or ""),
        utc=lambda at: utc(at) if at else "",
    )
    return made


@dataclass(slots=True, kw_only=True)
class Context:
    """One request of a user."""

    pages: Site
    request: Request
    words: Words
    user: str
    nonce: str
    form: Mapping[str, str] = field(default_factory=dict)
    may: frozenset[str] = frozenset()

    @property
    def console(self) -> Console:
        """The pages of one database, whose handlers alone use it."""
        return cast("Console", self.pages)

    @property
    def _prefix(self) -> str:
        return str(self.request.scope.get("root_path") or "")

    @property
    def root(self) -> str:
        """The path below which the pages are, quoted."""
        return quote(self._prefix)

    @property
    def site(self) -> str:
        """The path below which those of all databases and the login are, quoted."""
        return quote(self._prefix.removesuffix(self.pages.options.part))

    @property
    def path(self) -> str:
        """The path of the request below `root`."""
        return str(self.request.scope["path"]).removeprefix(self._prefix) or "/"

    @property
    def below_site(self) -> str:
        """The path of the request below `site`, quoted."""
        return quote(self.pages.options.part + self.path)

    @property
    def cookies(self) -> Cookies:
        """Cookies for all pages of the site."""
        return Cookies(self.request, self.pages.access, path=self.site)

    def url(self, path: str, /, **query: object) -> str:
        """A URL of these pages, of a quoted path; parts of the query that are None are left out."""
        return self.root + path + _query(query)

    def home(self, path: str, /, **query: object) -> str:
        """The same of the whole site: its first page, its login, its files."""
        return self.site + path + _query(query)

    def here(self, **changes: object) -> str:
        """The URL of this page with other parts of its query."""
        kept = {k: v for k, v in self.request.query_params.items() if k != "lang"}
        return self.url(quote(self.path), **{**kept, **changes})

    def given(self, name: str) -> str | None:
        """A part of the query; None if it is empty."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()[:500] or None

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> Response:
        """A page; what the last form did is shown once."""
        access = self.pages.access
        flash = unpack_flash(self.request.cookies.get(FLASH_COOKIE, ""))
        shown = flash is not None and self.words.has(f"done.{flash[0]}")
        try:
            done = self.words(f"done.{flash[0]}", **flash[1]) if flash and shown else None
        except (KeyError, IndexError):  # a cookie that this version did not write
            done = None
        html = self.pages.templates.get_template(template).render(
            t=self.words, url=self.url, home=self.home, here=self.here, path=self.path,
            user=self.user, navigation=self.pages.NAVIGATION, database=self.pages.options.name,
            csrf=access.csrf_token(self.nonce, self.user), may=self.may, access=access,
            given=self.given, done=done, live=values.pop("live", False),
            now=dt.datetime.now(dt.UTC), **values,
        )  # fmt: skip
        response = HTMLResponse(html, status_code=status)
        response.headers["vary"] = "accept-language, cookie"
        if self.request.cookies.get(CSRF_COOKIE) != self.nonce:
            self.cookies.set(response, CSRF_COOKIE, self.nonce, max_age=None)
        if FLASH_COOKIE in self.request.cookies:
            self._own_cookies.delete(response, FLASH_COOKIE)
        return response

    def done(self, key: str, to: str, **fields: str | int) -> Response:
        """Go to URL `to`, which shows message `done.KEY`."""
        response = RedirectResponse(to, status_code=303)
        self._own_cookies.set(response, FLASH_COOKIE, pack_flash(key, fields), max_age=FLASH_S)
        return response

    @property
    def _own_cookies(self) -> Cookies:
        """Cookies for these pages: a message of one database is not for those of another."""
        return Cookies(self.request, self.pages.access, path=self.root)


def _query(given: Mapping[str, object]) -> str:
    query = urlencode({name: str(value) for name, value in given.items() if value is not None})
    return f"?{query}" if query else ""
