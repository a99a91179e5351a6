"""``compare``: what two sources of one table find for the same questions."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

from wikiembed.cli.cells import fit, wrap
from wikiembed.cli.console import count, database, print_json, say, say_command
from wikiembed.cli.progress import Reporter
from wikiembed.cli.questions import Queries, read_questions
from wikiembed.command_line import command_line
from wikiembed.control import actions
from wikiembed.errors import ConditionNotMet
from wikiembed.search.mode import Mode
from wikiembed.words import printable

if TYPE_CHECKING:
    from wikiembed.search.compare import Compared, Comparison
    from wikiembed.search.hit import Hit

SHOWN, SHOWN_HITS = 3, 5
WIDTH = 80
RANK = 3
COLUMN = (WIDTH - RANK - 2) // 2


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("compare")(run_compare)


def run_compare(
    old: Annotated[str, typer.Argument(help="The source that searches use.")],
    new: Annotated[str, typer.Argument(help="The source that they may be switched to.")],
    *,
    queries: Queries = None,
    sample: Annotated[
        int, typer.Option(min=1, max=10_000, help="Questions where no file gives them.")
    ] = 50,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Hits to compare.")] = 10,
    mode: Annotated[
        Mode,
        typer.Option(help="Rank by vector, by text, or by both; auto: both with an index of text."),
    ] = Mode.AUTO,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare what two sources of one table find, such as those of an old and a new model.

    Questions are those of --queries, else titles of documents or first sentences of chunks, chosen
    at random. The overlap is the share of the hits that both sources find, by the chunk's key; for
    two chunk tables of the same documents, by document and text. Both sources are searched
    themselves, whatever their names are switched to.
    """
    from wikiembed.search import compare
    from wikiembed.search.client import Client, OneConnection
    from wikiembed.search.hit import SearchOptions

    given = None if queries is None else read_questions(queries)
    with (
        database() as (connection, settings),
        Client(pool=OneConnection(connection), settings=settings) as client,
    ):
        for source in (old, new):
            actions.names(connection, source)
        same = compare.identity(connection, old, new)
        for source in (old, new):
            if not any(row.embedded for row in actions.coverage(connection, source)):
                raise ConditionNotMet(
                    f"Source {source!r} has no vectors: run `{command_line('backfill', source)}`."
                )
        questions = given or compare.sample_questions(connection, old, sample)
        if not questions:
            raise ConditionNotMet(
                f"No question was found in source {old!r}: give some with --queries."
            )
        progress = nullcontext() if json else Reporter(f"compare {old}")
        with progress as reporter:
            found = compare.compare(
                client,
                questions,
                old=old,
                new=new,
                options=SearchOptions(limit=limit, mode=mode),
                settings=settings,
                same=same,
                on_progress=reporter.update if reporter else lambda done, total: None,
            )
    if json:
        print_json(found.as_json())
    else:
        _say(found, sampled=given is None)


def _say(found: Comparison, *, sampled: bool) -> None:
    n, limit = len(found.questions), found.limit
    least = min(one.overlap for one in found.questions)
    how = "sampled" if sampled else "given"
    say(f"{found.old} and {found.new}: {count(n, 'question')}, {how}.")
    say(f"Overlap@{limit}: {found.overlap:.2f} in the mean, {least:.2f} at the least.")
    say(f"First hit: another one for {found.first_changed:,} of {n:,}.")
    if found.rank_change is not None:
        say(f"Ranks of hits that both find: {found.rank_change:.1f} off in the mean.")
    different = [one for one in found.most_different if one.old != one.new and _differs(one)]
    for one in different[:SHOWN]:
        _say_question(found, one)
    say("")
    say("To search by the new one:")
    say_command(f"  {command_line('switch', found.old, '--to', found.new)}")


def _differs(one: Compared) -> bool:
    return one.overlap < 1 or bool(one.rank_change)


def _say_question(found: Comparison, one: Compared) -> None:
    """A question and its first hits of both sources, beside each other in 80 columns."""
    say("")
    title = f"{printable(one.question)}"
    for line in wrap(title, WIDTH, most=2):
        say_command(line.rstrip())
    heads = (f"{found.old}, overlap {one.overlap:.2f}", found.new)
    say_command(_row("", *heads))
    for number, pair in enumerate(zip_longest(one.old[:SHOWN_HITS], one.new[:SHOWN_HITS]), 1):
        say_command(_row(str(number), *map(_line, pair)))


def _row(number: str, old: str, new: str) -> str:
    row = f"{number:>{RANK - 1}} {fit(old, COLUMN)}  {fit(new, COLUMN)}"
    return row.rstrip()


def _line(hit: Hit | None) -> str:
    if hit is None:
        return ""
    title = f"{hit.title}: " if hit.title else f"{hit.key}: "
    return printable(" ".join(f"{title}{hit.content}".split()))
