"""The application: routes, who may, errors as pages, and what all requests share."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import anyio.to_thread
import psycopg
from psycopg import errors as pg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wikiembed.config import Settings, load_settings
from wikiembed.control.glance import Glance, glance
from wikiembed.control.rights import permitted
from wikiembed.db import version
from wikiembed.db.connect import sentence_of, translate
from wikiembed.errors import (
    ConditionNotMet,
    DatabaseError,
    EmbedderError,
    SourceNotFound,
    WikiembedError,
    WrongUsage,
)
from wikiembed.search.client import Client
from wikiembed.telemetry import emit
from wikiembed.web import acts, login, metrics, pages, searching
from wikiembed.web.access import CSRF_COOKIE, Access, Denied
from wikiembed.web.changes import MOST_STREAMS, Changes
from wikiembed.web.context import Context, environment
from wikiembed.web.database import READ_MS, Database
from wikiembed.web.http import Cookies, Guard, Static, read_form, require_same_origin
from wikiembed.web.messages import LANGUAGE_COOKIE, LANGUAGES, WORDS, preferred

Handler = Callable[[Context], Awaitable[Response]]
Result = TypeVar("Result")
GLANCE_S = 1.0
RIGHTS_S = 30.0
LANGUAGE_S = 365 * 24 * 3600


class Shared:
    """Results that requests share: one at a time is made, and kept for some seconds."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[float, asyncio.Task[Any]]] = {}

    async def get(
        self, key: str, make: Callable[[], Awaitable[Result]], *, seconds: float
    ) -> Result:
        """The kept result, or a new one; an error is kept as well."""
        now = asyncio.get_running_loop().time()
        found = self._made.get(key)
        if found is None or (found[1].done() and found[0] < now):
            found = (now + seconds, asyncio.ensure_future(make()))
            self._made[key] = found
        result: Result = await asyncio.shield(found[1])
        return result

    def forget(self) -> None:
        """Make each result anew: an action has changed the state."""
        self._made.clear()


class Console:
    """The pages of one database, an ASGI application that may be mounted below a path.

    Connections are opened with the first request. Its own lifespan closes them; an application
    that mounts it, which does not run that, enters `running()` in its own.
    """

    def __init__(self, settings: Settings, access: Access, *, root_path: str = "") -> None:
        self.settings = settings
        self.access = access
        self.root_path = root_path
        self.database = Database(settings)
        self.changes = Changes(lambda: asyncio.to_thread(self.database.url))
        self.client = Client(pool=self.database, settings=settings)
        self.templates = environment()
        self.shared = Shared()
        static = Static()

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield

        self._app = Starlette(
            lifespan=lifespan,
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                Route("/static/{name}", static.serve),
                Route("/events", self._events),
                Route("/login", self._public(login.show, login.log_in), methods=["GET", "POST"]),
                Route("/logout", self._page(post=login.log_out), methods=["POST"]),
                Route("/", self._page(pages.overview)),
                Route("/source", self._page(pages.source)),
                Route("/workers", self._page(pages.workers)),
                Route("/actions", self._page(pages.actions)),
                Route(
                    "/search",
                    self._page(searching.show, searching.search, reads=True),
                    methods=["GET", "POST"],
                ),
                Route(
                    "/doctor",
                    self._page(pages.doctor, pages.examine, reads=True),
                    methods=["GET", "POST"],
                ),
                Route("/source/pause", self._page(post=acts.pause), methods=["POST"]),
                Route("/source/resume", self._page(post=acts.resume), methods=["POST"]),
                Route("/source/enqueue", self._page(post=acts.enqueue), methods=["POST"]),
                Route("/source/reconcile", self._page(post=acts.reconcile), methods=["POST"]),
                Route(
                    "/source/retry",
                    self._page(acts.preview_retry, acts.retry),
                    methods=["GET", "POST"],
                ),
                Route(
                    "/source/skip",
                    self._page(acts.preview_skip, acts.skip),
                    methods=["GET", "POST"],
                ),
                Route("/{path:path}", self._page(self._not_found)),
            ],
        )
        self._guarded = Guard(self._app, root_path=root_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self._guarded(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Close all connections at the end."""
        try:
            yield
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End the streams and close the connections; idempotent."""
        await self.changes.aclose()
        await asyncio.to_thread(self.client.close)
        await self.database.aclose()

    async def glance(self) -> Glance:
        """The state, at most a second old: any number of open pages costs one reading."""
        return await self.shared.get("glance", lambda: self.database.read(glance), seconds=GLANCE_S)

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, which blocks."""
        return await anyio.to_thread.run_sync(work)

    async def _rights(self) -> frozenset[str]:
        if self.access.read_only:
            return frozenset()
        return await self.shared.get(
            "rights", lambda: self.database.read(permitted), seconds=RIGHTS_S
        )

    async def _healthz(self, request: Request) -> Response:
        """Whether the process answers."""
        return PlainTextResponse("ok\n")

    async def _readyz(self, request: Request) -> Response:
        """Whether Postgres answers, with this version's schema."""
        try:
            await self.database.read(lambda connection: version.require_head(
                version.current(connection)))  # fmt: skip
        except (WikiembedError, psycopg.Error):
            return PlainTextResponse("not ready\n", status_code=503)
        return PlainTextResponse("ok\n")

    async def _metrics(self, request: Request) -> Response:
        """The state for Prometheus; 503 while Postgres does not answer."""
        try:
            return await metrics.serve(self, request)
        except (WikiembedError, psycopg.Error) as error:
            status, sentence = _shown(error)
            return PlainTextResponse(f"{sentence}\n", status_code=status)

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
            console=self,
            request=request,
            words=WORDS[language],
            user=user,
            nonce=nonce
            if 16 <= len(nonce) <= 64 and nonce.isascii()
            else secrets.token_urlsafe(16),
        )

    def _page(
        self, get: Handler | None = None, post: Handler | None = None, *, reads: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for users; `reads`: its form changes nothing, so a reader may send it."""

        async def endpoint(request: Request) -> Response:
            try:
                context = self._context(request, self.access.user_of(request))
            except Denied as denied:
                return self._denied(request, denied)
            return await self._answer(context, get, post, reads=reads)

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
        db: bool = True,
    ) -> Response:
        request = context.request
        handler = post if request.method == "POST" else get
        if handler is None:
            return self._error(context, context.words("error.not_found"), status=405)
        try:
            if db:
                context.may = await self._rights()
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
            status, sentence = _shown(error)
            return self._error(context, sentence, status=status)
        finally:
            if request.method == "POST":
                self.shared.forget()
        if request.query_params.get("lang") in LANGUAGES:
            Cookies(request, self.access).set(
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
                context.url("/login", next=context.path + query), status_code=303
            )
        emit("console_refused", level=30, reason="access")
        return self._error(context, str(denied), status=denied.status)

    def _error(self, context: Context, sentence: str, *, status: int) -> Response:
        return context.page("error.html", status=status, sentence=sentence, code=status)


def _shown(error: WikiembedError | psycopg.Error) -> tuple[int, str]:
    """The status and the sentence of an error."""
    if isinstance(error, pg.QueryCanceled):
        return 503, (
            f"Postgres took longer than the limit of {READ_MS // 1000} s for a page and 60 s for"
            " an action: try again, or use the command."
        )
    if isinstance(error, psycopg.Error):
        ours = translate(error)
        if ours is None:
            return 500, f"Postgres refused: {sentence_of(error)}"
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


def console(
    settings: Settings | None = None, *, access: Access | None = None, root_path: str = ""
) -> Console:
    """The application, by `settings` or those of the environment.

    Without `access` the settings say who may use it. Raises: ConfigurationError.
    """
    found = settings or load_settings()
    return Console(found, access or Access.of(found), root_path=root_path)
