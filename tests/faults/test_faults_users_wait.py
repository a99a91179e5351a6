"""Users never wait for a batch at the server, only for its write."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.chunks import add_chunks, counts
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import prove, settings_of, working

OPEN = """
select a.pid from pg_stat_activity as a
 where a.datname = current_database() and a.backend_type = 'client backend'
   and a.pid <> all (%(ours)s)
   and (a.xact_start is not null or exists (select from pg_locks as l where l.pid = a.pid))
"""
TOUCHES = [
    "update public.docs set body = body || '!' where id % 3 = 0",
    "delete from public.docs where id % 10 = 9",
    "select from public.docs order by id desc for update",
    "lock table public.docs in access exclusive mode",
]


async def test_compare_and_set_holds_no_lock_during_a_slow_request(
    docs_table: Database, standin: StandIn
) -> None:
    """Users change, delete and lock the same rows; no worker's backend holds a lock meanwhile."""
    prove(docs_table)
    user = docs_table.connect()
    user.execute("set lock_timeout = '1s'")
    ours: dict[str, object] = {
        "ours": [c.info.backend_pid for c in (user, docs_table.execute("select").connection)]
    }

    def under_way() -> int | None:
        """The number of embedded texts while requests are in flight; else None."""
        return standin.stats.texts if standin.stats.concurrent else None

    def during(act: Callable[[], object]) -> bool:
        """Whether `act` returns true, with batches in flight throughout."""
        before = under_way()
        answered = act()
        return bool(answered) and before is not None and before == under_way()

    def touch() -> bool:
        for statement in TOUCHES:
            with user.transaction():
                user.execute(statement.encode())
        return True

    async with working(settings_of(docs_table, standin.url), poll_s=0.1) as worker:
        # The worker's first probe is over; from here on each request is a batch.
        add_chunks(docs_table, 1)
        await worker.wait_for(lambda: counts(docs_table).embedded == 1)
        standin.controls.latency_s = 3
        add_chunks(docs_table, 256, begin=1)
        await worker.wait_for(lambda: during(touch), 60)
        await worker.wait_for(lambda: during(lambda: docs_table.rows(OPEN, ours) == []), 60)
        standin.controls.latency_s = 0
        await worker.wait_for(lambda: counts(docs_table).missing == 0, 60)
    docs_table.check_invariants()
