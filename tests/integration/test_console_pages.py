"""The console's pages show what the database holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.support.chunks import add, add_chunks, embed, fail, read
from tests.support.console import Browser, console_settings, running, text_of
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain
from wikiembed.control.glance import WINDOWS, glance, one_series
from wikiembed.control.ready import OBSTACLES
from wikiembed.pipeline.lag import lag_bucket
from wikiembed.times import local
from wikiembed.web.app import Console
from wikiembed.web.http import unpack_flash
from wikiembed.web.messages import LANGUAGES, WORDS, catalogue, preferred
from wikiembed.web.pages import OFFERED

PAGES = ("/", "/source?name=docs", "/workers", "/actions", "/search", "/doctor")


@pytest.fixture
async def console(docs_table: Database) -> AsyncIterator[Console]:
    """A console on `docs_table`."""
    async with running(console_settings(docs_table)) as made:
        yield made


@pytest.fixture
def browser(console: Console) -> Browser:
    """A browser on this machine."""
    return Browser(console)


async def shown(browser: Browser, path: str) -> str:
    """What a page says."""
    page = await browser.get(path)
    assert page.status_code == 200, text_of(page.text)
    return text_of(page.text)


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
    assert "Failures of class rejected" in text
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


async def test_workers_page_lists_processes(docs_table: Database, browser: Browser) -> None:
    """Host, version, heartbeat and jobs in progress."""
    docs_table.execute("insert into wikiembed_queue.procrastinate_workers default values")
    docs_table.execute(
        "select wikiembed.register_worker((select max(id) from"
        " wikiembed_queue.procrastinate_workers), gen_random_uuid(), 'gpu-1', 42, '9.9.9',"
        " 'ollama bge-m3', now())"
    )
    text = await shown(browser, "/workers")
    assert "gpu-1 42 0 s ago 0 9.9.9 ollama bge-m3" in text
    assert "Workers alive: 1, jobs in progress: 0" in await shown(browser, "/")


async def test_actions_page_filters_by_the_url(docs_table: Database, browser: Browser) -> None:
    """By action, source and part of the name; older entries are on a page of their own."""
    docs_table.execute("select wikiembed.pause('docs', 'first'); select wikiembed.resume('docs')")
    docs_table.execute("set wikiembed.actor = 'kim'; select wikiembed.pause('docs', 'second')")
    assert "kim (" in await shown(browser, "/actions")
    assert "second" in await shown(browser, "/actions?who=KIM")
    assert "first" not in await shown(browser, "/actions?who=KIM")
    assert "first" not in await shown(browser, "/actions?action=resume")
    assert "No action matches." in await shown(browser, "/actions?source=nothing")
    docs_table.execute(
        "insert into wikiembed.action_log (who, action, why)"
        " select 'lee', 'pause', 'number ' || i || '.' from generate_series(1, 150) as i"
    )
    page = await browser.get("/actions?who=lee")
    assert "number 150." in page.text
    assert "number 50." not in page.text
    (older,) = [part for part in page.text.split('"') if "before=" in part]
    text = await shown(browser, older.replace("&amp;", "&"))
    assert "number 50." in text
    assert "number 150." not in text


async def test_search_page_shows_ranks_and_marks_words(
    docs_table: Database, standin: StandIn
) -> None:
    """The question is in no URL; a hit without a vector says so."""
    settings = console_settings(docs_table, url=standin.url)
    add(docs_table, "bees make honey", "steam <b>drives</b> trains")
    await drain(settings)
    async with running(settings) as console:
        browser = Browser(console)
        found = await browser.send("/search", {"question": "steam drives", "source": "docs"})
        assert found.status_code == 200
        assert "<mark>steam</mark> &lt;b&gt;<mark>drives</mark>&lt;/b&gt; trains" in found.text
        assert "vector rank 1" in text_of(found.text)
        assert "similarity" in found.text
        empty = await browser.send("/search", {"question": " "})
        assert 'class="hits"' not in empty.text
        wrong = await browser.send("/search", {"question": "x", "mode": "no"})
        assert wrong.status_code == 400


async def test_doctor_page_examines_when_asked(docs_table: Database, browser: Browser) -> None:
    """Faults are first, with their level; opening the page examines nothing."""
    add(docs_table, "one")
    assert "findings" not in (await browser.get("/doctor")).text
    page = await browser.send("/doctor", {})
    text = text_of(page.text)
    assert "fault No worker is alive: run wikiembed worker" in text
    assert text.index("fault ") < text.index(" ok ")


async def test_pages_follow_the_language(docs_table: Database, browser: Browser) -> None:
    """Of the browser; a link chooses another, which a cookie keeps."""
    korean = await browser.get("/", headers={"accept-language": "ko-KR,ko;q=0.9,en;q=0.5"})
    assert '<html lang="ko">' in korean.text
    assert "준비되지 않음" in korean.text
    assert '<html lang="en">' in (await browser.get("/")).text
    chosen = await browser.get("/workers?lang=ko")
    assert "HttpOnly" in chosen.headers["set-cookie"]
    assert "서버와 워커" in (await browser.get("/workers")).text
    assert "lang=ko" not in (await browser.get("/actions?lang=ko&who=x")).text.split("<main")[1]


def test_languages_have_the_same_messages() -> None:
    """With the same fields in each."""
    first = catalogue(LANGUAGES[0])
    for language in LANGUAGES[1:]:
        other = catalogue(language)
        assert set(other) == set(first)
        for key, text in first.items():
            fields = {part.split("}")[0] for part in text.split("{")[1:]}
            assert fields == {part.split("}")[0] for part in other[key].split("{")[1:]}, key
    for name in OBSTACLES:
        assert all(words.has(f"obstacle.{name}") for words in WORDS.values())
    assert set(OFFERED) <= set(OBSTACLES)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "en"), ("ko", "ko"), ("fr, ko;q=0.3, en;q=0.2", "ko"), ("en, ko", "en"),
     ("ko;q=0", "en"), ("ko;q=x,en", "en"), ("*", "en"), ("KO-kr", "ko")],
)  # fmt: skip
def test_language_is_that_which_the_browser_prefers(accepted: str, language: str) -> None:
    """By quality, then by order."""
    assert preferred(accepted) == language


async def test_pages_work_below_a_path(docs_table: Database) -> None:
    """Whether the proxy removes the prefix or keeps it, each link and redirect has it."""
    settings = console_settings(docs_table)
    async with running(settings, root_path="/tools/wiki") as console:
        browser = Browser(console)
        for path in ("/source?name=docs", "/tools/wiki/source?name=docs"):
            page = await browser.get(path)
            assert page.status_code == 200
            links = [part.split('"')[0] for part in page.text.split('href="')[1:]]
            assert [link for link in links if not link.startswith(("/tools/wiki/", "#"))] == []
        done = await browser.send("/tools/wiki/source/pause", {"name": "docs", "why": "a test"})
        assert done.headers["location"] == "/tools/wiki/source?name=docs"


async def test_console_is_mounted_by_another_application(docs_table: Database) -> None:
    """Starlette's own Mount, which does not run its lifespan."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    async with running(console_settings(docs_table)) as console:
        browser = Browser(Starlette(routes=[Mount("/console", app=console)]))
        page = await browser.get("/console/workers")
        assert page.status_code == 200
        assert 'href="/console/static/console.css' in page.text
        assert (await browser.get("/console/static/console.css")).status_code == 200


async def test_probes_report_process_and_database(docs_table: Database) -> None:
    """/healthz needs no Postgres; /readyz needs one of this version."""
    async with running(console_settings(docs_table)) as console:
        browser = Browser(console, base="http://10.1.2.3:8600", peer="10.9.9.9")
        assert (await browser.get("/healthz")).status_code == 200
        assert (await browser.get("/readyz")).status_code == 200
        docs_table.execute("update wikiembed.alembic_version set version_num = '0001_baseline'")
        assert (await browser.get("/readyz")).status_code == 503
        assert (await browser.get("/healthz")).status_code == 200


async def test_page_without_postgres_says_so(database: Database) -> None:
    """In a sentence, with status 503."""
    settings = console_settings(database, database_url="postgresql://127.0.0.1:9/none")
    async with running(settings) as console:
        page = await Browser(console).get("/healthz")
        assert page.status_code == 200
        console.database.wait_s = 0.5
        page = await Browser(console).get("/")
        assert page.status_code == 503
        assert "out of reach" in text_of(page.text)


async def test_open_pages_share_one_reading(docs_table: Database, console: Console) -> None:
    """Fifty requests at a time read the database once."""
    browsers = [Browser(console) for _ in range(50)]
    read: list[int] = []
    take = console.database.read

    async def counting(work: object, *args: object) -> object:
        read.extend([1] * (work is glance))
        return await take(work, *args)  # type: ignore[arg-type]

    console.database.read = counting  # type: ignore[method-assign, assignment]
    await asyncio.gather(*(browser.get("/") for browser in browsers))
    assert len(read) == 1


def test_first_screen_reads_neither_table_nor_queue(docs_table: Database) -> None:
    """Of 20,000 chunks and as many jobs it reads a few hundred entries."""
    docs_table.execute("update wikiembed.sources set batch_size = 1 where name = 'docs'")
    add_chunks(docs_table, 20_000)
    docs_table.execute("vacuum analyze")
    with docs_table.connect(autocommit=False) as connection:
        glance(connection)
        read = connection.execute(
            "select relname, pg_stat_get_xact_tuples_returned(oid)::int from pg_class"
            " where relname ~ 'docs|jobs|failures' and relkind in ('r', 'i')"
            " and pg_stat_get_xact_tuples_returned(oid) > 100"
        ).fetchall()
    assert read == []


async def test_slow_section_is_left_out(
    docs_table: Database, console: Console, browser: Browser
) -> None:
    """A part of the page that takes too long is named; the rest is shown."""
    embed(docs_table, add(docs_table, "one"))
    with docs_table.connect(autocommit=False) as blocker:
        blocker.execute("lock table wikiembed_queue.procrastinate_jobs in access exclusive mode")
        console.database.read_ms = 200
        page = await browser.get("/workers")
    assert page.status_code == 503
    assert "took longer than the limit" in text_of(page.text)


def test_flash_cookie_of_others_is_ignored() -> None:
    """It is not signed: what it says is looked up and escaped."""
    for cookie in ("", "x", "bm8=", "WzFd", "bnVsbA=="):
        assert unpack_flash(cookie) is None


def test_postgres_names_the_console(docs_table: Database) -> None:
    """In pg_stat_activity, with a limit on each statement."""
    from wikiembed.web.database import Database as Pool

    pool = Pool(console_settings(docs_table))
    try:
        with pool.connection() as connection:
            row = connection.execute(
                "select current_setting('application_name'), current_setting('statement_timeout')"
            ).fetchone()
            assert row == ("wikiembed console", "5s")
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("set statement_timeout = 50; select pg_sleep(5)")
    finally:
        asyncio.run(pool.aclose())
