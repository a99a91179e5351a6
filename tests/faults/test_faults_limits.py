"""A provider's limit over all workers: it is kept, and to wait for it is no fault of any text."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.chunks import add_chunks, counts
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.standin.limit import SlidingLimit
from tests.support.workers import drain, settings_of, working
from wikiembed.errors import SourcePaused

WORKERS = 8
WAITS = "select bool_or(waits) from wikiembed.limits"


def limit_of(database: Database, url: str, requests: int, *, window_s: float = 60) -> None:
    """Let all workers send so many requests, of one text each, in a window of so many seconds."""
    database.execute("update wikiembed.sources set batch_size = 1")
    database.execute("select wikiembed.set_limit(%s, 'standin-model', %s)", [url, requests])
    database.execute("update wikiembed_private.limits set window_s = %s", [window_s])


def assert_charged_nothing(database: Database) -> None:
    """No failure, no outage, every invariant."""
    assert database.rows("select * from wikiembed.failures") == []
    assert database.rows("select * from wikiembed.outages") == []
    database.check_invariants()


async def test_many_workers_keep_to_a_limit(docs_table: Database, standin: StandIn) -> None:
    """None of 8 is refused by a server that enforces it in any window, of a tenth less."""
    limit_of(docs_table, standin.url, 60, window_s=4)
    standin.controls.limit = SlidingLimit(requests=60, window_s=3.6)
    add_chunks(docs_table, 100)
    settings = settings_of(docs_table, standin.url, check_truncation=False)
    await asyncio.gather(*(drain(settings) for _ in range(WORKERS)))
    assert counts(docs_table).missing == 0
    assert standin.controls.limit.refused == 0
    sent = docs_table.one("select sum(requests)::int from wikiembed_private.limit_slots")
    assert sent == standin.stats.requests
    assert_charged_nothing(docs_table)


async def test_a_limit_that_the_server_states_is_kept(
    docs_table: Database, standin: StandIn
) -> None:
    """From its first response on; of tokens, which the responses count, and of requests."""
    docs_table.execute("update wikiembed.sources set batch_size = 1")
    standin.controls.limit = SlidingLimit(requests=6000, tokens=100_000, states=True)
    add_chunks(docs_table, 30)
    await drain(settings_of(docs_table, standin.url, check_truncation=False))
    columns = "requests_per_minute, tokens_per_minute, origin, model"
    assert docs_table.rows(f"select {columns} from wikiembed.limits") == [
        (6000, 100_000, "stated", "standin-model")
    ]
    used = docs_table.one("select tokens_used from wikiembed.limits")
    assert 0 < used <= standin.stats.tokens
    assert_charged_nothing(docs_table)


async def test_a_refusal_under_a_limit_is_no_outage(docs_table: Database, standin: StandIn) -> None:
    """All wait as long as the server says, and continue."""
    limit_of(docs_table, standin.url, 6000)
    standin.controls.spare_probe = True
    standin.controls.update(
        {"fail_next": [{"status": 429, "headers": {"retry-after": "0.2"}} for _ in range(3)]}
    )
    add_chunks(docs_table, 8)
    await drain(settings_of(docs_table, standin.url, check_truncation=False))
    assert standin.stats.statuses[429] == 3
    assert docs_table.one("select blocked_until is null from wikiembed.limits") is True
    assert docs_table.one("select max(blocked_until) < now() from wikiembed_private.limits")
    assert_charged_nothing(docs_table)


async def test_workers_that_wait_stop_and_pause_and_go_on(
    docs_table: Database, standin: StandIn
) -> None:
    """A stop requeues what waits; a pause, too; a higher limit is followed."""
    limit_of(docs_table, standin.url, 1)
    add_chunks(docs_table, 8)
    settings = settings_of(docs_table, standin.url, check_truncation=False)
    async with working(settings) as worker:
        await worker.wait_for(lambda: docs_table.one(WAITS))
        await worker.stop()
    doing = "select count(*) from wikiembed_queue.procrastinate_jobs where status = 'doing'"
    assert docs_table.one(doing) == 0
    async with working(settings) as worker:
        await worker.wait_for(lambda: docs_table.one(doing))
        docs_table.execute("select wikiembed.pause('docs', 'not now')")
        await worker.wait_for(lambda: docs_table.one(doing) == 0)
    with pytest.raises(SourcePaused):
        await drain(settings)
    docs_table.execute("select wikiembed.resume('docs')")
    docs_table.execute("select wikiembed.set_limit(%s, 'standin-model', 60000)", [standin.url])
    await drain(settings)
    assert counts(docs_table).missing == 0
    assert_charged_nothing(docs_table)
