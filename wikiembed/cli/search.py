"""``search``: the chunks that answer a question, on the terminal or as JSON."""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.padding import Padding
from rich.text import Text

from wikiembed.cli.console import console, database, print_json, print_rich, warn
from wikiembed.config import Provider, load_settings
from wikiembed.control import actions
from wikiembed.control.switch import searched_source
from wikiembed.errors import ConditionNotMet, InvalidArgument, WikiembedError
from wikiembed.search.mode import Mode

if TYPE_CHECKING:
    from wikiembed.search.hit import Hit

SNIPPET_CHARS = 240
HEADING_CHARS = 120


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
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            help="Put the chunks in the order of the reranker; by default if one is set.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the chunks that answer a question best.

    The similarity is the cosine: 1 for the same direction, 0 for unrelated. --limit applies to all
    sources together. Similarities of different models cannot be compared: if the sources have
    several models, name one source.
    """
    conditions = dict(map(condition, filter or ()))
    configured = load_settings()
    # These imports take as long as Postgres takes to start. Not a daemon: the exit has to wait for
    # it, since a thread that ends inside an extension module aborts the process.
    threading.Thread(target=_prepare, args=(configured.embedder,)).start()
    with contextlib.ExitStack() as stack:
        connection, settings = stack.enter_context(database(configured))
        from wikiembed.search.client import Client, OneConnection

        client = stack.enter_context(Client(pool=OneConnection(connection), settings=settings))
        found = None if source is None else searched_source(connection, source)
        hits = client.search(
            text,
            source=source,
            limit=limit,
            filter=conditions or None,
            mode=mode,
            per_document=per_document,
            rerank=rerank,
        )
        if client.reranker_failure is not None:
            warn(f"The chunks are not reranked. {client.reranker_failure}")
        if not hits and not any(row.embedded for row in actions.coverage(connection, found)):
            raise ConditionNotMet("Nothing is embedded yet: run `wikiembed backfill`.")
    if not hits:
        raise ConditionNotMet("No chunk was found: try other words or another filter.")
    if json:
        for hit in hits:
            print_json(hit.as_json())
        return
    show(hits, with_source=len({hit.source for hit in hits}) > 1)


def _prepare(provider: Provider) -> None:
    """Import what a search needs, and read the local model's files; errors are met again."""
    with contextlib.suppress(ImportError, WikiembedError):
        importlib.import_module("wikiembed.search.client")
        if provider is Provider.LOCAL:
            importlib.import_module("wikiembed.embedders.local_model").load_wordllama()


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
        line = Text(f"{number}. ")
        line.append(_cut(heading, HEADING_CHARS), style="bold")
        how = _how_well(hit) + (f"  source {hit.source}" if with_source else "")
        # What does not fit beside a long title stands below it, as the text does.
        fits = line.cell_len + 2 + len(how) <= console().width
        if fits:
            line.append(f"  {how}", style="dim")
        print_rich(line)
        if not fits:
            print_rich(Padding(Text(how, style="dim"), (0, 0, 0, 3)))
        print_rich(Padding(Text(_cut(text, SNIPPET_CHARS)), (0, 0, 0, 3)))


def _cut(text: str, most: int) -> str:
    """`text`, cut at a word to at most `most` characters."""
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def _parts(hit: Hit) -> tuple[str, str]:
    """The heading of a hit, and its text on one line."""
    if hit.document_key is not None:
        name = hit.title or f"document {hit.document_key}"
        where = f" › {hit.heading}" if hit.heading else ""
        return f"{name}{where}", " ".join(hit.content.split())
    heading, _, body = hit.content.partition("\n")
    return (heading if body else f"key {hit.key}"), " ".join((body or heading).split())


def _how_well(hit: Hit) -> str:
    """Its similarity, its rank by text, and whether it waits for its vector."""
    parts = []
    if hit.similarity is not None:
        parts.append(f"similarity {hit.similarity:.2f}")
    if hit.text_rank is not None:
        parts.append(f"text rank {hit.text_rank}")
    if hit.rerank_score is not None:
        parts.append(f"rerank score {hit.rerank_score:.2f}")
    if not hit.is_current:
        parts.append("no vector yet")
    return "  ".join(parts)
