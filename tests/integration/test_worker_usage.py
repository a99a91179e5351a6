"""What workers record with their batches: tokens, requests, and how long chunks waited."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from tests.support.chunks import add_chunks, counts, jobs_by_status
from tests.support.cli import launch
from tests.support.database import Database
from tests.support.documents_fakes import event
from tests.support.standin import BadText, StandIn
from tests.support.workers import drain, environment_of, settings_of, working
from wikiembed.config import Provider
from wikiembed.errors import SourcePaused

USAGE = (
    "select requests::int, failed::int, texts::int, tokens::int, tokens_estimated::int"
    " from wikiembed.usage where source = %s"
)


def usage(database: Database, source: str = "docs") -> list[tuple[int, ...]]:
    """Requests, failed ones, texts, tokens and estimated tokens of each day."""
    return database.rows(USAGE, [source])


def add_words(database: Database, n: int) -> None:
    """Chunks of two words in 14 bytes: 2 tokens for the server, 3.5 by the first estimate."""
    database.execute(
        "insert into public.docs (body)"
        f" select 'word' || lpad(n::text, 4, '0') || ' again' from generate_series(1, {n}) as n"
    )


@pytest.mark.parametrize("provider", [Provider.OPENAI, Provider.OLLAMA, Provider.TEI])
async def test_usage_is_what_the_server_counted(
    docs_table: Database, standin: StandIn, provider: Provider
) -> None:
    """Requests and tokens as the server has them, its first probe included; also once folded."""
    add_chunks(docs_table, 300)
    await drain(settings_of(docs_table, standin.url, embedder=provider))
    stats = standin.stats
    posted = stats.probes + stats.texts
    expected = [
        (stats.statuses[200] - (provider is not Provider.OLLAMA), 0, posted, stats.tokens, 0)
    ]
    assert usage(docs_table) == expected
    docs_table.execute("update wikiembed_private.batch_ledger set at = at - interval '4 minutes'")
    docs_table.execute("select wikiembed.fold_ledger()")
    assert docs_table.one("select count(*) from wikiembed_private.batch_ledger") == 0
    assert usage(docs_table) == expected


async def test_estimates_are_marked(docs_table: Database, standin: StandIn) -> None:
    """A server that counts no tokens: 4 bytes of UTF-8 each, all marked."""
    standin.controls.counts_tokens = False
    add_chunks(docs_table, 10)
    await drain(settings_of(docs_table, standin.url))
    ((_, _, texts, tokens, estimated),) = usage(docs_table)
    assert (texts, tokens) == (11, estimated)
    assert tokens == 4 + docs_table.one(
        "select sum(ceil(octet_length(body) / 4.0))::int from public.docs"
    )


async def test_requests_for_failed_chunks_are_recorded(
    docs_table: Database, standin: StandIn
) -> None:
    """A batch without any vector has a cost, too: its three failed requests and their probes."""
    standin.controls.bad_texts = [BadText(contains="body", status=500)]
    add_chunks(docs_table, 1)
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table).failed == 1
    ((requests, failed, texts, tokens, _),) = usage(docs_table)
    assert (requests - failed, failed) == (texts, 3)
    assert tokens == standin.stats.tokens == 2 * standin.stats.probes


async def test_several_workers_record_every_batch(docs_table: Database, standin: StandIn) -> None:
    """Two workers at once: the sum is what the server counted."""
    add_chunks(docs_table, 500)
    settings = settings_of(docs_table, standin.url)
    async with working(settings) as one, working(settings):
        await one.wait_for(lambda: counts(docs_table).missing == 0)
    ((_, failed, texts, tokens, _),) = usage(docs_table)
    assert (failed, texts, tokens) == (
        0, standin.stats.texts + standin.stats.probes, standin.stats.tokens,
    )  # fmt: skip


async def test_lag_counts_each_chunk_once_and_tells_edits_from_bulk_work(
    docs_table: Database, standin: StandIn
) -> None:
    """What a trigger queued is fresh; what enqueue queued is not, however long it waited."""
    add_chunks(docs_table, 40)
    docs_table.execute("delete from wikiembed_queue.procrastinate_jobs")
    docs_table.execute("select * from wikiembed.enqueue('docs')")
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set queued_at = queued_at - interval '1 hour'"
    )
    docs_table.execute("insert into public.docs (body) values ('an edit')")
    docs_table.execute("update public.docs set body = 'another' where id = 7")
    # One batch after the other: of two at once, either may write the row that both have.
    await drain(settings_of(docs_table, standin.url), concurrency=1)
    rows = docs_table.rows(
        "select fresh, sum(chunks)::int, max(p99_s) < 600, min(p50_s) between 3420 and 3800"
        " from wikiembed.lag where source = 'docs' group by fresh order by fresh"
    )
    assert rows == [(False, 39, False, True), (True, 2, True, False)]


async def test_usage_is_recorded_while_the_worker_is_idle(
    docs_table: Database, standin: StandIn
) -> None:
    """Within a moment, though no batch follows and the worker runs on."""
    add_chunks(docs_table, 1)
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(lambda: usage(docs_table) != [])
        ((_, _, texts, tokens, _),) = usage(docs_table)
    assert (texts, tokens) == (standin.stats.texts + standin.stats.probes, standin.stats.tokens)


async def test_row_that_is_updated_twice_waits_since_the_first(
    docs_table: Database, standin: StandIn
) -> None:
    """One vector, one wait: since the change that took the vector away."""
    add_chunks(docs_table, 1)
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set queued_at = now() - interval '100 seconds'"
    )
    docs_table.execute("update public.docs set body = 'second' where id = 1")
    docs_table.execute("update public.docs set body = 'third' where id = 1")
    await drain(settings_of(docs_table, standin.url))
    assert docs_table.rows("select fresh, chunks, p50_s between 95 and 120 from wikiembed.lag") == [
        (True, 1, True)
    ]


async def test_lag_begins_with_the_transaction_of_the_writer(
    docs_table: Database, standin: StandIn
) -> None:
    """A transaction that was open for long before its commit counts whole."""
    add_chunks(docs_table, 1)
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set queued_at = now() - interval '100 seconds'"
    )
    await drain(settings_of(docs_table, standin.url))
    assert docs_table.rows("select fresh, chunks, p50_s between 95 and 120 from wikiembed.lag") == [
        (True, 1, True)
    ]


@pytest.mark.parametrize("workers", [1, 3])
async def test_budget_is_not_exceeded_by_more_than_its_estimate(
    docs_table: Database, standin: StandIn, workers: int
) -> None:
    """Workers together stop before the budget, less than two batches below it each."""
    tokens_a_batch = 64 * 2
    docs_table.execute("select wikiembed.set_budget('docs', 3000)")
    add_words(docs_table, 3000)
    settings = settings_of(docs_table, standin.url)
    paused = "select paused_at is not null from wikiembed.sources where name = 'docs'"
    running = "select count(*) = 0 from wikiembed_queue.procrastinate_jobs where status = 'doing'"
    async with contextlib.AsyncExitStack() as stack:
        each = [await stack.enter_async_context(working(settings)) for _ in range(workers)]
        await each[0].wait_for(lambda: docs_table.one(paused) and docs_table.one(running))
    ((_, _, _, tokens, _),) = usage(docs_table)
    assert tokens == standin.stats.tokens
    # Every worker probes twice and has one answer before it knows the server's count.
    assert 3000 - 2 * tokens_a_batch <= tokens <= 3000
    assert docs_table.rows("select tokens_in_flight, reached from wikiembed.budgets") == [(0, True)]
    assert counts(docs_table).embedded == docs_table.one("select count(*) from public.docs"
                                                         " where vec is not null")  # fmt: skip
    docs_table.execute("select wikiembed.set_budget('docs', 1000000)")
    await drain(settings)
    assert counts(docs_table).missing == 0
    docs_table.check_invariants()


@pytest.mark.parametrize(("workers", "concurrency"), [(1, 8), (3, 4)])
async def test_budget_is_used_though_estimates_are_too_high(
    docs_table: Database, standin: StandIn, workers: int, concurrency: int
) -> None:
    """Three times: batches wait for those in flight, and one batch a worker is left at most."""
    budget, tokens_a_batch = 3000, 64 * 2
    docs_table.execute(f"select wikiembed.set_budget('docs', {budget})")
    docs_table.execute(  # 24 bytes, 6 tokens by the first estimate, of which the server counts 2
        "insert into public.docs (body)"
        " select lpad(n::text, 8, 'n') || ' fifteen-letters' from generate_series(1, 3000) as n"
    )
    standin.controls.latency_s = 0.2
    settings = settings_of(docs_table, standin.url)
    paused = "select paused_at is not null from wikiembed.sources where name = 'docs'"
    async with contextlib.AsyncExitStack() as stack:
        each = [
            await stack.enter_async_context(working(settings, concurrency=concurrency))
            for _ in range(workers)
        ]
        await each[0].wait_for(
            lambda: docs_table.one(paused) and not jobs_by_status(docs_table)["doing"]
        )
    ((_, _, _, tokens, _),) = usage(docs_table)
    assert tokens == standin.stats.tokens
    assert budget - workers * tokens_a_batch <= tokens <= budget
    assert docs_table.rows("select tokens_in_flight, reached from wikiembed.budgets") == [(0, True)]
    docs_table.check_invariants()


async def test_reservation_of_a_killed_worker_holds_up_no_other(
    docs_table: Database, standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It counts, so that the budget is not exceeded, but no batch waits until it expires."""
    docs_table.execute("select wikiembed.set_budget('docs', 2000)")
    add_words(docs_table, 1280)
    standin.controls.latency_per_text_s = 1.0  # the probe is answered, no batch is
    settings = settings_of(docs_table, standin.url)
    command = [sys.executable, "-m", "wikiembed", "worker", "--concurrency", "3"]
    folder = tmp_path_factory.mktemp("killed")
    running = launch(command, env=environment_of(settings), folder=folder)
    reserved = "select count(*) = 3 from wikiembed_private.budget_reservations"
    try:
        running.wait_for(lambda: docs_table.one(reserved))
    finally:
        running.process.kill()
        running.process.wait()
    standin.controls.latency_per_text_s = 0.0
    docs_table.execute(
        "update wikiembed_queue.procrastinate_workers set last_heartbeat = now() - interval '1 h'"
    )
    with pytest.raises(SourcePaused, match="its budget of the day has no room"):
        await drain(settings, timeout_s=60)
    state = "select tokens_used, tokens_in_flight from wikiembed.budgets"
    ((used, in_flight),) = docs_table.rows(state)
    assert in_flight >= 3 * 64 * 14 // 4
    assert 2000 - 224 <= used + in_flight <= 2000
    docs_table.execute(
        "update wikiembed_private.budget_reservations set at = at - interval '31 minutes';"
        " select wikiembed.resume('docs')"
    )
    with pytest.raises(SourcePaused, match="its budget of the day has no room"):
        await drain(settings, timeout_s=60)
    assert 2000 - 224 <= docs_table.one("select tokens_used from wikiembed.budgets") <= 2000
    docs_table.check_invariants()


async def test_stop_ends_the_wait_for_a_budget(docs_table: Database, standin: StandIn) -> None:
    """The batch in flight finishes; the job of the one that waits is released."""
    docs_table.execute("select wikiembed.set_budget('docs', 300)")
    add_words(docs_table, 128)
    standin.controls.latency_s = 1.0
    async with working(settings_of(docs_table, standin.url)) as worker:
        await worker.wait_for(
            lambda: docs_table.one("select tokens_in_flight > 0 from wikiembed.budgets")
        )
        await asyncio.sleep(0.2)  # the other one asks, too
        await worker.stop()
    assert (counts(docs_table).embedded, jobs_by_status(docs_table)) == (64, {"todo": 1})
    assert docs_table.one("select count(*) from wikiembed_private.budget_reservations") == 0


async def test_budget_is_told_once_for_all_batches_that_it_refuses(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that are in flight at once, none of which has room."""
    docs_table.execute("select wikiembed.set_budget('docs', 10)")
    add_chunks(docs_table, 300)
    with pytest.raises(SourcePaused):
        await drain(settings_of(docs_table, standin.url, concurrency=4))
    assert event(caplog, "budget_reached")["source"] == "docs"


async def test_failed_batch_releases_its_reservation(
    docs_table: Database, standin: StandIn
) -> None:
    """Whatever became of the batch, nothing is in flight afterwards."""
    docs_table.execute("select wikiembed.set_budget('docs', 100000)")
    standin.controls.bad_texts = [BadText(contains="body 1", status=500)]
    add_chunks(docs_table, 20)
    await drain(settings_of(docs_table, standin.url))
    assert docs_table.one("select tokens_in_flight from wikiembed.budgets") == 0
    assert docs_table.one("select tokens_used from wikiembed.budgets") == standin.stats.tokens
