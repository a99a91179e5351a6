"""Workers, jobs, and whether rows, jobs and counts agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from wikiembed.control.doctor.findings import Finding

Connection = psycopg.Connection[Any]
OLD_JOB_S = 600
LONG_JOB_S = 1800
"""The hard limit of wikiembed.rescue_jobs."""

# Jobs of paused sources wait as they should, and `paused` tells of them.
_WAITING = """
select coalesce(sum(q.todo), 0)::bigint, max(q.oldest_todo_s),
       (select count(*) from wikiembed.workers as w where w.alive)
  from wikiembed.queue as q join wikiembed.coverage as c on c.source = q.source
 where not c.paused
"""
_STUCK = """
select count(*) filter (where not exists (
         select from wikiembed_queue.procrastinate_workers as w
          where w.id = j.worker_id
            and w.last_heartbeat > clock_timestamp() - interval '30 seconds')),
       count(*) filter (where j.started_at < clock_timestamp() - make_interval(secs => %s))
  from wikiembed_queue.procrastinate_jobs as j where j.status = 'doing'
"""


def queue(connection: Connection) -> Iterator[Finding]:
    """Workers and what waits for them."""
    waiting, oldest, alive = connection.execute(_WAITING).fetchone() or (0, None, 0)
    if alive:
        yield Finding("workers", "ok", f"Workers alive: {alive}.")
    elif waiting:
        yield Finding("workers", "fault", "No worker is alive: run `wikiembed worker`.")
    else:
        yield Finding("workers", "warning", "No worker is alive: run `wikiembed worker`.")
    if oldest is not None and oldest > OLD_JOB_S:
        yield Finding(
            "oldest_job",
            "warning",
            f"The oldest job waits for {oldest:.0f} s: run more of `wikiembed worker`.",
        )
    elif waiting:
        yield Finding("oldest_job", "ok", f"The oldest job waits for {oldest or 0:.0f} s.")
    dead, long = connection.execute(_STUCK, (LONG_JOB_S,)).fetchone() or (0, 0)
    if dead or long:
        yield Finding(
            "stuck_jobs",
            "warning",
            f"Jobs of dead workers: {dead}, jobs that run for more than {LONG_JOB_S // 60} min:"
            f" {long}; a running `wikiembed worker` frees them within 90 s.",
        )
    else:
        yield Finding("stuck_jobs", "ok", "No job is stuck.")


def invariants(connection: Connection) -> Iterator[Finding]:
    """The five invariants; reads whole tables."""
    rows = connection.execute("select name, violations from wikiembed.check_invariants()")
    broken = [(name, count) for name, count in rows if count]
    for name, count in broken:
        yield Finding(
            "invariants", "fault", f"Not so: {name} ({count:,} rows); run `wikiembed reconcile`."
        )
    if not broken:
        yield Finding("invariants", "ok", "All five invariants hold.")
