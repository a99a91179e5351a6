"""Several databases: a first page that lists them, and the pages of each below ``/db/NAME/``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

import psycopg
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wikiembed.config import Settings, load_settings
from wikiembed.control.measurements import Rows
from wikiembed.db.several import Database, databases
from wikiembed.errors import WikiembedError
from wikiembed.metrics.catalogue import Metric
from wikiembed.telemetry import DATABASE
from wikiembed.web import metrics
from wikiembed.web.access import Access
from wikiembed.web.app import GLANCE_S, Console
from wikiembed.web.changes import Changes
from wikiembed.web.context import Context
from wikiembed.web.database import require_schema
from wikiembed.web.sight import PATIENCE_S, Seen, Sight, Sum, sum_of
from wikiembed.web.site import Site, SiteOptions

BELOW = "/db/"
METRICS_S = 4.0
"""How long a scrape waits for the metrics of a database that answers: Prometheus waits for 10 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One database on the first page; `sum` None: it is out of reach. `url`: of its pages."""

    name: str
    place: str
    seen: Seen
    sum: Sum | None
    url: Callable[..., str]

    @property
    def ready(self) -> bool:
        """Whether every source that counts is, and there is one."""
        return self.seen.state is not None and self.seen.state.ready


class Consoles(Site):
    """The pages of several databases, with one login: one that is away does not stop the others."""

    NAVIGATION: ClassVar[Sequence[tuple[str, str]]] = (("/", "databases"),)

    def __init__(self, several: Sequence[Database], options: SiteOptions) -> None:
        self._places: Mapping[str, str] = {one.name: str(one) for one in several}
        self.consoles: Mapping[str, Console] = {
            one.name: Console(
                one.settings,
                SiteOptions(access=options.access, part=BELOW + one.name, name=one.name),
            )
            for one in several
        }
        self._sights = {name: Sight(console) for name, console in self.consoles.items()}
        # A name may have a / in it, and begin with another one.
        self._longest_first = sorted(self.consoles, key=len, reverse=True)
        # No listener: pages that list the databases are read again with each tick.
        super().__init__(options, Changes(None))

    def routes(self) -> list[Route]:
        """The first page."""
        return [Route("/", self.page(self._list, db=False))]

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request below ``/db/NAME/`` to the pages of that database."""
        name = self._named(scope) if scope["type"] == "http" else None
        if name is None:
            await super().respond(scope, receive, send)
            return
        console = self.consoles[name]
        root: str = scope.get("root_path", "")
        rest = scope["path"].removeprefix(root).removeprefix(console.options.part) or "/"
        below = root + console.options.part
        token = DATABASE.set(self._places[name])
        try:
            await console({**scope, "root_path": below, "path": below + rest}, receive, send)
        finally:
            DATABASE.reset(token)

    def _named(self, scope: Scope) -> str | None:
        """The database of a request; None: it is for the site itself."""
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        if not path.startswith(BELOW):
            return None
        rest = path.removeprefix(BELOW)
        return next((n for n in self._longest_first if f"{rest}/".startswith(f"{n}/")), None)

    async def _list(self, context: Context) -> Response:
        """All databases, those that need an operator first."""
        seen = await asyncio.gather(*(one.look() for one in self._sights.values()))
        cards = [
            Card(
                name=name,
                place=self._places[name],
                seen=found,
                sum=None if found.state is None else sum_of(found.state.sources),
                url=_below(context, self.consoles[name]),
            )
            for name, found in zip(self._sights, seen, strict=True)
        ]
        ready = sum(one.ready for one in cards)
        cards.sort(key=lambda one: (one.seen.state is not None, one.ready))
        return context.page("databases.html", live=True, cards=cards, ready=ready)

    async def readyz(self, request: Request) -> Response:
        """Whether a database answers, with this version's schema: one is enough."""
        waiting = [asyncio.create_task(_answers(one)) for one in self.consoles.values()]
        try:
            for one in asyncio.as_completed(waiting, timeout=PATIENCE_S):
                if await one:
                    return PlainTextResponse("ok\n")
        except TimeoutError:
            pass
        finally:
            for task in waiting:
                task.cancel()
        return PlainTextResponse("not ready\n", status_code=503)

    async def metrics(self, request: Request) -> Response:
        """The metrics of all databases by name; of one that is away only that it is."""
        if (refused := metrics.refused(request, self.access)) is not None:
            return refused
        found = await asyncio.gather(*(self._measured(one) for one in self._sights.values()))
        return metrics.page_of_several(dict(zip(self._sights, found, strict=True)), request)

    async def _measured(self, sight: Sight) -> Mapping[Metric, Rows] | None:
        """The metrics of one database; None: it is out of reach, or takes too long."""
        if (await sight.look()).state is None:
            return None
        # It is shared with later scrapes, and goes on when this one does not wait any more.
        measuring = asyncio.create_task(metrics.measured(sight.console))
        try:
            done, _ = await asyncio.wait({measuring}, timeout=METRICS_S)
            return await measuring if done else None
        except (WikiembedError, psycopg.Error):
            return None
        finally:
            measuring.cancel()

    async def rights(self) -> frozenset[str]:
        """None: the first page has no action."""
        return frozenset()

    @property
    def streams(self) -> int:
        """The number of open pages of all databases."""
        return super().streams + sum(one.streams for one in self.consoles.values())

    def stop(self) -> None:
        """End the streams of all pages."""
        super().stop()
        for one in self.consoles.values():
            one.stop()

    async def aclose(self) -> None:
        """End the streams and close the connections to all databases at once; idempotent."""
        await self.changes.aclose()
        await asyncio.gather(*(one.aclose() for one in self._sights.values()))
        await asyncio.gather(*(one.aclose() for one in self.consoles.values()))


def _below(context: Context, console: Console) -> Callable[..., str]:
    """The URLs of the pages of one database."""

    def url(path: str, /, **query: object) -> str:
        return context.home(quote(console.options.part) + path, **query)

    return url


async def _answers(console: Console) -> bool:
    """Whether Postgres answers, with this version's schema; at most one reading a second."""
    try:
        await console.shared.get(
            "schema", lambda: console.database.read(require_schema), seconds=GLANCE_S
        )
    except (WikiembedError, psycopg.Error):
        return False
    return True


def console(
    settings: Settings | None = None, *, access: Access | None = None, root_path: str = ""
) -> Console | Consoles:
    """The application, by `settings` or those of the environment: of one database, or of several.

    Without `access` the settings say who may use it. Raises: ConfigurationError.
    """
    found = settings or load_settings()
    options = SiteOptions(access=access or Access.of(found), root_path=root_path)
    several = databases(found)
    return Consoles(several, options) if len(several) > 1 else Console(found, options)
