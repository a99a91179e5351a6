"""What users wait for: never for a batch that a server has, only for the write of one."""

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


async def test_compare_and_set_lets_nobody_wait_for_a_slow_server(
    docs_table: Database, standin: StandIn
) -> None:
    """Users change, delete and lock the very rows; no worker's backend holds anything meanwhile."""
    prove(docs_table)
    user = docs_table.connect()
    user.execute("set lock_timeout = '1s'")
    ours: dict[str, object] = {
        "ours": [c.info.backend_pid for c in (user, docs_table.execute("select").connection)]
    }

    def under_way() -> int | None:
        """The texts that are done, while the server has others; None while it has none."""
        return standin.stats.texts if standin.stats.concurrent else None

    def during(act: Callable[[], object]) -> bool:
        """Whether what `act` answers is true, and batches were under way from first to last."""
        before = under_way()
        answered = act()
        return bool(answered) and before is not None and before == under_way()

    def touch() -> bool:
        for statement in TOUCHES:
            with user.transaction():
                user.execute(statement.encode())
        return True

    async with working(settings_of(docs_table, standin.url), poll_s=0.1) as worker:
        # The probe that begins a worker is over; from here on each request is a batch.
        add_chunks(docs_table, 1)
        await worker.wait_for(lambda: counts(docs_table).embedded == 1)
        standin.controls.latency_s = 3
        add_chunks(docs_table, 256, begin=1)
        await worker.wait_for(lambda: during(touch), 60)
        await worker.wait_for(lambda: during(lambda: docs_table.rows(OPEN, ours) == []), 60)
        standin.controls.latency_s = 0
        await worker.wait_for(lambda: counts(docs_table).missing == 0, 60)
    docs_table.check_invariants()
