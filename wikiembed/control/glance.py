"""The console's first screen, read in milliseconds whatever the number of rows and jobs.

Nothing here counts rows of a user's table, jobs or failures: chunks come from the ledger, jobs from
`wikiembed.queue_by_priority` with a bound.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from wikiembed.control import actions, ready
from wikiembed.control import usage as costs
from wikiembed.control.budgets import budgets
from wikiembed.control.documents import Documents, documents
from wikiembed.control.outages import open_outages
from wikiembed.control.overview import PAUSES, WORKERS, standing
from wikiembed.control.ready import Obstacle
from wikiembed.control.schedules import schedules
from wikiembed.control.standing import present_s
from wikiembed.db.connect import translate_errors
from wikiembed.store.coverage import Coverage
from wikiembed.store.outages import Outage

Connection = psycopg.Connection[Any]
Row = dict[str, Any]
MOST_JOBS = 10_000
"""Up to this many jobs of a priority are counted."""
MINUTES = 60

_SOURCES = """
select s.name, s.provider, s.model, s.dimensions, s.document_prefix, s.query_prefix, s.batch_size,
       case when c.oid is null then 'gone' else format('%%I.%%I', n.nspname, c.relname) end
         as relation, s.embedding_column,
       s.attached_at
  from wikiembed.sources as s
  left join pg_catalog.pg_class as c on c.oid = s.relation
  left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where %(source)s::text is null or s.name = %(source)s order by s.name
"""
_OLDEST = """
select s.name, max(q.oldest_s)::float8
  from wikiembed.sources as s, lateral wikiembed.queue_by_priority(s.name, 1) as q
 where q.oldest_s > 0 group by s.name
"""
_PRIORITIES = "select priority, jobs, oldest_s::float8 from wikiembed.queue_by_priority(%s, %s)"
# Grouped over a bounded number of rows: a million failures must not be counted for a page.
_FAILURES = """
select f.state, f.error_class, count(*)::bigint as chunks, max(f.last_at) as last_at,
       f.document
  from (select state, error_class, last_at, false as document from wikiembed.failures
         where source = %(source)s limit %(most)s) as f group by 1, 2, 5
union all
select 'failed', f.error_class, count(*)::bigint, max(f.last_at), true
  from (select error_class, last_at from wikiembed.document_failures
         where source = %(source)s limit %(most)s) as f group by 2
 order by 3 desc, 2
"""
_SERIES = """
select source, begins_at, chunks
  from wikiembed.throughput_since(%(begin)s, %(every)s::interval, %(source)s)
"""
_BEGIN = """
select date_bin(%(every)s::interval, now(), date_trunc('day', now())) - %(span)s::interval
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of the throughput chart: `steps` of `every`, of which the last is not over."""

    name: str
    every: dt.timedelta
    steps: int


WINDOWS = (
    Window(name="hour", every=dt.timedelta(minutes=1), steps=60),
    Window(name="day", every=dt.timedelta(minutes=15), steps=96),
    Window(name="quarter", every=dt.timedelta(days=1), steps=90),
)
"""The last hour, day and 90 days. The ledger has minutes for a day, and hours before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Chunks embedded in each step of a window, the oldest first."""

    window: Window
    begins_at: dt.datetime
    chunks: Sequence[int]

    @property
    def times(self) -> list[dt.datetime]:
        """When each step begins."""
        return [self.begins_at + self.window.every * n for n in range(len(self.chunks))]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGlance:
    """One source: its row of `overview`, its columns, its last hour and its oldest job.

    `state`: as `standing` returns it; `attached`: model, prefixes and table; `pause`: who, why and
    until when, None if it is not paused; `oldest_s`: seconds, None if no job waits; `lag_s`: p95 of
    recent edits, None if there was none; `today`: its row of view usage, None if it used nothing.
    """

    name: str
    state: Row
    attached: Row
    hour: Series
    oldest_s: float | None
    pause: Row | None
    documents: Documents | None
    lag_s: float | None
    today: Row | None
    budgets: Sequence[Row]
    schedule: Row | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The first screen. `ready`: every source that counts is, and there is one."""

    at: dt.datetime
    ready: bool
    sources: list[SourceGlance]
    obstacles: list[Obstacle]
    outages: list[Outage]
    workers: list[Row]

    @property
    def alive(self) -> list[Row]:
        """The workers with a recent heartbeat."""
        return [worker for worker in self.workers if worker["alive"]]


def glance(connection: Connection) -> Glance:
    """The first screen, in about a dozen short statements.

    Raises: WikiembedError, psycopg.Error.
    """
    with translate_errors():
        at = _one(connection, "select clock_timestamp()", {})
        outages = open_outages(connection)
        of_documents = {row.source: row for row in documents(connection)}
        counted = actions.coverage(connection)
        rows = [_with_documents(row, of_documents) for row in counted]
        hours = series(connection, WINDOWS[0])
        oldest: dict[str, float] = dict(connection.execute(_OLDEST).fetchall())
        attached = {row["name"]: row for row in _dicts(connection, _SOURCES, {"source": None})}
        pauses = {row["source"]: row for row in _dicts(connection, PAUSES)}
        workers = _dicts(connection, WORKERS)
    lags = costs.recent_lag(connection)
    today = {row["source"]: row for row in costs.usage(connection, None, days=1)}
    budgeted = budgets(connection)
    scheduled = {row["source"]: row for row in schedules(connection)}
    counting = [row for row in rows if not row.unused]
    unready = [row for row in counting if not row.ready]
    return Glance(
        at=at,
        ready=bool(counting) and not unready,
        obstacles=ready.obstacles(
            connection, unready, counted=False, of_documents=list(of_documents.values())
        ),
        outages=outages,
        workers=workers,
        sources=[
            SourceGlance(
                name=row.source,
                state=standing(row, present_s(outages)),
                attached=attached[row.source],
                hour=hours.get(row.source) or _empty(WINDOWS[0], at),
                oldest_s=oldest.get(row.source),
                pause=pauses.get(row.source),
                documents=of_documents.get(row.source),
                lag_s=lags.get(row.source),
                today=today.get(row.source),
                budgets=[one for one in budgeted if one["source"] == row.source],
                schedule=scheduled.get(row.source),
            )
            for row in rows
            if row.source in attached
        ],
    )


def _with_documents(row: Coverage, found: Mapping[str, Documents]) -> Coverage:
    of = found.get(row.source)
    return row if of is None else replace(row, documents=of.counts)


def series(connection: Connection, window: Window, source: str | None = None) -> dict[str, Series]:
    """The throughput of each source that embedded something in the window, by name."""
    given: dict[str, object] = {
        "span": window.every * (window.steps - 1),
        "every": window.every,
        "source": source,
    }
    with translate_errors():
        begins_at: dt.datetime = _one(connection, _BEGIN, given)
        rows = connection.execute(_SERIES, given | {"begin": begins_at}).fetchall()
    chunks: dict[str, list[int]] = {}
    for name, at, gained in rows:
        steps = chunks.setdefault(name, [0] * window.steps)
        steps[min(int((at - begins_at) / window.every), window.steps - 1)] += gained
    return {
        name: Series(window=window, begins_at=begins_at, chunks=steps)
        for name, steps in chunks.items()
    }


def one_series(connection: Connection, window: Window, source: str, at: dt.datetime) -> Series:
    """The throughput of `source`, also if it embedded nothing."""
    return series(connection, window, source).get(source) or _empty(window, at)


def _empty(window: Window, at: dt.datetime) -> Series:
    begins_at = at - window.every * (window.steps - 1)
    return Series(window=window, begins_at=begins_at, chunks=[0] * window.steps)


def priorities(connection: Connection, source: str) -> list[Row]:
    """Jobs of `source` by priority, each counted up to `MOST_JOBS`; see queue_by_priority.

    Raises: SourceNotFound.
    """
    with translate_errors(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_PRIORITIES, (source, MOST_JOBS)).fetchall()


MOST_FAILURES = 100_000
"""Up to this many failures of a source are grouped."""


def failures_by_class(connection: Connection, source: str) -> list[Row]:
    """Failures of `source` by state and class, of the first `MOST_FAILURES`."""
    with translate_errors():
        return _dicts(connection, _FAILURES, {"source": source, "most": MOST_FAILURES})


def _dicts(
    connection: Connection, query: str, given: Mapping[str, object] | None = None
) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), given).fetchall()


def _one(connection: Connection, query: str, given: Mapping[str, object]) -> Any:
    row = connection.execute(query.encode(), given).fetchone()
    return None if row is None else row[0]
