"""What all pages share: routes of the login and of files, who may, forms, errors as pages."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg import errors as pg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wikiembed.db.connect import as_ours, translate
from wikiembed.errors import (
    ConditionNotMet,
    DatabaseError,
    EmbedderError,
    SourceNotFound,
    WikiembedError,
    WrongUsage,
)
from wikiembed.telemetry import emit
from wikiembed.web import login
from wikiembed.web.access import CSRF_COOKIE, Access, Denied
from wikiembed.web.changes import MOST_STREAMS, Changes
from wikiembed.web.context import Context, environment
from wikiembed.web.database import READ_MS
from wikiembed.web.http import Guard, Static, read_form, require_same_origin
from wikiembed.web.messages import LANGUAGE_COOKIE, LANGUAGES, WORDS, preferred

Handler = Callable[[Context], Awaitable[Response]]
Result = TypeVar("Result")
ERROR_S = 1.0
LANGUAGE_S = 365 * 24 * 3600


class Shared:
    """Results that requests share: one at a time is made, and kept for some seconds."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[float, asyncio.Task[Any]]] = {}

    async def get(
        self, key: str, make: Callable[[], Awaitable[Result]], *, seconds: float
    ) -> Result:
        """The kept result, or a new one; an error is kept for a second at most."""
        now = asyncio.get_running_loop().time()
        found = self._made.get(key)
        if found is None or (found[1].done() and now - found[0] > _kept_s(found[1], seconds)):
            found = (now, asyncio.ensure_future(make()))
            found[1].add_done_callback(_failed)  # who waited for it may be gone
            self._made[key] = found
        result: Result = await asyncio.shield(found[1])
        return result

    def forget(self) -> None:
        """Make each result anew: an action has changed the state."""
        self._made.clear()


def _kept_s(done: asyncio.Task[Any], seconds: float) -> float:
    return min(seconds, ERROR_S) if _failed(done) else seconds


def _failed(done: asyncio.Task[Any]) -> bool:
    return done.cancelled() or done.exception() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """Who may use pages, and where they are.

    `root_path`: the prefix below which a proxy publishes them; `part`: their path below those of
    the whole site, such as ``/db/app``; `name`: of their database, if the site has several.
    """

    access: Access
    root_path: str = ""
    part: str = ""
    name: str | None = None


class Site(abc.ABC):
    """Pages with one login, an ASGI application that may be mounted below a path.

    Its own lifespan closes all connections; an application that mounts it, which does not run that,
    enters `running()` in its own.
    """

    NAVIGATION: ClassVar[Sequence[tuple[str, str]]] = ()
    """Path and key of each page that every page leads to."""

    def __init__(self, options: SiteOptions, changes: Changes) -> None:
        self.options = options
        self.changes = changes
        self.templates = environment()
        self.shared = Shared()

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield

        self.pages = Starlette(
            lifespan=lifespan,
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
                Route("/static/{name}", Static.loaded().serve),
                Route("/events", self._events),
                Route("/login", self._public(login.show, login.log_in), methods=["GET", "POST"]),
                Route(
                    "/logout", self.page(post=login.log_out, reads=True, db=False), methods=["POST"]
                ),
                *self.routes(),
                Route("/{path:path}", self.page(self._not_found)),
            ],
        )
        self._guarded = Guard(self.respond, root_path=options.root_path)

    @property
    def access(self) -> Access:
        """Who may use the pages."""
        return self.options.access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self._guarded(scope, receive, send)

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path and prefix are right."""
        await self.pages(scope, receive, send)

    @abc.abstractmethod
    def routes(self) -> list[Route]:
        """The pages beside those of the login."""

    @abc.abstractmethod
    async def readyz(self, request: Request) -> Response:
        """Whether Postgres answers, with this version's schema."""

    @abc.abstractmethod
    async def metrics(self, request: Request) -> Response:
        """The state for Prometheus."""

    @abc.abstractmethod
    async def rights(self) -> frozenset[str]:
        """The actions that pages offer.

        Raises: WikiembedError, psycopg.Error.
        """

    @abc.abstractmethod
    async def aclose(self) -> None:
        """End the streams and close the connections; idempotent."""

    @property
    def streams(self) -> int:
        """The number of open pages that are notified of changes."""
        return self.changes.streams

    def stop(self) -> None:
        """End the streams of all pages."""
        self.changes.stop()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Close all connections at the end."""
        try:
            yield
        finally:
            await self.aclose()

    async def _healthz(self, request: Request) -> Response:
        """Whether the process answers."""
        return PlainTextResponse("ok\n")

    async def _events(self, request: Request) -> Response:
        """The stream of changes."""
        try:
            self.access.user_of(request)
        except Denied as denied:
            return PlainTextResponse(f"{denied}\n", status_code=denied.status)
        if self.changes.streams >= MOST_STREAMS:
            return PlainTextResponse("Too many pages are open.\n", status_code=503)
        return StreamingResponse(
            self.changes.stream(),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    async def _not_found(self, context: Context) -> Response:
        return self._error(context, context.words("error.not_found"), status=404)

    def _context(self, request: Request, user: str) -> Context:
        language = request.query_params.get("lang", request.cookies.get(LANGUAGE_COOKIE, ""))
        if language not in LANGUAGES:
            language = preferred(request.headers.get("accept-language", ""))
        nonce = request.cookies.get(CSRF_COOKIE, "")
        return Context(
            pages=self,
            request=request,
            words=WORDS[language],
            user=user,
            nonce=nonce
            if 16 <= len(nonce) <= 64 and nonce.isascii()
            else secrets.token_urlsafe(16),
        )

    def page(
        self,
        get: Handler | None = None,
        post: Handler | None = None,
        *,
        reads: bool = False,
        db: bool = True,
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for users.

        `reads`: its form changes nothing, so a reader may send it. Not `db`: it needs no Postgres.
        """

        async def endpoint(request: Request) -> Response:
            try:
                context = self._context(request, self.access.user_of(request))
            except Denied as denied:
                return self._denied(request, denied)
            return await self._answer(context, get, post, reads=reads, db=db)

        return endpoint

    def _public(self, get: Handler, post: Handler) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that needs no user: the page to log in."""

        async def endpoint(request: Request) -> Response:
            return await self._answer(self._context(request, ""), get, post, reads=True, db=False)

        return endpoint

    async def _answer(
        self,
        context: Context,
        get: Handler | None,
        post: Handler | None,
        *,
        reads: bool,
        db: bool,
    ) -> Response:
        request = context.request
        handler = post if request.method == "POST" else get
        if handler is None:
            return self._error(context, context.words("error.not_found"), status=405)
        try:
            if db:
                context.may = await self.rights()
            if request.method == "POST":
                require_same_origin(request, self.access)
                context.form = await read_form(request)
                self._require_own_form(context)
                if self.access.read_only and not reads:
                    raise Denied(context.words("error.read_only"))
            response = await handler(context)
        except Denied as denied:
            return self._error(context, str(denied), status=denied.status)
        except (WikiembedError, psycopg.Error) as error:
            status, sentence = shown(error)
            return self._error(context, sentence, status=status)
        finally:
            if request.method == "POST":
                self.shared.forget()
        if request.query_params.get("lang") in LANGUAGES:
            context.cookies.set(
                response, LANGUAGE_COOKIE, context.words.language, max_age=LANGUAGE_S
            )
        return response

    def _require_own_form(self, context: Context) -> None:
        sent = context.form.get("csrf", "")
        nonce = context.request.cookies.get(CSRF_COOKIE, "")
        if not self.access.is_csrf_token(sent, nonce, context.user):
            emit("console_refused", level=30, reason="csrf")
            raise Denied(context.words("error.stale_form"))

    def _denied(self, request: Request, denied: Denied) -> Response:
        context = self._context(request, "")
        if denied.may_log_in and request.method == "GET":
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(
                context.home("/login", next=context.below_site + query), status_code=303
            )
        emit("console_refused", level=30, reason="access")
        return self._error(context, str(denied), status=denied.status)

    def _error(self, context: Context, sentence: str, *, status: int) -> Response:
        return context.page("error.html", status=status, sentence=sentence, code=status)


def shown(error: WikiembedError | psycopg.Error) -> tuple[int, str]:
    """The status and the sentence of an error."""
    if isinstance(error, pg.QueryCanceled):
        return 503, (
            f"Postgres took longer than the limit of {READ_MS // 1000} s for a page and 60 s for"
            " an action: try again, or use the command."
        )
    if isinstance(error, psycopg.Error):
        ours = translate(error)
        if ours is None:
            return 500, str(as_ours(error))
        error = ours
    if isinstance(error.__cause__, pg.InsufficientPrivilege):
        return 403, str(error)
    match error:
        case SourceNotFound():
            return 404, str(error)
        case ConditionNotMet():
            return 409, str(error)
        case DatabaseError() | EmbedderError():
            return 503, str(error)
        case WrongUsage():
            return 400, str(error)
        case _:
            return 500, str(error)
