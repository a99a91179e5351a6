"""``recall``: what share of the nearest chunks the index finds, and the setting to store."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer

from wikiembed.cli.console import count, database, note, print_json, print_table, say
from wikiembed.cli.options import Source
from wikiembed.cli.progress import Reporter
from wikiembed.cli.questions import Queries, read_questions
from wikiembed.cli.search import condition
from wikiembed.command_line import command_line
from wikiembed.control import actions
from wikiembed.control.index import FEWEST_VECTORS, Quantise, Target, indexes, targets, wanted
from wikiembed.errors import ConditionNotMet, ConfigurationError
from wikiembed.search import recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wikiembed.config import Settings
    from wikiembed.search.recall import Latency, Measurement, Question, Setting

Connection = psycopg.Connection[Any]
TARGET = 0.95


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("recall")(run_recall)


def run_recall(
    source: Source = None,
    *,
    sample: Annotated[
        int,
        typer.Option(
            min=recall.FEWEST_QUESTIONS, max=10_000, help="Questions: vectors of random chunks."
        ),
    ] = 200,
    queries: Queries = None,
    limit: Annotated[
        int, typer.Option(min=1, max=500, help="Nearest chunks that are to be found.")
    ] = recall.LIMIT,
    filter: Annotated[  # noqa: A002 - the name of the option
        list[str] | None,
        typer.Option(help='A column and its value, tenant=3, or a list, lang=["en","de"].'),
    ] = None,
    target: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="The recall that --set is to reach.")
    ] = TARGET,
    set_it: Annotated[
        bool, typer.Option("--set", help="Search with the ef_search that reaches --target.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure what share of the nearest chunks search finds by its index, and how fast.

    Asks for the nearest chunks of random ones, exactly and at several values of hnsw.ef_search, or
    of the questions of --queries, which the source's model embeds. A value is proposed by one half
    of the questions, and its recall is that of the other half. The exact answers read the whole
    table once per question.

    Run by wikiembed's owner, it stores what it measured, and doctor warns of a recall below 0.95.
    """
    conditions = dict(map(condition, filter or ())) or None
    goals = {*recall.TARGETS, target}
    given = None if queries is None else read_questions(queries)
    missed = []
    with database() as (connection, settings):
        actions.names(connection, source)
        stores, role = recall.may_store(connection)
        if set_it and not stores:
            raise ConfigurationError(
                f"Role {role} may not set ef_search there: run it as wikiembed's owner, on the"
                " primary."
            )
        chosen = targets(connection, source)
        if not chosen:
            _refuse(source)
        for one in chosen:
            index = _index(connection, one)
            if index is None or one.embedded < FEWEST_VECTORS:
                _say_exact(one, index, json=json)
                continue
            progress = nullcontext() if json else Reporter(f"recall {one.source}")
            with progress as reporter:
                found = recall.measure(
                    connection,
                    one.source,
                    questions=recall.sampled(connection, one.source, sample)
                    if given is None
                    else _embedded(connection, settings, one.source, given),
                    limit=limit,
                    filter=conditions,
                    targets=sorted(goals),
                    on_progress=reporter.update if reporter else lambda done, total: None,
                )
            best = found.best(target)
            if stores:
                recall.record(connection, found)
            value = _value(found, best) if set_it else None
            if value is not None:
                recall.set_ef_search(connection, one.source, value)
            elif set_it:
                missed.append(one.source)
            if json:
                print_json({**found.as_json(), "index": index, "recorded": stores, "set": value})
                continue
            _say(found, index)
            _say_next(found, one, queries=queries, target=target, best=best, value=value)
            if not stores:
                note(f"role {role} may not store the recall, of which doctor would warn.")
    if missed:
        raise ConditionNotMet(
            f"No ef_search reaches {target:g} for {', '.join(missed)}: nothing was set."
        )


def _embedded(
    connection: Connection, settings: Settings, source: str, texts: Sequence[str]
) -> list[Question]:
    """The vectors of `texts` as questions to `source` itself, whatever its name is switched to."""
    from pgvector import Vector

    from wikiembed.search import plan
    from wikiembed.search.client import Client, OneConnection
    from wikiembed.search.recall import Question

    with Client(pool=OneConnection(connection), settings=settings) as client:
        vectors = [
            client.take(plan.embed_query(text, name=source, switched=False)) for text in texts
        ]
    return [Question(None, Vector(vector[0]).to_text()) for vector in vectors]


def _refuse(source: str | None) -> None:
    if source is None:
        raise ConditionNotMet("No source is attached: run `wikiembed attach`.")
    raise ConditionNotMet(f"The table of source {source!r} was dropped: run `wikiembed reconcile`.")


def _value(found: Measurement, best: Setting | None) -> int | None:
    """The ef_search to set; of a filter or another limit, no less than is set for all searches."""
    if best is None:
        return None
    if found.filter or found.limit != recall.LIMIT:
        return max(best.ef_search, found.stored or 0)
    return best.ef_search


def _index(connection: Connection, target: Target) -> str | None:
    """The index that search uses."""
    found = indexes(connection, target)
    return next((index.label for index in found if index.used), None)


def _say_exact(target: Target, index: str | None, *, json: bool) -> None:
    """Why nothing is measured."""
    if index is None:
        why = "it has no valid index of vectors: search is exact, and its recall is 1"
    else:
        why = (
            f"it has {count(target.embedded, 'vector')}, fewer than {FEWEST_VECTORS:,}: search is"
            " exact or nearly so, and its recall is 1"
        )
    if json:
        print_json({"source": target.source, "index": index, "vectors": target.embedded,
                    "measured": False, "why": why})  # fmt: skip
    else:
        say(f"{target.source}: {why}.")


def _say(found: Measurement, index: str) -> None:
    say(
        f"{found.source}: recall@{found.limit} of index {index}, {found.questions:,} questions,"
        " half of them held out."
    )
    if found.filter:
        say(f"Filtered: {shlex.join(recall.options_of(recall.LIMIT, found.filter))}")
    rows = [_row(str(one.ef_search), one.recall, one.latency) for one in found.settings]
    print_table(
        [*rows, _row("exact", 1.0, found.exact)], ["ef_search", "recall", "median_ms", "p99_ms"]
    )
    exact = [one for one in found.settings if one.by_index < 1]
    if exact:
        say(
            f"At ef_search {exact[0].ef_search} Postgres compared every row for"
            f" {100 * (1 - exact[0].by_index):.0f} % of the questions: the index would cost more."
        )


def _row(name: str, share: float, latency: Latency) -> dict[str, str]:
    return {
        "ef_search": name,
        "recall": f"{share:.3f}",
        "median_ms": f"{latency.median_ms:,.2f}",
        "p99_ms": f"{latency.p99_ms:,.2f}",
    }


def _say_next(
    found: Measurement,
    source: Target,
    *,
    queries: str | None,
    target: float,
    best: Setting | None,
    value: int | None,
) -> None:
    """What is used, what reaches each target, and what to do."""
    used = found.setting(found.used)
    say(f"Now ef_search is {used.ef_search}: recall {used.recall:.3f}.")
    for goal in found.reached:
        if goal.setting is None:
            say(f"{goal.target:g} is reached by no ef_search up to 1,000.")
        else:
            say(
                f"{goal.target:g} is reached by ef_search {goal.setting.ef_search}: recall"
                f" {goal.setting.recall:.3f} of the questions held out."
            )
    if value is not None:
        say(f"Set: {found.source} is searched with an ef_search of {value} or more.")
    elif best is None:
        index = ("index", "--source", found.source)
        say(
            f"Build the index with more links: {command_line(*index, '--drop')}, then"
            f" {command_line(*index, '--m', '32', '--ef-construction', '128')}"
        )
        if wanted(source) is not Quantise.NONE:
            say(
                "Or build one that holds the whole vectors:"
                f" {command_line(*index, '--quantise', 'none')}"
            )
    elif best.ef_search > used.ef_search:
        options = recall.options_of(found.limit, found.filter)
        options += [] if target == TARGET else ["--target", f"{target:g}"]
        options += [] if queries is None else ["--queries", queries]
        say(f"Set it: {command_line('recall', found.source, *options, '--set')}")
