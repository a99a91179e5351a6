"""``status --watch``: the view that is updated until Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from rich.console import Console
from rich.live import Live
from rich.text import Text

from wikiembed.cli.console import database, print_json, say
from wikiembed.cli.panel import Panel, as_json, plain_line
from wikiembed.config import Settings, load_settings
from wikiembed.control.watch import View, Watcher, look
from wikiembed.db.endpoint import Endpoint, endpoint


def watch(*, json: bool, every_s: float) -> None:
    """Show the state each `every_s` seconds, until Ctrl-C.

    Raises: WikiembedError when the database is not available at the start; later losses are shown.
    """
    settings = load_settings()
    with database(settings) as (connection, _):
        found = endpoint(settings, connection)
        first = look(connection)
    watcher = Watcher(lambda: _connection(settings), first, every_s=every_s)
    watcher.start()
    console = Console(highlight=False)
    with contextlib.suppress(KeyboardInterrupt):
        if json:
            _lines(
                watcher,
                every_s,
                lambda view: print_json({"database": found.as_json(), **as_json(view)}),
            )
        elif console.is_terminal and not console.is_dumb_terminal:
            _live(console, watcher, every_s, found)
        else:
            say(found.line)
            _lines(watcher, every_s, lambda view: say(plain_line(view)))


@contextlib.contextmanager
def _connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with database(settings) as (connection, _):
        yield connection


def _lines(watcher: Watcher, every_s: float, show: Any) -> None:
    while True:
        show(watcher.view())
        sys.stdout.flush()
        time.sleep(every_s)


def _live(console: Console, watcher: Watcher, every_s: float, found: Endpoint) -> None:
    """Draw on the terminal's alternate screen, and print the last frame on the normal one."""
    view = watcher.view()
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                view = watcher.view()
                live.update(_frame(console, view, found), refresh=True)
                time.sleep(min(every_s, 1.0))
    finally:
        console.print(_frame(console, view, found))


def _frame(console: Console, view: View, found: Endpoint) -> Text:
    plain = not (console.encoding or "").lower().startswith("utf")
    panel = Panel(width=console.width, height=console.height, plain=plain, database=found)
    return panel.draw(view)
