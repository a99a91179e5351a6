"""``wikiembed search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from wikiembed.cli.console import database, print_json, print_rich
from wikiembed.control import actions
from wikiembed.errors import ConditionNotMet, InvalidArgument

if TYPE_CHECKING:
    from wikiembed.control.search import Hit

SNIPPET_CHARS = 240


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("search")(run_search)


def run_search(
    text: Annotated[str, typer.Argument(help="The question or text to search for.")],
    *,
    source: Annotated[
        str | None, typer.Option(help="The source; if not given, all that have vectors.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Chunks to show.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the chunks whose vectors are nearest to a question.

    The similarity is the cosine: 1 for the same direction, 0 for unrelated. --limit applies to all
    sources together. Similarities of different models cannot be compared: if the sources have
    several models, name one source.
    """
    from wikiembed.control.search import search_all

    if not text.strip():
        raise InvalidArgument("The question is empty: give a text to search for.")
    with database() as (connection, settings):
        actions.names(connection, source)
        rows = actions.coverage(connection, source)
        names = [row.source for row in rows if row.embedded] or ([source] if source else [])
        hits = search_all(connection, settings, text, sources=names, limit=limit)
    if not hits:
        raise ConditionNotMet("Nothing is embedded yet: run `wikiembed backfill`.")
    if json:
        for hit in hits:
            print_json(hit.as_json())
        return
    show(hits, with_source=len(names) > 1)


def show(hits: list[Hit], *, with_source: bool = False) -> None:
    """Print hits: first line, similarity, the source if there are several, and the beginning."""
    for number, hit in enumerate(hits, 1):
        heading, _, body = hit.content.partition("\n")
        text = " ".join((body or heading).split())
        if len(text) > SNIPPET_CHARS:
            text = text[:SNIPPET_CHARS].rsplit(" ", 1)[0] + " …"
        line = Text(f"{number}. ")
        line.append(heading[:120] if body else f"key {hit.key}", style="bold")
        where = f"  source {hit.source}" if with_source else ""
        line.append(f"  similarity {hit.similarity:.2f}{where}", style="dim")
        print_rich(line)
        print_rich(Padding(Text(text), (0, 0, 0, 3)))
