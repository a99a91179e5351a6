"""``wikiembed search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from wikiembed.cli.console import console, database, print_json, say
from wikiembed.control import actions
from wikiembed.errors import InvalidArgument, NotSo

if TYPE_CHECKING:
    from wikiembed.control.search import Hit

SNIPPET_CHARS = 240


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("search")(run_search)


def run_search(
    text: Annotated[str, typer.Argument(help="What to look for, in your words.")],
    *,
    source: Annotated[
        str | None, typer.Option(help="The source; each one with vectors, if not given.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Chunks to show.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the chunks whose vectors are nearest to a question."""
    from wikiembed.control.search import search

    if not text.strip():
        raise InvalidArgument("The question is blank: say what to look for.")
    with database() as (connection, settings):
        actions.names(connection, source)
        rows = actions.coverage(connection, source)
        names = [row.source for row in rows if row.embedded] or ([source] if source else [])
        hits = {n: search(connection, settings, text, source=n, limit=limit) for n in names}
    if not any(hits.values()):
        raise NotSo("Nothing is embedded yet: run `wikiembed backfill`.")
    if json:
        for hit in (h for found in hits.values() for h in found):
            print_json(
                {"source": hit.source, "key": hit.key, "distance": hit.distance,
                 "content": hit.content}
            )  # fmt: skip
        return
    for name, found in hits.items():
        if len(hits) > 1:
            say(f"Source {name}:")
        show(found)


def show(hits: list[Hit]) -> None:
    """Print hits: similarity, first line, and the begin of the text."""
    out = console()
    for number, hit in enumerate(hits, 1):
        heading, _, body = hit.content.partition("\n")
        text = " ".join((body or heading).split())
        if len(text) > SNIPPET_CHARS:
            text = text[:SNIPPET_CHARS].rsplit(" ", 1)[0] + " …"
        line = Text(f"{number}. ")
        line.append(heading[:120] if body else f"key {hit.key}", style="bold")
        line.append(f"  {1 - hit.distance:.2f}", style="dim")
        out.print(line)
        out.print(Padding(Text(text), (0, 0, 0, 3)))
