"""One request: who asks, in which language, what the role may do; and the pages' environment."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

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


def environment() -> Environment:
    """The environment of the templates, which escape everything."""
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

    console: Console
    request: Request
    words: Words
    user: str
    nonce: str
    form: Mapping[str, str] = field(default_factory=dict)
    may: frozenset[str] = frozenset()

    @property
    def root(self) -> str:
        """The path below which the pages are."""
        return str(self.request.scope.get("root_path") or "")

    @property
    def path(self) -> str:
        """The path of the request below `root`."""
        return self.request.url.path.removeprefix(self.root) or "/"

    def url(self, path: str, /, **query: object) -> str:
        """A URL of the console; parts of the query that are None are left out."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self.root + path + (f"?{urlencode(given)}" if given else "")

    def here(self, **changes: object) -> str:
        """The URL of this page with other parts of its query."""
        kept = {k: v for k, v in self.request.query_params.items() if k != "lang"}
        return self.url(self.path, **{**kept, **changes})

    def given(self, name: str) -> str | None:
        """A part of the query; None if it is empty."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()[:500] or None

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> Response:
        """A page; what the last form did is shown once."""
        access = self.console.access
        flash = unpack_flash(self.request.cookies.get(FLASH_COOKIE, ""))
        shown = flash is not None and self.words.has(f"done.{flash[0]}")
        try:
            done = self.words(f"done.{flash[0]}", **flash[1]) if flash and shown else None
        except (KeyError, IndexError):  # a cookie that this version did not write
            done = None
        html = self.console.templates.get_template(template).render(
            t=self.words, url=self.url, here=self.here, path=self.path, user=self.user,
            csrf=access.csrf_token(self.nonce, self.user), may=self.may, access=access,
            given=self.given, done=done, live=values.pop("live", False),
            now=dt.datetime.now(dt.UTC), **values,
        )  # fmt: skip
        response = HTMLResponse(html, status_code=status)
        response.headers["vary"] = "accept-language, cookie"
        cookies = Cookies(self.request, access)
        if self.request.cookies.get(CSRF_COOKIE) != self.nonce:
            cookies.set(response, CSRF_COOKIE, self.nonce, max_age=None)
        if FLASH_COOKIE in self.request.cookies:
            cookies.delete(response, FLASH_COOKIE)
        return response

    def done(self, key: str, to: str, **fields: str | int) -> Response:
        """Go to URL `to`, which shows message `done.KEY`."""
        response = RedirectResponse(to, status_code=303)
        cookies = Cookies(self.request, self.console.access)
        cookies.set(response, FLASH_COOKIE, pack_flash(key, fields), max_age=FLASH_S)
        return response
