"""``limit``: how many requests and tokens a minute all workers together send to a server."""

from __future__ import annotations

from typing import Annotated

import typer

from wikiembed.cli.console import database, print_json, say
from wikiembed.control.limits import limits, name_of, set_limit, used_phrase
from wikiembed.errors import InvalidArgument
from wikiembed.server_url import without_version

MOST = 2**31 - 1


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("limit")(run_limit)


def run_limit(
    server: Annotated[
        str | None,
        typer.Argument(help="Its URL, as WIKIEMBED_EMBEDDER_URL has it; all, if not given."),
    ] = None,
    *,
    model: Annotated[
        str | None,
        typer.Option(help="The model; without it, all models that have no limit of their own."),
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="Requests per minute, of all workers.")
    ] = None,
    tokens_per_minute: Annotated[
        int | None, typer.Option(min=1, max=10**15, help="Tokens per minute, of all workers.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove it; what the server states applies again.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Set how many requests and tokens a minute all workers together send to a server.

    Workers wait for it: no text fails and no outage is recorded. A limit that the server states in
    the headers of its responses is used without being set; what is set here wins. Workers follow
    within 5 s. Without a number, list limits with what was used in the last minute.
    """
    given = (requests_per_minute, tokens_per_minute) != (None, None)
    if (given or remove or model is not None) and (server is None or given == remove):
        raise InvalidArgument(
            "Name the server, and --requests-per-minute, --tokens-per-minute or both, or --remove."
        )
    if server is not None:
        server = without_version(server)
    with database() as (connection, _):
        if server is not None and (given or remove):
            set_limit(
                connection,
                server,
                model=model,
                requests=requests_per_minute,
                tokens=tokens_per_minute,
            )
        rows = limits(connection, server)
    if json:
        print_json(rows)
        return
    for row in rows:
        say(f"{name_of(row)}: {used_phrase(row)}.")
    if not rows:
        say(
            f"{server}: no limit."
            if server is not None
            else "No limit: `wikiembed limit https://host --requests-per-minute 3000`."
        )
