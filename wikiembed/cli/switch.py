"""``switch``: have searches for a name use another source."""

from __future__ import annotations

from typing import Annotated

import typer

from wikiembed.cli.console import database, print_json, say, say_command
from wikiembed.command_line import command_line
from wikiembed.control import switch as control
from wikiembed.errors import SourceNotFound, WrongUsage


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("switch")(run_switch)


def run_switch(
    name: Annotated[
        str, typer.Argument(help="What searches name: a source, or a name of its own.")
    ],
    *,
    to: Annotated[str | None, typer.Option(help="The source that they are to use.")] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Forget the name; a source of that name is used again.")
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Switch to a source that is not ready, or not alike."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Have searches for a name use another source from now on, such as one of a new model.

    A search that has embedded its question with the former model embeds it again. A source is
    refused while chunks lack a vector, and if its table, key, documents or indexes are not those of
    the present one; --anyway allows it. The action log keeps who switched what. `--to` with the
    former source is the way back, for which that need only be complete.
    """
    if (to is None) is not drop:
        raise WrongUsage("Give either --to SOURCE or --drop.")
    with database() as (connection, _):
        before = control.switch(connection, name, to, anyway=anyway)
        try:
            now = control.searched_source(connection, name)
        except SourceNotFound:
            now = None
    if json:
        print_json({"name": name, "before": before, "now": now})
        return
    if now is None:
        say(f"Name {name!r} is forgotten; searches for it used source {before!r}.")
    elif now == before:
        say(f"Searches for {name!r} use source {now!r} already.")
    else:
        was = "" if before is None else f", no longer {before!r}"
        say(f"Searches for {name!r} use source {now!r} from now on{was}.")
        if before is not None:
            say("To switch back:")
            say_command(f"  {command_line('switch', name, '--to', before)}")
