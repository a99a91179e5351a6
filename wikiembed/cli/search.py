"""``wikiembed search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.padding import Padding
from rich.text import Text

from wikiembed.cli.console import database, print_json, print_rich
from wikiembed.control import actions
from wikiembed.control.switch import searched_source
from wikiembed.errors import ConditionNotMet, InvalidArgument
from wikiembed.search.hit import Mode

if TYPE_CHECKING:
    from wikiembed.search.hit import Hit

SNIPPET_CHARS = 240


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("search")(run_search)


def run_search(
    text: Annotated[str, typer.Argument(help="The question or text to search for.")],
    *,
    source: Annotated[
        str | None,
        typer.Option(help="The source, or a switched name; if not given, all that have vectors."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Chunks to show.")] = 5,
    mode: Annotated[
        Mode,
        typer.Option(help="Rank by vector, by text, or by both; auto: both with an index of text."),
    ] = Mode.AUTO,
    filter: Annotated[  # noqa: A002 - the name of the option
        list[str] | None,
        typer.Option(help='A column and its value, tenant=3, or a list, lang=["en","de"].'),
    ] = None,
    per_document: Annotated[
        bool, typer.Option("--per-document", help="Show the best chunk of each document only.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the chunks that answer a question best.

    The similarity is the cosine: 1 for the same direction, 0 for unrelated. --limit applies to all
    sources together. Similarities of different models cannot be compared: if the sources have
    several models, name one source.
    """
    from wikiembed.search.client import Client, OneConnection

    conditions = dict(map(condition, filter or ()))
    with (
        database() as (connection, settings),
        Client(pool=OneConnection(connection), settings=settings) as client,
    ):
        found = None if source is None else searched_source(connection, source)
        hits = client.search(
            text,
            source=source,
            limit=limit,
            filter=conditions or None,
            mode=mode,
            per_document=per_document,
        )
        if not hits and not any(row.embedded for row in actions.coverage(connection, found)):
            raise ConditionNotMet("Nothing is embedded yet: run `wikiembed backfill`.")
    if not hits:
        raise ConditionNotMet("No chunk was found: try other words or another filter.")
    if json:
        for hit in hits:
            print_json(hit.as_json())
        return
    show(hits, with_source=len({hit.source for hit in hits}) > 1)


def condition(text: str) -> tuple[str, object]:
    """The column and the value of ``tenant=3``; a value that is no JSON is text.

    Raises: InvalidArgument.
    """
    column, equals, value = text.partition("=")
    if not (column and equals):
        raise InvalidArgument(f"--filter needs a column and a value, tenant=3, not {text!r}.")
    try:
        return column, orjson.loads(value)
    except orjson.JSONDecodeError:
        return column, value


def show(hits: list[Hit], *, with_source: bool = False) -> None:
    """Print hits: title and headings, how well each fits, where it is, and its beginning."""
    for number, hit in enumerate(hits, 1):
        heading, text = _parts(hit)
        if len(text) > SNIPPET_CHARS:
            text = text[:SNIPPET_CHARS].rsplit(" ", 1)[0] + " …"
        line = Text(f"{number}. ")
        line.append(heading[:120], style="bold")
        line.append(f"  {_how_well(hit)}", style="dim")
        if with_source:
            line.append(f"  source {hit.source}", style="dim")
        print_rich(line)
        print_rich(Padding(Text(text), (0, 0, 0, 3)))


def _parts(hit: Hit) -> tuple[str, str]:
    """The heading of a hit, and its text on one line."""
    if hit.document_key is not None:
        name = hit.title or f"document {hit.document_key}"
        where = f" › {hit.heading}" if hit.heading else ""
        return f"{name}{where}", " ".join(hit.content.split())
    heading, _, body = hit.content.partition("\n")
    return (heading if body else f"key {hit.key}"), " ".join((body or heading).split())


def _how_well(hit: Hit) -> str:
    """Its similarity, and by what it was found if not by its vector alone."""
    similarity = "no vector yet" if hit.similarity is None else f"similarity {hit.similarity:.2f}"
    if hit.text_rank is None:
        return similarity
    return f"{similarity}  text rank {hit.text_rank}"
