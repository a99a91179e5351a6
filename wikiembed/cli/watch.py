"""``status --watch``: the view that is updated until Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.text import Text

from wikiembed.cli.console import database, print_json, say
from wikiembed.cli.each import Connection, Each
from wikiembed.cli.panel import Panel, as_json, plain_line
from wikiembed.cli.panel_several import SeveralPanel
from wikiembed.config import Settings, load_settings
from wikiembed.control.watch import View, Watcher, look, nothing_yet
from wikiembed.db.endpoint import Endpoint, endpoint
from wikiembed.db.several import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A database and what is seen of it; `several`: there are others."""

    database: Database
    endpoint: Endpoint | None
    watcher: Watcher
    several: bool

    def as_json(self) -> dict[str, object]:
        """The JSON of `status --watch --json`."""
        place = self.endpoint or self.database.endpoint
        named = None if place is None else place.as_json()
        return {"database": named, **as_json(self.watcher.view())}

    def line(self) -> str:
        """The view in one line, which names the database if there are others."""
        line = plain_line(self.watcher.view())
        return f"{self.database.name}: {line}" if self.several else line


def watch(*, json: bool, every_s: float) -> None:
    """Show the state each `every_s` seconds, until Ctrl-C.

    Raises: WikiembedError when no database is available at the start; later losses are shown.
    """
    each = Each(load_settings())
    watched: list[Watched] = []
    for one in each:
        first, found = nothing_yet(), one.endpoint

        def take(connection: Connection, settings: Settings) -> None:
            nonlocal first, found
            first, found = look(connection), endpoint(settings, connection)

        each.attempt(one, take)
        watcher = Watcher(
            partial(_connection, one.settings),
            first,
            every_s=every_s,
            why=str(each.failed[str(one)]) if str(one) in each.failed else None,
        )
        watched.append(Watched(database=one, endpoint=found, watcher=watcher, several=each.several))
    if len(each.failed) == len(watched):
        each.raise_failed()
    for seen in watched:
        seen.watcher.start()
    console = Console(highlight=False)
    with contextlib.suppress(KeyboardInterrupt):
        if json:
            _lines(watched, every_s, lambda one: print_json(one.as_json()))
        elif console.is_terminal and not console.is_dumb_terminal:
            _live(console, watched, every_s)
        else:
            for seen in watched:
                say(f"Database {seen.endpoint or seen.database}")
            _lines(watched, every_s, lambda one: say(one.line()))


@contextlib.contextmanager
def _connection(settings: Settings) -> Iterator[Connection]:
    with database(settings) as (connection, _):
        yield connection


def _lines(watched: Sequence[Watched], every_s: float, show: Callable[[Watched], None]) -> None:
    while True:
        for one in watched:
            show(one)
        sys.stdout.flush()
        time.sleep(every_s)


def _live(console: Console, watched: Sequence[Watched], every_s: float) -> None:
    """Draw on the terminal's alternate screen, and print the last frame on the normal one."""
    views = [one.watcher.view() for one in watched]
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                views = [one.watcher.view() for one in watched]
                live.update(_frame(console, watched, views), refresh=True)
                time.sleep(min(every_s, 1.0))
    finally:
        console.print(_frame(console, watched, views))


def _frame(console: Console, watched: Sequence[Watched], views: Sequence[View]) -> Text:
    plain = not (console.encoding or "").lower().startswith("utf")
    size = {"width": console.width, "height": console.height}
    if len(watched) > 1:
        named = [(one.database.name, view) for one, view in zip(watched, views, strict=True)]
        return SeveralPanel(**size, plain=plain).draw(named)
    return Panel(**size, plain=plain, database=watched[0].endpoint).draw(views[0])
