"""``usage``, ``price`` and ``lag``: what sources cost, and how long their chunks waited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from wikiembed.cli.console import count, database, print_json, print_table, say
from wikiembed.control import actions
from wikiembed.control import usage as costs
from wikiembed.errors import InvalidArgument
from wikiembed.times import brief
from wikiembed.words import money

AnySource = Annotated[str | None, typer.Argument(help="The source; all of them, if not given.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("usage")(run_usage)
    cli.command("lag")(run_lag)
    cli.command("price")(run_price)


def run_usage(
    source: AnySource = None,
    *,
    days: Annotated[
        int, typer.Option(min=1, max=36500, help="Days to list, with today, in UTC.")
    ] = 30,
    json: Json = False,
) -> None:
    """Show the requests, texts and tokens of each source per day, and what they cost.

    Tokens are those that the embedding servers count; where a server counts none, they are
    estimated at 4 bytes each, and the column of estimated ones has them. The cost needs a price.
    """
    with database() as (connection, _):
        actions.names(connection, source)
        rows = costs.usage(connection, source, days=days)
    if json:
        print_json([row | {"day": str(row["day"])} for row in rows])
        return
    if not rows:
        say(f"No usage in the last {count(days, 'day')}.")
        return
    print_table(
        [row | {"estimated": row["tokens_estimated"], "cost": _money(row)} for row in rows],
        ["source", "day", "requests", "failed", "texts", "tokens", "estimated", "cost"],
        optional=["failed", "estimated", "cost", "texts", "requests"],
    )
    for sentence in _totals(rows):
        say(sentence)


def _totals(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each source of several days."""
    sentences = []
    for name in dict.fromkeys(row["source"] for row in rows):
        own = [row for row in rows if row["source"] == name]
        if len(own) < 2:
            continue
        tokens = sum(row["tokens"] for row in own)
        currencies = {row["currency"] for row in own}
        cost = ""
        if len(currencies) == 1 and None not in currencies:
            whole = money(sum((row["cost"] for row in own), Decimal()), own[0]["currency"])
            cost = f", {whole}"
        sentences.append(f"{name}: {count(tokens, 'token')} in {len(own)} days{cost}.")
    return sentences


def _money(row: Mapping[str, Any]) -> str | None:
    return None if row["cost"] is None else money(row["cost"], row["currency"])


def run_lag(
    source: AnySource = None,
    *,
    hours: Annotated[
        int, typer.Option(min=1, max=2160, help="Hours to list; 90 days are kept.")
    ] = 24,
    json: Json = False,
) -> None:
    """Show how long rows waited for their vectors, per source and hour: p50, p95 and p99.

    From the begin of the transaction that wrote a row to the commit of its vector, within 5 %.
    Bulk work, which `enqueue` and `backfill` queue, is listed apart. `doctor --max-lag` checks it.
    """
    with database() as (connection, _):
        actions.names(connection, source)
        rows = costs.lag(connection, source, hours=hours)
    if json:
        print_json(rows)
        return
    if not rows:
        say(f"No vectors in the last {count(hours, 'hour')}.")
        return
    print_table(
        [
            row
            | {"work": "fresh" if row["fresh"] else "bulk"}
            | {name: brief(row[f"{name}_s"]) for name in ("p50", "p95", "p99")}
            for row in rows
        ],
        ["source", "hour", "work", "chunks", "p50", "p95", "p99"],
    )


def run_price(
    source: AnySource = None,
    per_million: Annotated[
        str | None, typer.Argument(help="Price of a million tokens, such as 0.02.")
    ] = None,
    *,
    from_day: Annotated[
        str | None,
        typer.Option(
            "--from", help="First day of it, such as 2031-05-01; by default today, in UTC."
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Its currency, as it is to be shown, such as USD.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove all prices of the source.")
    ] = False,
    json: Json = False,
) -> None:
    """Set the price of a source's tokens, from a day on; without a price, list all prices.

    The first price of a source is for all days before it, too. A later one leaves what earlier
    days cost as it was, unless `--from` says otherwise.
    """
    if per_million is None and not remove:
        if from_day is not None or currency is not None:
            raise InvalidArgument("Give a price of a million tokens, such as 0.02.")
        _list_prices(source, json=json)
        return
    if source is None or (remove and per_million is not None):
        raise InvalidArgument("Name the source, and either a price or --remove.")
    price = None if per_million is None else read_amount(per_million)
    day = None if from_day is None else read_day(from_day)
    with database() as (connection, _):
        begins = costs.set_price(connection, source, price, from_day=day, currency=currency)
        now = costs.price_of(connection, source)
    if json:
        begin = None if begins is None else str(begins)
        print_json({"source": source, "per_million": price, "from_day": begin})
    elif price is None:
        say(f"Removed all prices of {source}.")
    else:
        label = currency or (now.currency if now else "")
        since = "for all days" if begins is None else f"from {begins} on"
        say(f"{source}: {money(price, label)} for a million tokens, {since}.")


def _list_prices(source: str | None, *, json: bool) -> None:
    with database() as (connection, _):
        actions.names(connection, source)
        rows = costs.prices(connection, source)
    if json:
        days = [None if row["from_day"] is None else str(row["from_day"]) for row in rows]
        print_json([row | {"from_day": day} for row, day in zip(rows, days, strict=True)])
    elif not rows:
        say("No price is set: `wikiembed price SOURCE 0.02 --currency USD`.")
    else:
        print_table(
            [
                row
                | {"from_day": row["from_day"] or "the first day"}
                | {"a_million_tokens": money(row["per_million"], row["currency"])}
                for row in rows
            ],
            ["source", "from_day", "a_million_tokens", "set_by"],
            optional=["set_by"],
        )


def read_amount(text: str, *, least: Decimal = Decimal()) -> Decimal:
    """An amount of money from `least` on.

    Raises: InvalidArgument.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not least <= number < 1_000_000_000:
        raise InvalidArgument(f"{text!r} is not an amount of money: give one like 0.02.")
    return number


def read_day(text: str) -> dt.date:
    """A day of the calendar.

    Raises: InvalidArgument.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(f"{text!r} is not a day: give one like 2031-05-01.") from None
