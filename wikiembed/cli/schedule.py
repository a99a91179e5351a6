"""``schedule``: the windows in which the bulk work of a source runs."""

from __future__ import annotations

from typing import Annotated

import typer

from wikiembed.cli.console import database, print_json, say
from wikiembed.control import actions
from wikiembed.control.schedules import phrase, read_weekdays, schedules, set_schedule
from wikiembed.errors import InvalidArgument


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("schedule")(run_schedule)


def run_schedule(
    source: Annotated[
        str | None, typer.Argument(help="The source; all of them, if not given.")
    ] = None,
    *,
    window: Annotated[
        list[str] | None,
        typer.Option(help="'22:00-06:00 Asia/Seoul'; without a zone UTC; may be repeated."),
    ] = None,
    weekdays: Annotated[
        str, typer.Option(help="Days on which windows begin: mon-fri, or sat,sun.")
    ] = "mon-sun",
    remove: Annotated[
        bool, typer.Option("--remove", help="Let bulk work run at any time again.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let the bulk work of a source run in windows of time only; rows just written run always.

    Bulk work is what `enqueue`, `backfill` and `reconcile` queue. Batches in flight when a window
    closes finish. Without a window, list the schedules.
    """
    days = read_weekdays(weekdays)
    if window is None and not remove:
        with database() as (connection, _):
            actions.names(connection, source)
            rows = schedules(connection, source)
        if json:
            print_json(rows)
        for row in rows if not json else ():
            say(f"{row['source']}: {phrase(row)}.")
        if not rows and not json:
            say("No schedule: `wikiembed schedule SOURCE --window '22:00-06:00 Asia/Seoul'`.")
        return
    if source is None or (window is not None and remove):
        raise InvalidArgument("Name the source, and either --window or --remove.")
    with database() as (connection, _):
        set_schedule(connection, source, window, weekdays=days)
        rows = schedules(connection, source)
    if json:
        print_json(rows)
    elif rows:
        say(f"{source}: {phrase(rows[0])}.")
    else:
        say(f"{source}: bulk work runs at any time.")
