"""The console's first screen and the page of a source show what the database holds."""

from __future__ import annotations

import pytest

from tests.support.chunks import add, embed, fail, read
from tests.support.console import (
    PAGES,
    Browser,
    console_settings,
    running,
    shown,
    text_of,
)
from tests.support.database import Database
from wikiembed.control.glance import WINDOWS, one_series
from wikiembed.pipeline.lag import lag_bucket
from wikiembed.times import local


async def test_first_screen_shows_each_source(docs_table: Database, browser: Browser) -> None:
    """Coverage, what is left, what is in the way, and how to remove it."""
    keys = add(docs_table, "one", "two", "three", "four")
    embed(docs_table, keys[:1])
    fail(docs_table, read(docs_table, keys[1:2]), error_class="timeout", message="late")
    page = await browser.get("/")
    text = text_of(page.text)
    assert "● " not in text
    assert "Not ready" in text
    assert "25.00 % 1 of 4 chunks" in text
    assert (
        "docs 1 failed See the failures wikiembed failures docs Copy wikiembed retry docs Copy"
        in text
    )
    assert "docs 2 wait, and no worker is alive wikiembed worker" in text
    assert "Last hour: 1 chunks" in page.text
    assert "at 1 chunks/s of the last minute" in text or "chunks/s of the last minute" in text


async def test_only_a_page_with_a_chart_loads_its_library(
    docs_table: Database, browser: Browser
) -> None:
    """The first screen is painted without it."""
    found = {path: (await browser.get(path)).text for path in PAGES}
    assert {path for path, text in found.items() if "uplot" in text} == {"/source?name=docs"}
    assert {path for path, text in found.items() if "<figure" in text} == {"/source?name=docs"}


async def test_first_screen_is_ready_when_every_row_is_embedded(
    docs_table: Database, browser: Browser
) -> None:
    """And nothing is in the way; the wiki's source, which is unused, does not count."""
    embed(docs_table, add(docs_table, "one"))
    text = await shown(browser, "/")
    assert " Ready " in text
    assert "100.00 % 1 of 1 chunks" in text
    assert "in the way" not in text
    assert "nothing is left" in text


async def test_first_screen_shows_a_pause_with_who_why_and_until(
    docs_table: Database, browser: Browser
) -> None:
    """As the pause of a command does, and the button that ends it."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed.pause('docs', 'the server moves', '2099-01-01')")
    text = await shown(browser, "/")
    who = docs_table.one("select session_user::text")
    assert f"Paused by {who} since" in text
    assert "the server moves until 2099-01-01" in text
    assert "Resume wikiembed resume docs" in text
    assert "Time left paused" in text


RECORD = (
    "select wikiembed.record_batches('docs', 1, array[3, 0, 9, 1500, 500]::bigint[], false,"
    " array[true, false], array[{bucket}, 90]::smallint[], array[9, 1])"
)


@pytest.mark.parametrize(
    ("language", "shows"),
    [
        ("en", ["Lag of edits (p95) 1.9 s", "Tokens today 1,500 in 3 requests",
                "500 of them estimated · 0.00003 USD",
                "Budget 1,500 of 1,000,000 tokens per day (0 %)",
                "Budget 0.00003 of 25.00 USD per month (0 %)",
                "Bulk work runs until", "00:00-24:00 UTC"]),
        ("ko", ["수정된 행의 지연(p95) 1.9초", "오늘의 토큰 1,500 (요청 3건)", "그중 500개는 추정",
                "예산 하루 1,000,000토큰 중 1,500토큰 (0 %)",
                "예산 한 달 25.00 USD 중 0.00003 (0 %)",
                "대량 작업", "까지 실행"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/source?name=docs"])
async def test_costs_lag_budgets_and_windows_are_shown(
    docs_table: Database, browser: Browser, path: str, language: str, shows: list[str]
) -> None:
    """As `usage`, `lag`, `budget` and `schedule` say; bulk work has no share in the lag."""
    docs_table.execute("select wikiembed.set_price('docs', 0.02, p_currency => 'USD')")
    docs_table.execute("select wikiembed.set_budget('docs', 1000000)")
    docs_table.execute("select wikiembed.set_budget('docs', null, 25, 'month')")
    docs_table.execute("select wikiembed.set_schedule('docs', array['00:00-24:00'])")
    docs_table.execute(RECORD.format(bucket=lag_bucket(2)))
    text = await shown(browser, f"{path}{'&' if '?' in path else '?'}lang={language}")
    assert [part for part in shows if part not in text] == []


async def test_reached_budget_and_closed_window_say_until_when(
    docs_table: Database, browser: Browser
) -> None:
    """The budget with the end of its period; a source that used nothing shows 0."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    docs_table.execute("select wikiembed.reserve_budget('docs', 1, 101)")
    docs_table.execute("select wikiembed.set_schedule('docs', array['22:00-06:00'])")
    docs_table.execute(
        "update wikiembed.sources set bulk_opens_at = '2099-01-01', bulk_closes_at = '2099-01-02'"
    )
    text = await shown(browser, "/")
    ends = local(docs_table.one("select ends from wikiembed.budgets"))
    assert f"Budget 0 of 100 tokens per day (0 %) · reached: paused until {ends}" in text
    assert "Bulk work waits until 2099-01-01" in text
    assert "Lag of edits (p95) – Tokens today 0 " in text


async def test_first_screen_shows_outages(docs_table: Database, browser: Browser) -> None:
    """A server that workers cannot reach is in the way, and on the page of servers."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed.report_outage('http://gpu', 90, 'no_answer', 503, 'gone')")
    text = await shown(browser, "/")
    assert "Server out of reach http://gpu is out of reach since" in text
    assert "Time left waits for the server" in text
    page = await browser.get("/workers")
    assert 'class="outage"' in page.text
    assert "http://gpu out of reach gone" in text_of(page.text)
    docs_table.execute("select wikiembed.end_outage('http://gpu')")
    assert "http://gpu no outage now" in await shown(browser, "/workers")


@pytest.mark.parametrize(
    ("language", "shows"),
    [
        ("en", ["http://gpu no outage now",
                "m Limit, as set · 90 of 120 requests in the last minute",
                "0 of 5,000 tokens in the last minute",
                "n Limit, as the server states · 1 of 6 requests in the last minute"
                " · workers wait for it",
                "o Limit, as the server states · 0 of 7 requests in the last minute"
                " · refused: workers wait until"]),
        ("ko", ["m 한도(설정됨) · 최근 1분간 요청 120건 중 90건 · 최근 1분간 5,000토큰 중 0토큰",
                "워커가 한도를 기다리는 중", "거부됨"]),
    ],
)  # fmt: skip
async def test_limits_of_servers_are_shown(
    docs_table: Database, browser: Browser, language: str, shows: list[str]
) -> None:
    """What was used in the last minute, whether workers wait, and a refusal."""
    docs_table.execute("select wikiembed.set_limit('http://gpu', 'm', 120, 5000)")
    docs_table.execute("select wikiembed.report_limit('http://gpu', 'n', 6, null)")
    docs_table.execute("select wikiembed.report_limit('http://gpu', 'o', 7, null)")
    docs_table.execute("select wikiembed.block_limit('http://gpu', 'o', 60)")
    docs_table.execute(
        "select wikiembed.lease_requests('http://gpu', 'm', 0, 0, 0, p_seen_requests => 90),"
        " wikiembed.lease_requests('http://gpu', 'n', 3, 0, 0)"
    )
    text = await shown(browser, f"/workers?lang={language}")
    assert [part for part in shows if part not in text] == []


async def test_first_screen_without_a_source_says_how_to_attach(
    browser: Browser, docs_table: Database
) -> None:
    """The command is on the page."""
    docs_table.execute("select wikiembed.detach('docs'), wikiembed.detach('wiki')")
    text = await shown(browser, "/")
    assert "No source is attached" in text
    assert "wikiembed attach public.docs" in text


async def test_oldest_job_and_queue_by_priority(docs_table: Database, browser: Browser) -> None:
    """Fresh edits go before bulk work; each has its number and its oldest."""
    add(docs_table, "one", "two")
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs"
        " set priority = 7, queued_at = now() - interval '2 hours 5 minutes'"
        " where queue_name = 'embed_docs'"
    )
    assert "Oldest job 2 h 5 min" in await shown(browser, "/")
    assert "Priority Jobs Oldest 7 1 2 h 5 min" in await shown(browser, "/source?name=docs")


async def test_history_survives_a_restart_of_the_console(docs_table: Database) -> None:
    """It is read from Postgres: a new process shows the same hour, day and 90 days."""
    embed(docs_table, add(docs_table, "one", "two", "three"))
    docs_table.execute("update wikiembed.ledger set at = at - interval '20 hours' where gained = 3")
    embed(docs_table, add(docs_table, "four"))
    for window, chunks in (("hour", 1), ("day", 4), ("quarter", 4)):
        async with running(console_settings(docs_table)) as console:
            text = await shown(Browser(console), f"/source?name=docs&window={window}")
        assert f"{chunks} chunks embedded in this span" in text


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_series_ends_with_the_present_step(docs_table: Database, window: object) -> None:
    """What was embedded just now is in the last step, what is older in the one of its time."""
    (found,) = [one for one in WINDOWS if one is window]
    embed(docs_table, add(docs_table, "one"))
    connection = docs_table.connect()
    at = docs_table.one("select clock_timestamp()")
    series = one_series(connection, found, "docs", at)
    assert len(series.chunks) == len(series.times) == found.steps
    assert sum(series.chunks) == 1
    (step,) = [n for n, chunks in enumerate(series.chunks) if chunks]
    assert series.times[step] <= at < series.times[step] + found.every
    assert step == found.steps - 1


async def test_source_page_groups_failures_with_advice(
    docs_table: Database, browser: Browser
) -> None:
    """Each class has what to do, its number and its actions; the list can be filtered by it."""
    keys = add(docs_table, "one", "two", "three")
    fail(docs_table, read(docs_table, keys[:2]), error_class="timeout", message="too late")
    fail(docs_table, read(docs_table, keys[2:]), error_class="rejected", message="no such text")
    page = await browser.get("/source?name=docs&class=rejected")
    text = text_of(page.text)
    assert "Raise WIKIEMBED_REQUEST_TIMEOUT_S , or split the chunk." in text
    assert "Failures that match" in text
    assert "no such text" in text
    assert "too late" not in text
    assert "/source/retry?name=docs&amp;class=timeout" in page.text
    missing = await browser.get("/source?name=docs&class=rejectd")
    assert missing.status_code == 400
    assert "did you mean" in missing.text


async def test_pages_show_no_text_of_a_chunk(docs_table: Database, browser: Browser) -> None:
    """Texts are on the page of search alone."""
    keys = add(docs_table, "a secret text", "another secret text")
    embed(docs_table, keys[:1])
    fail(docs_table, read(docs_table, keys[1:]), error_class="timeout")
    for path in PAGES:
        assert "secret" not in (await browser.get(path)).text


async def test_unknown_source_and_page_are_not_found(browser: Browser) -> None:
    """With the nearest name."""
    page = await browser.get("/source?name=dosc")
    assert page.status_code == 404
    assert "No source is named &#34;dosc&#34;: did you mean &#34;docs&#34;?" in page.text
    assert (await browser.get("/nothing")).status_code == 404
    assert (await browser.get("/source/pause")).status_code == 404
