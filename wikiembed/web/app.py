"""The pages of one database: their routes, the metrics, and what all requests share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

import psycopg
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wikiembed.config import Settings
from wikiembed.control.glance import Glance, glance
from wikiembed.control.rights import permitted
from wikiembed.errors import WikiembedError
from wikiembed.search.client import Client
from wikiembed.web import acts, metrics, pages, searching
from wikiembed.web.changes import Changes
from wikiembed.web.database import Database, require_schema
from wikiembed.web.site import Result, Site, SiteOptions, shown

GLANCE_S = 1.0
RIGHTS_S = 30.0


class Console(Site):
    """The pages of one database; connections are opened with the first request."""

    NAVIGATION: ClassVar[Sequence[tuple[str, str]]] = (
        ("/", "overview"), ("/workers", "workers"), ("/actions", "actions"), ("/search", "search"),
        ("/doctor", "doctor"),
    )  # fmt: skip

    def __init__(self, settings: Settings, options: SiteOptions) -> None:
        self.settings = settings
        self.database = Database(settings)
        self.client = Client(pool=self.database, settings=settings)
        super().__init__(options, Changes(lambda: asyncio.to_thread(self.database.url)))

    def routes(self) -> list[Route]:
        """The pages, and what their forms do."""
        return [
            Route("/", self.page(pages.overview)),
            Route("/source", self.page(pages.source)),
            Route("/workers", self.page(pages.workers)),
            Route("/actions", self.page(pages.actions)),
            Route(
                "/search",
                self.page(searching.show, searching.search, reads=True),
                methods=["GET", "POST"],
            ),
            Route(
                "/doctor",
                self.page(pages.doctor, pages.examine, reads=True),
                methods=["GET", "POST"],
            ),
            Route("/source/pause", self.page(post=acts.pause), methods=["POST"]),
            Route("/source/resume", self.page(post=acts.resume), methods=["POST"]),
            Route("/source/enqueue", self.page(post=acts.enqueue), methods=["POST"]),
            Route("/source/reconcile", self.page(post=acts.reconcile), methods=["POST"]),
            Route(
                "/source/retry", self.page(acts.preview_retry, acts.retry), methods=["GET", "POST"]
            ),
            Route("/source/skip", self.page(acts.preview_skip, acts.skip), methods=["GET", "POST"]),
        ]

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
        return await self.database.in_thread(work)

    async def rights(self) -> frozenset[str]:
        """The actions that pages offer: those of the role, none if the console is read-only."""
        if self.access.read_only:
            return frozenset()
        return await self.shared.get(
            "rights", lambda: self.database.read(permitted), seconds=RIGHTS_S
        )

    async def readyz(self, request: Request) -> Response:
        """Whether Postgres answers, with this version's schema."""
        try:
            await self.database.read(require_schema)
        except (WikiembedError, psycopg.Error):
            return PlainTextResponse("not ready\n", status_code=503)
        return PlainTextResponse("ok\n")

    async def metrics(self, request: Request) -> Response:
        """The state for Prometheus; 503 while Postgres does not answer."""
        try:
            return await metrics.serve(self, request)
        except (WikiembedError, psycopg.Error) as error:
            status, sentence = shown(error)
            return PlainTextResponse(f"{sentence}\n", status_code=status)
