"""Budgets of sources: setting them, and what is used of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from wikiembed.control import actions
from wikiembed.db.connect import translate_errors
from wikiembed.words import money

Connection = psycopg.Connection[Any]
Period = Literal["day", "month"]
NEARLY = Decimal("0.9")
"""Share of a budget from which on `doctor` warns."""
BUDGETS = (
    "select source, period, begins::text, ends, tokens, cost, tokens_used, cost_used,"
    " tokens_in_flight, cost_in_flight, share_used, reached, currency, set_by, set_at"
    " from wikiembed.budgets where %(source)s::text is null or source = %(source)s"
    " order by source, period"
)


def budgets(connection: Connection, source: str | None = None) -> list[dict[str, Any]]:
    """View wikiembed.budgets, of one source or all."""
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(BUDGETS, {"source": source}).fetchall()


def set_budget(
    connection: Connection,
    source: str,
    *,
    tokens: int | None,
    cost: Decimal | None,
    period: Period,
) -> None:
    """Set a budget of tokens or of money per day or month; neither: remove that of the period.

    Raises: SourceNotFound, InvalidArgument.
    """
    actions.names(connection, source)
    with translate_errors():
        connection.execute(
            "select wikiembed.set_budget(%s, %s::bigint, %s, %s)", (source, tokens, cost, period)
        )


def is_used_up(row: dict[str, Any]) -> bool:
    """Whether nothing of a budget is left, batches in flight not counted."""
    if row["tokens"] is not None:
        return bool(row["tokens_used"] >= row["tokens"])
    return bool(row["cost_used"] >= row["cost"])


def budget_phrase(row: dict[str, Any]) -> str:
    """``1,000,000 tokens`` or ``25.00 USD``."""
    if row["tokens"] is not None:
        return f"{row['tokens']:,} tokens"
    return money(row["cost"], row["currency"] or "")


def used_phrase(row: dict[str, Any]) -> str:
    """``812,000 of 1,000,000 tokens of the day (81 %), 12,000 in flight``."""
    if row["tokens"] is not None:
        used = f"{row['tokens_used']:,}"
        flying = f"{row['tokens_in_flight']:,}"
    else:
        used = money(row["cost_used"])
        flying = money(row["cost_in_flight"] or Decimal())
    in_flight = f", {flying} in flight" if row["tokens_in_flight"] else ""
    share = f"{row['share_used'] * 100:.0f} %"
    return f"{used} of {budget_phrase(row)} of the {row['period']} ({share}){in_flight}"
