"""``verify``: embed some chunks again, and compare them with the stored vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from wikiembed.cli.console import count, database, print_json, print_rich, say
from wikiembed.cli.options import Source
from wikiembed.control import actions
from wikiembed.errors import ConditionNotMet

if TYPE_CHECKING:
    from wikiembed.control.verify import Verified

LEAST_SHOWN = 1e-9
"""A smaller distance is rounding."""


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("verify")(run_verify)


def run_verify(
    source: Source = None,
    *,
    sample: Annotated[
        int, typer.Option(min=1, max=1000, help="Chunks per source to embed again.")
    ] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, a line per source.")] = False,
) -> None:
    """Embed a random sample of chunks again, and compare the vectors with those stored.

    Finds another model, other weights, another quantisation, pooling or prefix under the same name,
    and a server that truncates texts silently. Nothing is written but the result, which `doctor`
    reads. The server embeds the sample, twenty texts for long ones with another end, and where
    vectors are off a few more to find out why.
    """
    from wikiembed.control.verify import verify

    with database() as (connection, settings):
        named = actions.names(connection, source)
        if source is None:
            named = [row.source for row in actions.coverage(connection) if row.embedded]
        made = []
        for name in named:
            made.append(verify(connection, settings, name, sample=sample))
            if json:
                print_json(made[-1].as_json())
            else:
                show(made[-1])
    if not made:
        raise ConditionNotMet("Nothing is embedded yet: run `wikiembed backfill`.")
    failed = [one.source for one in made if not one.passed]
    if failed:
        raise ConditionNotMet(f"Not verified: {', '.join(failed)}; see docs/how-to/verify.md.")


def show(made: Verified) -> None:
    """Print the distribution of one source's distances, and the outcome."""
    from wikiembed.control.verify import bands, quantiles

    found = made.found
    if found is not None:
        label = f"{made.provider} {made.model}".strip()
        prefix = f", prefix {made.prefix!r}" if made.prefix else ""
        say(
            f"{made.source}: {count(len(found.keys), 'chunk')} embedded again by {label}{prefix};"
            " cosine distances:"
        )
        counted = bands(found)
        last = max(i for i, (_, chunks) in enumerate(counted) if chunks)
        for up_to, chunks in counted[: last + 1]:
            bar = "█" * round(40 * chunks / len(found.keys))
            print_rich(Text(f"  up to {up_to:<8g} {chunks:>5,}  {bar}".rstrip()))
        numbers = quantiles(found.distances)
        shown = {name: f"{n:.1e}" if n > LEAST_SHOWN else "0" for name, n in numbers.items()}
        print_rich(Text("  " + "  ".join(f"{name} {n}" for name, n in shown.items())))
    for sentence in made.sentences():
        say(sentence)
