"""What Postgres knows for Prometheus: a query per metric, for a role with grant_reader.

A query's columns are the metric's labels, then its value. None of them counts rows of a user's
table or jobs without a bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.control.usage import RECENT
from wikiembed.db.connect import translate_errors
from wikiembed.metrics import catalogue
from wikiembed.metrics.catalogue import MOST_FAILURES, MOST_JOBS, Metric
from wikiembed.store.outages import STALE_AFTER_S

Connection = psycopg.Connection[Any]
Rows = Sequence[tuple[tuple[str, ...], float]]
"""Values of the labels, in the metric's order, and the value."""
BRIEFLY_S, SELDOM_S = 5.0, 60.0
"""How long results are kept: of a few milliseconds, and of queries that read more rows."""
TODAY = "u.day = (now() at time zone 'UTC')::date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A metric and its query; its result may be used for `kept_s` seconds."""

    metric: Metric
    query: str
    kept_s: float = BRIEFLY_S


MEASUREMENTS = (
    Measurement(
        metric=catalogue.CHUNKS,
        query="""\
select c.source, s.state, s.chunks
  from wikiembed.coverage as c
 cross join lateral (values
   ('embedded', c.embedded), ('waiting', c.missing - c.failed),
   ('failed', c.failed), ('skipped', c.skipped)) as s (state, chunks)""",
    ),
    Measurement(
        metric=catalogue.CHUNKS_EMBEDDED,
        query="""\
select s.name, coalesce(sum(t.chunks), 0)
  from wikiembed.sources as s left join wikiembed.throughput as t on t.source = s.name
 group by s.name""",
    ),
    Measurement(
        metric=catalogue.DOCUMENTS,
        kept_s=SELDOM_S,
        query="""\
select d.source, s.state, s.documents
  from wikiembed.documents as d
 cross join lateral (values
   ('split', d.split), ('waiting', d.waiting), ('failed', d.failed)) as s (state, documents)""",
    ),
    Measurement(
        metric=catalogue.QUEUE_JOBS,
        query=f"select source, state, jobs from wikiembed.queue_states({MOST_JOBS})",  # noqa: S608
    ),
    Measurement(
        metric=catalogue.QUEUE_OLDEST,
        query="""\
select s.name, f.fresh::text, coalesce(max(q.oldest_s), 0)
  from wikiembed.sources as s
 cross join (values (true), (false)) as f (fresh)
  left join lateral wikiembed.queue_by_priority(s.name, 1) as q on (q.priority >= 10) = f.fresh
 group by s.name, f.fresh""",
    ),
    Measurement(
        metric=catalogue.FAILURES,
        kept_s=SELDOM_S,
        query=f"""\
select s.name, f.error_class, f.kind, count(*)
  from wikiembed.sources as s
 cross join lateral (
   (select c.error_class, 'chunk' from wikiembed.failures as c
     where c.source = s.name and c.state = 'failed' limit {MOST_FAILURES})
   union all
   (select d.error_class, 'document' from wikiembed.document_failures as d
     where d.source = s.name limit {MOST_FAILURES})) as f (error_class, kind)
 group by s.name, f.error_class, f.kind""",  # noqa: S608 - our number
    ),
    Measurement(
        metric=catalogue.SOURCE_PAUSED,
        query="""\
select s.name, wikiembed_private.is_paused(s.paused_at, s.resume_at)::integer
  from wikiembed.sources as s""",
    ),
    Measurement(
        metric=catalogue.BULK_CLOSED,
        query="select c.source, (not c.open)::integer from wikiembed.schedules as c",
    ),
    Measurement(
        metric=catalogue.SERVER_OUTAGE,
        query=f"""\
select o.server, bool_or(o.ended_at is null and o.last_seen_at
         > clock_timestamp() - interval '{STALE_AFTER_S:g} s')::integer
  from wikiembed.outages as o group by o.server""",  # noqa: S608 - our number
    ),
    Measurement(
        metric=catalogue.WORKERS_ALIVE,
        query="select count(*) filter (where w.alive) from wikiembed.workers as w",
    ),
    Measurement(
        metric=catalogue.SOURCE_INFO,
        query="""\
select s.name, coalesce(s.provider, ''), coalesce(s.model, ''), coalesce(s.dimensions::text, ''), 1
  from wikiembed.sources as s""",
    ),
    Measurement(
        metric=catalogue.RECALL,
        kept_s=SELDOM_S,
        query="""\
select distinct on (c.source, c.depth) c.source, c.depth::text, c.recall
  from wikiembed.recall_checks as c
  join wikiembed.search_statements as t on t.source = c.source
 where c.filter = '{}'
   and c.ef_search <= wikiembed_private.used_ef_search(t.ef_search, c.depth + 1, t.oversampling)
 order by c.source, c.depth, c.ef_search desc""",
    ),
    Measurement(
        metric=catalogue.MODEL_DRIFT,
        kept_s=SELDOM_S,
        query="""\
select distinct on (c.source) c.source, (c.outcome <> 'same')::integer
  from wikiembed.model_checks as c join wikiembed.sources as s on s.name = c.source
 where s.model is null or c.model = s.model
 order by c.source, c.at desc""",
    ),
    Measurement(
        metric=catalogue.LAG,
        kept_s=SELDOM_S,
        query=f"""\
select h.source, p.percentile::text, min(h.seconds)
  from (
    select l.source, l.seconds,
           sum(l.chunks) over (partition by l.source order by l.bucket) as upto,
           sum(l.chunks) over (partition by l.source) as chunks
      from wikiembed.lag_histogram as l where {RECENT}) as h
  join (values (50), (95), (99)) as p (percentile) on 100 * h.upto >= p.percentile * h.chunks
 group by h.source, p.percentile""",  # noqa: S608 - our condition
    ),
    Measurement(
        metric=catalogue.USAGE_TOKENS,
        query=f"""\
select s.name, coalesce(u.tokens, 0)
  from wikiembed.sources as s
  left join wikiembed.usage as u on u.source = s.name and {TODAY}""",  # noqa: S608 - ours
    ),
    Measurement(
        metric=catalogue.USAGE_COST,
        query=f"""\
select u.source, coalesce(u.currency, ''), u.cost
  from wikiembed.usage as u where {TODAY} and u.cost is not null""",  # noqa: S608 - ours
    ),
    Measurement(
        metric=catalogue.BUDGET_USED,
        query="select b.source, b.period, b.share_used from wikiembed.budgets as b",
    ),
    Measurement(
        metric=catalogue.BUDGET_REACHED,
        query="select b.source, b.period, b.reached::integer from wikiembed.budgets as b",
    ),
    Measurement(
        metric=catalogue.LIMIT_USED,
        query="select l.server, coalesce(l.model, ''), l.share_used from wikiembed.limits as l",
    ),
    Measurement(
        metric=catalogue.LIMIT_WAITS,
        query="select l.server, coalesce(l.model, ''), l.waits::integer from wikiembed.limits as l",
    ),
)
"""In the order of the catalogue."""


def measure(connection: Connection, *, kept_s: float) -> Mapping[Metric, Rows]:
    """The results of all measurements that may be used for `kept_s`.

    Raises: WikiembedError, psycopg.Error.
    """
    with translate_errors():
        return {
            one.metric: [
                (tuple(map(str, row[:-1])), float(row[-1]))
                for row in connection.execute(one.query.encode()).fetchall()
            ]
            for one in MEASUREMENTS
            if one.kept_s == kept_s
        }
