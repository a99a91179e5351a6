"""Workers, jobs, and whether rows, jobs and counts are consistent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from wikiembed.control.doctor.findings import Finding
from wikiembed.words import count

Connection = psycopg.Connection[Any]
OLD_JOB_S = 600
LONG_JOB_S = 1800
"""The hard limit of wikiembed.rescue_jobs."""
MOST_ROWS = 1_000_000
"""Rows of all tables together whose invariants are checked each time: about half a second."""

# Jobs of paused sources wait as they should, and `paused` reports them.
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
_SIZES = "select source, total from wikiembed.coverage order by source"
# The last is about the queue as a whole, whatever the source.
_INVARIANTS = """
select name, violations, name like '%%a source that does not exist'
  from wikiembed.check_invariants(%s)
"""


def queue(connection: Connection) -> Iterator[Finding]:
    """Workers and the jobs that wait for them."""
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
            f"The oldest job has waited for {oldest:.0f} s: run more of `wikiembed worker`.",
        )
    elif waiting:
        yield Finding("oldest_job", "ok", f"The oldest job has waited for {oldest or 0:.0f} s.")
    dead, long = connection.execute(_STUCK, (LONG_JOB_S,)).fetchone() or (0, 0)
    if dead or long:
        yield Finding(
            "stuck_jobs",
            "warning",
            f"Jobs of dead workers: {dead}, jobs that run for more than {LONG_JOB_S // 60} min:"
            f" {long}; a running `wikiembed worker` rescues them within 90 s.",
        )
    else:
        yield Finding("stuck_jobs", "ok", "No job is stuck.")


def invariants(connection: Connection, *, most_rows: int | None) -> Iterator[Finding]:
    """The invariants, in tables of at most `most_rows` rows together; None: in all tables."""
    sizes = dict(connection.execute(_SIZES).fetchall())
    read, large = (list(sizes), []) if most_rows is None else _within(sizes, most_rows)
    broken: dict[str, int] = {}
    for source in read if large else [None]:
        rows = connection.execute(_INVARIANTS, (source,)).fetchall()
        for name, violations, of_the_queue in rows:
            broken[name] = violations + (0 if of_the_queue else broken.get(name, 0))
    for name, violations in broken.items():
        if violations:
            yield Finding(
                "invariants",
                "fault",
                f"Violated: {name} ({count(violations, 'row')}); run `wikiembed reconcile`.",
            )
    if not any(broken.values()):
        of_how_many = f" in {len(read)} of {count(len(sizes), 'source')}" if large else ""
        yield Finding("invariants", "ok", f"All invariants hold{of_how_many}.")
    if large:
        yield Finding(
            "invariants",
            "ok",
            f"Invariants not checked in large tables, of {', '.join(large)}: run"
            " `wikiembed doctor --full` to read them.",
        )


def _within(sizes: dict[str, int], most: int) -> tuple[list[str], list[str]]:
    """The sources that have at most `most` rows together, smallest first, and the others."""
    read: list[str] = []
    total = 0
    for name, size in sorted(sizes.items(), key=lambda item: item[1]):
        total += size
        if total > most:
            break
        read.append(name)
    return read, [name for name in sizes if name not in read]
