"""The endpoint for Prometheus of the console: every metric, who may read it, what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.chunks import add, add_chunks, embed, fail, read
from tests.support.console import Browser, console_settings, running
from tests.support.database import Database
from tests.support.refused import no_database
from tests.support.samples import Samples
from wikiembed.config import Settings
from wikiembed.control.measurements import MEASUREMENTS
from wikiembed.metrics.catalogue import METRICS, MOST_JOBS, Kind, Process
from wikiembed.web.access import Access, networks
from wikiembed.web.app import Console

TOKEN = "a-token-of-twenty-four-chars"
FILL = (
    "update wikiembed_queue.procrastinate_jobs set scheduled_at = now() + interval '1 hour'"
    " where id = (select min(id) from wikiembed_queue.procrastinate_jobs)",
    "create table public.articles (id integer primary key, body text)",
    "select wikiembed.attach_documents('public.articles', array['id'], array['body'], 'articles',"
    " p_dimensions => 4)",
    "insert into public.articles values (1, 'one'), (2, 'two')",
    "insert into wikiembed.document_failures (source, key, error_class)"
    " values ('articles', '1', 'internal_error')",
    "insert into wikiembed.recall_checks (source, depth, filter, ef_search, recall, sample)"
    " values ('docs', 10, '{}', 11, 0.97, 100), ('docs', 10, '{}', 900, 0.99, 100),"
    " ('docs', 10, '{\"a\": 1}', 11, 0.5, 9)",
    "insert into wikiembed.model_checks (source, model, sample, median_distance, max_distance,"
    " outcome) values ('docs', 'm', 3, 0, 0, 'same')",
    "insert into wikiembed.model_checks (source, model, sample, median_distance, max_distance,"
    " outcome) values ('docs', 'm', 3, 1, 1, 'different')",
    "select wikiembed.report_outage('http://a:1', 5, 'no_answer'),"
    " wikiembed.report_outage('http://b:1', 5, 'no_answer'), wikiembed.end_outage('http://b:1')",
    "insert into wikiembed.outages (server, since, last_seen_at, error_class)"
    " values ('http://c:1', now() - interval '9 min', now() - interval '5 min', 'timeout')",
    "select wikiembed.record_batches('docs', 1, '{2,0,3,1500,0}', p_fresh => '{t,t,t,f}',"
    " p_buckets => '{0,10,20,60}', p_chunks => '{94,5,1,1000}')",
    "insert into wikiembed_private.usage_days (source, day, requests, failed, texts, tokens,"
    " tokens_estimated) values ('docs', (now() at time zone 'UTC')::date - 1, 1, 0, 1, 500, 0)",
    "insert into wikiembed_private.lag_hours (source, hour, fresh, bucket, chunks)"
    " values ('docs', date_trunc('hour', now(), 'UTC') - interval '2 hours', true, 90, 9999)",
    "select wikiembed.set_schedule('docs', '{00:00-24:00}'),"
    " wikiembed.set_schedule('articles', '{00:00-24:00}')",
    "update wikiembed.sources set bulk_opens_at = now() + interval '1 hour',"
    " bulk_closes_at = now() + interval '2 hours' where name = 'articles'",
    "select wikiembed.set_price('docs', 2, p_currency => 'USD')",
    "select wikiembed.set_budget('docs', 2000), wikiembed.set_budget('docs', null, 1, 'month')",
    "select wikiembed.set_limit('http://a:1', 'm', 60)",
    "insert into wikiembed_queue.procrastinate_workers (last_heartbeat)"
    " values (now()), (now() - interval '1 hour')",
)
"""What fills the rest: a retry, failures, measurements, outages of which one lasts, costs and waits
of now and earlier, prices, budgets, a limit, workers."""
LAGS = (("50", 0), ("95", 10), ("99", 10))
"""Of 100 changes: 94 in bucket 0, 5 in 10, 1 in 20."""


@pytest.fixture
async def console(docs_table: Database) -> AsyncIterator[Console]:
    """An open console on `docs_table`."""
    async with running(console_settings(docs_table)) as made:
        yield made


async def scrape(console: Console) -> Samples:
    """The samples of the endpoint."""
    answer = await Browser(console).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return Samples(answer.text)


async def test_every_metric_is_there_with_its_labels(
    docs_table: Database, console: Console
) -> None:
    """In states that do not overlap; of each kind that the catalogue says."""
    keys = add(docs_table, *(f"text {n}" for n in range(6)))
    embed(docs_table, keys[:2])
    fail(docs_table, read(docs_table, keys[2:3]), error_class="timeout", message="late")
    docs_table.rows("select wikiembed.skip('docs', %s, 'not wanted')", [[keys[3]]])
    for statement in FILL:
        docs_table.execute(statement)
    docs_table.execute("select wikiembed.pause('docs', 'a reason')")
    samples = await scrape(console)
    assert samples.by("wikiembed_chunks", "state") == {
        "embedded": 2, "waiting": 2, "failed": 1, "skipped": 1,
    }  # fmt: skip
    assert samples.of("wikiembed_chunks_embedded_total", source="docs") == 2
    assert samples.of("wikiembed_failures", source="docs", error_class="timeout", kind="chunk") == 1
    assert samples.of("wikiembed_source_paused", source="docs") == 1
    assert samples.by("wikiembed_bulk_closed", "source") == {"docs": 0, "articles": 1}
    assert samples.by("wikiembed_server_outage", "server") == {
        "http://a:1": 1, "http://b:1": 0, "http://c:1": 0,
    }  # fmt: skip
    assert samples.of("wikiembed_workers_alive") == 1
    assert samples.of("wikiembed_model_drift", source="docs") == 1
    assert samples.of("wikiembed_queue_jobs", source="docs", state="scheduled") == 1
    assert samples.of("wikiembed_queue_jobs", source="articles", state="todo") == 1
    assert samples.by("wikiembed_documents", "state") == {"split": 0, "waiting": 1, "failed": 1}
    assert {"docs", "articles"} <= set(samples.by("wikiembed_source_info", "source"))
    oldest = samples.by("wikiembed_queue_oldest_seconds", "fresh")
    assert set(oldest) == {"true", "false"}
    assert samples.of("wikiembed_recall", source="docs", depth="10") == 0.97
    lags = {percentile: 0.95 * (1.05 / 0.95) ** bucket for percentile, bucket in LAGS}
    assert samples.by("wikiembed_lag_seconds", "percentile") == pytest.approx(lags)
    tokens = samples.by("wikiembed_usage_tokens", "source")
    assert (tokens["docs"], tokens["articles"]) == (1500, 0)
    assert samples.of("wikiembed_usage_cost", source="docs", currency="USD") == 0.003
    used = samples.by("wikiembed_budget_used_ratio", "period")
    assert used.keys() == {"day", "month"}
    assert used["day"] == 0.75
    assert samples.by("wikiembed_budget_reached", "period") == {"day": 0, "month": 0}
    assert samples.by("wikiembed_failures", "kind") == {"chunk": 1, "document": 1}
    served = {metric.name: metric for metric in METRICS if metric.process is Process.SERVE}
    assert samples.names == set(served)
    for name, labels in samples.values:
        assert {label for label, _ in labels} == set(served[name].labels), name
        assert samples.kinds[name.removesuffix("_total")] == served[name].kind.value


async def test_values_of_labels_are_those_of_the_catalogue(
    docs_table: Database, console: Console
) -> None:
    """So that a dashboard may name them."""
    add(docs_table, "one")
    samples = await scrape(console)
    for metric in METRICS:
        for label, values in metric.values:
            if metric.process is Process.SERVE:
                assert set(samples.by(metric.name, label)) <= set(values), metric.name


def test_each_metric_of_the_console_has_one_query() -> None:
    """In the order of the catalogue; a histogram cannot come from one."""
    served = [metric for metric in METRICS if metric.process is Process.SERVE]
    assert [one.metric for one in MEASUREMENTS] == served
    assert all(metric.kind is not Kind.HISTOGRAM for metric in served)


def test_queries_need_a_readers_rights_and_no_more(docs_table: Database) -> None:
    """Each query runs as a role with grant_reader; its columns are the labels and a value."""
    role = docs_table.create_role("scraper", grant="reader")
    with docs_table.connect(role=role) as connection:
        for one in MEASUREMENTS:
            cursor = connection.execute(one.query.encode())
            assert cursor.description is not None
            assert len(cursor.description) == len(one.metric.labels) + 1, one.metric.name


def test_jobs_are_counted_up_to_the_bound(docs_table: Database) -> None:
    """Of a queue of 12,000 jobs 10,000 are read, whatever else waits."""
    docs_table.execute(
        "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args, status)"
        " select 'embed_docs', 'wikiembed.embed', '{}', case when n > 12000 then 'doing' else"
        " 'todo' end::wikiembed_queue.procrastinate_job_status from generate_series(1, 12003) as n"
    )
    rows = docs_table.rows("select state, jobs from wikiembed.queue_states() where source = 'docs'")
    assert dict(rows) == {"todo": MOST_JOBS, "scheduled": 0, "doing": 3}


async def test_scrapes_share_their_reading(docs_table: Database, console: Console) -> None:
    """Twenty in a row cost Postgres two readings: the metrics of a moment and those of a minute."""
    reads: list[object] = []
    read = console.database.read

    async def counted(work: object) -> object:
        reads.append(work)
        return await read(work)  # type: ignore[arg-type]

    console.database.read = counted  # type: ignore[method-assign, assignment]
    for _ in range(20):
        await scrape(console)
    assert len(reads) == 2


async def test_endpoint_speaks_openmetrics_when_asked(console: Console) -> None:
    """As Prometheus does by its header."""
    answer = await Browser(console).get(
        "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        (None, 401),
    ],
)
async def test_scraper_needs_a_token_elsewhere(
    docs_table: Database, authorization: str | None, status: int
) -> None:
    """A line of the token file; no form leads to it, and the answer has no part of it."""
    access = Access(tokens={"kim": "another-token-of-a-user", "prometheus": TOKEN})
    async with running(console_settings(docs_table), access=access) as console:
        browser = Browser(console, peer="192.0.2.9", base="https://wiki.example")
        given = {} if authorization is None else {"authorization": authorization}
        answer = await browser.get("/metrics", headers=given)
        assert answer.status_code == status
        assert TOKEN not in answer.text
        assert ("www-authenticate" in answer.headers) == (status == 401)
        page = await browser.get("/", headers=given)
        assert page.status_code == 303  # pages take no token of a scraper


async def test_scraper_follows_the_rules_of_pages(docs_table: Database, console: Console) -> None:
    """An open console serves this machine alone; behind a proxy it is the proxy that may."""
    assert (await Browser(console, peer="192.0.2.9").get("/metrics")).status_code == 403
    rebound = await Browser(console, base="http://evil.example").get("/metrics")
    assert rebound.status_code == 421
    proxied = Access(proxies=networks("10.0.0.7"), user_header="x-user")
    async with running(console_settings(docs_table), access=proxied) as behind:
        direct = Browser(behind, peer="10.0.0.8", headers={"x-user": "prometheus"})
        assert (await direct.get("/metrics")).status_code == 403
        through = Browser(behind, peer="10.0.0.7", headers={"x-user": "prometheus"})
        assert (await through.get("/metrics")).status_code == 200


async def test_endpoint_is_unavailable_without_postgres() -> None:
    """503, so that Prometheus sees the target as down instead of keeping old values."""
    settings = Settings(database_url=no_database())
    async with running(settings) as console:
        answer: httpx.Response = await Browser(console).get("/metrics")
    assert answer.status_code == 503
    assert len(answer.text.splitlines()) == 1


async def test_limits_of_servers_are_told(docs_table: Database, console: Console) -> None:
    """The share that is used, and whether workers wait; a limit of all models has an empty one."""
    docs_table.execute("select wikiembed.set_limit('http://gpu', null, 6)")
    docs_table.execute("select wikiembed.lease_requests('http://gpu', 'm', 3, 0, 0)")
    samples = await scrape(console)
    labels = {"server": "http://gpu", "model": ""}
    assert samples.of("wikiembed_limit_used_ratio", **labels) == pytest.approx(1 / 6, abs=1e-3)
    assert samples.of("wikiembed_limit_waits", **labels) == 1


async def test_budget_that_is_reached_is_told(docs_table: Database, console: Console) -> None:
    """By the reservation that it refused, before all of it is used; not by a person's pause."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    docs_table.execute("select wikiembed.pause('docs', 'a reason')")
    before = await scrape(console)
    assert before.of("wikiembed_budget_reached", source="docs", period="day") == 0
    docs_table.execute("select wikiembed.resume('docs')")
    docs_table.execute("select wikiembed.reserve_budget('docs', 1, 1001)")
    console.shared.forget()
    after = await scrape(console)
    assert after.of("wikiembed_budget_reached", source="docs", period="day") == 1
    assert after.of("wikiembed_budget_used_ratio", source="docs", period="day") == 0


async def test_names_of_users_are_escaped(docs_table: Database, console: Console) -> None:
    """A server's name with a quote, a backslash and a line break stays one value."""
    name = 'http://a"\\\n}:1'
    docs_table.rows("select wikiembed.report_outage(%s, 5, 'no_answer')", [name])
    assert (await scrape(console)).of("wikiembed_server_outage", server=name) == 1


async def test_a_long_statement_is_cut_off(docs_table: Database) -> None:
    """By the limit of the console's statements: no scrape keeps Postgres busy."""
    async with running(console_settings(docs_table)) as console:
        console.database.read_ms = 200
        with docs_table.connect(autocommit=False) as locking:
            locking.execute("lock table wikiembed.outages in access exclusive mode")
            answer = await Browser(console).get("/metrics")
        assert answer.status_code == 503


async def test_counter_grows_with_bulk_work(docs_table: Database, console: Console) -> None:
    """Rows of the ledger that are folded count as before."""
    add_chunks(docs_table, 10)
    embed(docs_table, [str(n) for n in range(1, 11)])
    docs_table.execute("update wikiembed.ledger set at = at - interval '5 minutes'")
    docs_table.execute("select wikiembed.fold_ledger()")
    assert (await scrape(console)).of("wikiembed_chunks_embedded_total", source="docs") == 10
