"""``budget``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer

from wikiembed.cli.console import database, print_json, print_table, say
from wikiembed.cli.usage import read_amount
from wikiembed.control import actions
from wikiembed.control.budgets import (
    Period,
    budget_phrase,
    budgets,
    is_used_up,
    set_budget,
    used_phrase,
)
from wikiembed.errors import InvalidArgument
from wikiembed.times import local


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("budget")(run_budget)


def run_budget(
    source: Annotated[
        str | None, typer.Argument(help="The source; all of them, if not given.")
    ] = None,
    *,
    tokens: Annotated[
        int | None, typer.Option(min=1, max=10**15, help="Tokens that a period may use.")
    ] = None,
    cost: Annotated[
        str | None, typer.Option(help="Money that a period may use, at the source's price.")
    ] = None,
    per: Annotated[str, typer.Option(help="The period: day or month, in UTC.")] = "day",
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the budget of the period.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Set how many tokens, or how much money, a source may use per day or month.

    A batch that would exceed it is not sent: the source is paused, with the reason, until the
    period ends. Batches in flight count, of all workers. A source may have one budget per day and
    one per month. To raise one, or to remove it, ends its pause. Without an amount, list budgets.
    """
    period = _period(per)
    if tokens is None and cost is None and not remove:
        _list(source, json=json)
        return
    if source is None or (tokens is not None) + (cost is not None) + remove != 1:
        raise InvalidArgument("Name the source, and one of --tokens, --cost and --remove.")
    amount = None if cost is None else read_amount(cost, least=Decimal("0.000001"))
    with database() as (connection, _):
        before = [row for row in budgets(connection, source) if row["period"] == period]
        set_budget(connection, source, tokens=tokens, cost=amount, period=period)
        rows = [row for row in budgets(connection, source) if row["period"] == period]
    if json:
        print_json(rows)
    elif not rows:
        say(f"{source}: no budget per {period}.")
    else:
        replaced = [row for row in before if (row["tokens"] is None) != (rows[0]["tokens"] is None)]
        instead = f"; it replaces the budget of {budget_phrase(replaced[0])}" if replaced else ""
        say(f"{source}: {used_phrase(rows[0])}{instead}{_pauses(rows[0])}.")


def _pauses(row: dict[str, Any]) -> str:
    """The clause that nothing of a budget is left; empty: some is."""
    if not is_used_up(row):
        return ""
    return f"; the next batch pauses the source until {local(row['ends'])}"


def _period(text: str) -> Period:
    if text == "day":
        return "day"
    if text == "month":
        return "month"
    raise InvalidArgument(f"{text!r} is not a period of budgets: give day or month.")


def _list(source: str | None, *, json: bool) -> None:
    with database() as (connection, _):
        actions.names(connection, source)
        rows = budgets(connection, source)
    if json:
        print_json(rows)
    elif not rows:
        say("No budget is set: `wikiembed budget SOURCE --tokens 1000000 --per day`.")
    else:
        print_table(
            [
                row
                | {"used": used_phrase(row), "until": local(row["ends"])}
                | {"state": "reached" if row["reached"] else "open"}
                for row in rows
            ],
            ["source", "used", "state", "until"],
        )
