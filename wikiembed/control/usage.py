"""What the sources cost, at which prices, and how long their chunks wait: views usage and lag."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control import actions
from wikiembed.db.connect import translate_errors

Connection = psycopg.Connection[Any]

_USAGE = """
select source, day, requests, failed, texts, tokens, tokens_estimated, price_per_million, cost,
       currency
  from wikiembed.usage
 where (%(source)s::text is null or source = %(source)s)
   and day > (now() at time zone 'UTC')::date - %(days)s::int
 order by source, day
"""
_PRICES = """
select source, nullif(from_day, '-infinity') as from_day, per_million, currency, set_by
  from wikiembed.prices where %(source)s::text is null or source = %(source)s
 order by source, prices.from_day
"""
_PRICE = """
select per_million, currency from wikiembed.prices
 where source = %s and from_day <= (now() at time zone 'UTC')::date order by from_day desc limit 1
"""
RECENT = "l.fresh and l.hour >= date_trunc('hour', now(), 'UTC') - interval '1 hour'"
"""Of l, lag_histogram: this hour and the one before, since a quantile of few rows says little."""
RECENT_LAG = f"""
select s.name as source,
       (select min(h.seconds) filter (where h.upto >= 0.95 * h.chunks)
          from (
            select l.seconds, sum(l.chunks) over (order by l.bucket) as upto,
                   sum(l.chunks) over () as chunks
              from wikiembed.lag_histogram as l
             where l.source = s.name and {RECENT}
          ) as h) as p95_s
  from wikiembed.sources as s
"""  # noqa: S608 - our condition
_LAG = """
select source, hour, fresh, chunks, p50_s, p95_s, p99_s from wikiembed.lag
 where (%(source)s::text is null or source = %(source)s)
   and hour > now() - make_interval(hours => %(hours)s::int)
 order by source, fresh desc, hour
"""


@dataclass(frozen=True, slots=True)
class Price:
    """Price of a million tokens; `currency` may be empty."""

    per_million: Decimal
    currency: str

    def of(self, tokens: int) -> Decimal:
        """What `tokens` cost."""
        return self.per_million * tokens / 1_000_000


def usage(connection: Connection, source: str | None, *, days: int) -> list[dict[str, Any]]:
    """View wikiembed.usage of the last `days` days, today included, in UTC."""
    return _rows(connection, _USAGE, source=source, days=days)


def lag(connection: Connection, source: str | None, *, hours: int) -> list[dict[str, Any]]:
    """View wikiembed.lag of the last `hours` hours, fresh rows first."""
    return _rows(connection, _LAG, source=source, hours=hours)


def recent_lag(connection: Connection) -> dict[str, float]:
    """Of each source with edits of this hour or the one before: their p95, in seconds."""
    with translate_errors():
        rows = connection.execute(RECENT_LAG.encode()).fetchall()
    return {source: p95_s for source, p95_s in rows if p95_s is not None}


def prices(connection: Connection, source: str | None) -> list[dict[str, Any]]:
    """All prices; `from_day` None: the price of all days before the next one."""
    return _rows(connection, _PRICES, source=source)


def price_of(connection: Connection, source: str) -> Price | None:
    """The present price of a source's tokens."""
    with translate_errors():
        row = connection.execute(_PRICE, (source,)).fetchone()
    return None if row is None else Price(*row)


def set_price(
    connection: Connection,
    source: str,
    per_million: Decimal | None,
    *,
    from_day: dt.date | None,
    currency: str | None,
) -> dt.date | None:
    """Set a price from a day on, or remove all with None; the day, None: all days.

    Raises: SourceNotFound, InvalidArgument.
    """
    actions.names(connection, source)
    with translate_errors():
        row = connection.execute(
            "select nullif(wikiembed.set_price(%s, %s, %s, %s), '-infinity')",
            (source, per_million, from_day, currency),
        ).fetchone()
    return None if row is None else row[0]


def _rows(connection: Connection, query: str, **parameters: object) -> list[dict[str, Any]]:
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()
