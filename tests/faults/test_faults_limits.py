"""A provider's limit over all workers: it is kept, and to wait for it is no fault of any text."""

from __future__ import annotations

import asyncio

from tests.support.chunks import add_chunks, counts
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.standin.limit import SlidingLimit
from tests.support.workers import drain, settings_of

WORKERS = 8


def limit_of(database: Database, url: str, requests: int, *, window_s: float) -> None:
    """Let all workers send so many requests in a window of so many seconds."""
    database.execute("select wikiembed.set_limit(%s, 'standin-model', %s)", [url, requests])
    database.execute("update wikiembed_private.limits set window_s = %s", [window_s])


async def test_many_workers_share_a_limit(docs_table: Database, standin: StandIn) -> None:
    """None of 8 is refused by a server that enforces it; no outage, no failure, no attempt."""
    docs_table.execute("update wikiembed.sources set batch_size = 1")
    limit_of(docs_table, standin.url, 60, window_s=4)
    standin.controls.limit = SlidingLimit(requests=60, window_s=3.6)
    add_chunks(docs_table, 100)
    settings = settings_of(docs_table, standin.url, check_truncation=False)
    await asyncio.gather(*(drain(settings) for _ in range(WORKERS)))
    assert counts(docs_table).missing == 0
    print(standin.controls.limit.most, standin.controls.limit.refused, standin.stats.requests)
    assert standin.controls.limit.refused == 0
    assert docs_table.rows("select * from wikiembed.failures") == []
    assert docs_table.rows("select * from wikiembed.outages where error_class = 'throttled'") == []
    docs_table.check_invariants()
