"""Whether rows that were just written get their vectors in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from wikiembed.control.doctor.findings import Finding
from wikiembed.control.usage import RECENT_LAG
from wikiembed.times import brief

Connection = psycopg.Connection[Any]

_LAG = """
select s.name, q.p95_s, w.waits_s
  from wikiembed.sources as s
  join (recent_lag) as q on q.source = s.name
 cross join lateral (
   select extract(epoch from clock_timestamp() - min(j.queued_at))::double precision as waits_s
     from (
       (select h.queued_at from wikiembed_queue.procrastinate_jobs as h
         where h.queue_name = s.queue_name and h.status = 'todo' and h.scheduled_at is null
           and h.priority >= 10
         order by h.queue_name, h.priority desc, h.id limit 1)
       union all
       (select l.queued_at from wikiembed_queue.procrastinate_jobs as l
         where l.queue_name = s.queue_name and l.status = 'todo' and l.scheduled_at is not null
           and l.priority >= 10
         order by l.queue_name, l.scheduled_at limit 256)
       union all
       select d.queued_at from wikiembed_queue.procrastinate_jobs as d
        where d.queue_name = s.queue_name and d.status = 'doing' and d.priority >= 10
     ) as j
 ) as w
 where not wikiembed_private.is_paused(s.paused_at, s.resume_at)
 order by s.name
""".replace("recent_lag", RECENT_LAG)


def lag(connection: Connection, *, most_s: float | None) -> Iterator[Finding]:
    """A finding per source whose fresh rows wait for longer than `most_s`; None: not checked."""
    if most_s is None:
        return
    late = False
    for source, p95_s, waits_s in connection.execute(_LAG.encode()).fetchall():
        if waits_s is not None and waits_s > most_s:
            what = f"rows of {source} have waited for their vectors for {brief(waits_s)}"
        elif p95_s is not None and p95_s > most_s:
            what = (
                f"of {source}, 5 % of the rows of the last hour waited for {brief(p95_s)} or more"
            )
        else:
            continue
        late = True
        yield Finding(
            "lag",
            "fault",
            f"Late vectors: {what}, {brief(most_s)} are allowed; run more of `wikiembed worker`,"
            " unless the server is saturated.",
            details={"source": source, "p95_s": p95_s, "waits_s": waits_s, "max_s": most_s},
        )
    if not late:
        yield Finding("lag", "ok", f"Fresh rows get their vectors within {brief(most_s)} (p95).")
