"""What every request and answer passes: path prefix, headers, origin, forms of a bounded size."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wikiembed import __version__
from wikiembed.web.access import Access, Denied

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With no-referrer browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer: nothing is loaded from elsewhere, nothing is inline, no page frames ours."""
LARGEST_FORM = 64 * 1024
MOST_FIELDS = 50
FORM_S = 10.0
"""A body that takes longer is given up: it holds no connection to Postgres meanwhile."""
FLASH_COOKIE = "wikiembed_flash"
_NEXT = re.compile(r"/(?:[A-Za-z0-9._~?=&%+-][A-Za-z0-9._~/?=&%+-]*)?")
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class Guard:
    """Adds the headers, and `root_path`, whether a proxy keeps that prefix or removes it."""

    def __init__(self, app: ASGIApp, *, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        root = self._root_path
        if root and not scope.get("root_path"):
            path: str = scope["path"]
            if path != root and not path.startswith(f"{root}/"):
                path = root + path
            scope = {**scope, "root_path": root, "path": path}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def is_secure(request: HTTPConnection, access: Access) -> bool:
    """Whether the browser speaks HTTPS, to us or to the trusted proxy."""
    peer = request.client.host if request.client is not None else ""
    forwarded = request.headers.get("x-forwarded-proto", "") if access.is_proxy(peer) else ""
    return "https" in (request.url.scheme, forwarded)


def require_same_origin(request: HTTPConnection, access: Access) -> None:
    """Refuse a form of another site.

    Raises: Denied.
    """
    origin = request.headers.get("origin")
    if origin is None:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Denied("The form is of another site.")
        return
    hosts = {request.headers.get("host", "")}
    if access.is_proxy(request.client.host if request.client is not None else ""):
        hosts.add(request.headers.get("x-forwarded-host", ""))
    if urlsplit(origin).netloc not in hosts - {""}:
        raise Denied(
            "The form is of another site; a proxy in between has to pass the header Host as it is."
        )


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of a field that is sent twice, the last.

    Raises: Denied if it is no form, too large, or takes longer than 10 s.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Denied("A form has to be sent as application/x-www-form-urlencoded.", status=415)
    try:
        async with asyncio.timeout(FORM_S):
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_FORM:
                    raise Denied("The form is too large.", status=413)
    except TimeoutError:
        raise Denied("The form took too long to arrive.", status=408) from None
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise Denied("The form cannot be read.", status=400) from None
    return {name: value.replace("\0", "") for name, value in fields}


def local_path(given: str | None) -> str:
    """`given` if it is a path of the console, to go to after a login; else ``/``."""
    return given if given and _NEXT.fullmatch(given) else "/"


class Cookies:
    """Sets cookies that no script reads and no other site sends, for the pages below `path`."""

    def __init__(self, request: HTTPConnection, access: Access, *, path: str) -> None:
        self._path = path or "/"
        self._secure = is_secure(request, access)

    def set(self, response: Response, name: str, value: str, *, max_age: int | None) -> None:
        """Set one; `max_age` in seconds, None: until the browser closes."""
        response.set_cookie(
            name, value, max_age=max_age, path=self._path, secure=self._secure, httponly=True,
            samesite="strict",
        )  # fmt: skip

    def delete(self, response: Response, name: str) -> None:
        """Delete one."""
        response.delete_cookie(
            name, path=self._path, secure=self._secure, httponly=True, samesite="strict"
        )


def pack_flash(key: str, fields: Mapping[str, str | int]) -> str:
    """A message for the next page: its key in the catalogue and numbers, never a text."""
    return base64.urlsafe_b64encode(json.dumps([key, dict(fields)]).encode()).decode()


def unpack_flash(cookie: str) -> tuple[str, dict[str, str | int]] | None:
    """The message of a cookie; None if there is none that can be read."""
    try:
        key, fields = json.loads(base64.urlsafe_b64decode(cookie))
        plain = {str(n): v for n, v in fields.items() if isinstance(v, str | int)}
    except (ValueError, TypeError, AttributeError):
        return None
    return str(key), plain


class Static:
    """The files that pages load, read once: no path of a request reaches the file system."""

    def __init__(self) -> None:
        folder = resources.files("wikiembed.web") / "static"
        self._files = {
            one.name: (one.read_bytes(), _TYPES[one.name.rpartition(".")[2]])
            for one in folder.iterdir()
            if one.name.rpartition(".")[2] in _TYPES
        }

    @classmethod
    @cache
    def loaded(cls) -> Static:
        """The files of this process."""
        return cls()

    @property
    def names(self) -> list[str]:
        """The names of the files."""
        return sorted(self._files)

    async def serve(self, request: Request) -> Response:
        """The file of the request's path."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            return Response("Not found.", status_code=404, media_type="text/plain")
        body, kind = found
        # Pages name the version, so that another one is another URL.
        current = request.query_params.get("v") == __version__
        cached = "public, max-age=31536000, immutable" if current else "no-cache"
        return Response(body, media_type=kind, headers={"cache-control": cached})
