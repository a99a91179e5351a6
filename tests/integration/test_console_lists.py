"""The console's pages of workers, actions, search and doctor."""

from __future__ import annotations

import re

from tests.support.chunks import add, fail, read
from tests.support.console import (
    Browser,
    console_settings,
    running,
    shown,
    text_of,
)
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain
from wikiembed.web.app import Console


async def test_workers_page_lists_processes(
    docs_table: Database, console: Console, browser: Browser
) -> None:
    """Host, version, heartbeat, jobs and requests in progress; of each server the sums."""
    docs_table.execute("insert into wikiembed_queue.procrastinate_workers default values")
    docs_table.execute(
        "select wikiembed.register_worker((select max(id) from"
        " wikiembed_queue.procrastinate_workers), gen_random_uuid(), 'gpu-1', 42, '9.9.9',"
        " 'ollama bge-m3', now())"
    )
    assert "No worker has sent a request yet." in await shown(browser, "/workers")
    docs_table.execute(
        "select wikiembed.report_requests((select max(worker_id) from wikiembed.worker_processes),"
        ' \'[{"server": "http://gpu", "model": "m", "in_flight": 3, "limit": 8, "throttled": 2},'
        ' {"server": "http://gpu", "model": "n", "in_flight": 1, "limit": 4, "throttled": 0}]\')'
    )
    console.shared.forget()
    text = await shown(browser, "/workers")
    assert re.search(r"gpu-1 42 \d s ago 0 4 9\.9\.9 ollama bge-m3", text)
    assert "4 requests in flight, of at most 12 · 2 answers 429" in text
    assert "Workers alive: 1, jobs in progress: 0" in await shown(browser, "/")
    assert "Ray node" not in text
    docs_table.execute("update wikiembed.worker_processes set node = 'n0de', actor = 'act0r'")
    console.shared.forget()
    assert "gpu-1 42 n0de act0r" in await shown(browser, "/workers")


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


async def test_failures_name_their_server(docs_table: Database, browser: Browser) -> None:
    """As their messages do, without the path; one that no server caused has none."""
    keys = add(docs_table, "one", "two", "three")
    for key, message in zip(
        keys,
        (
            "The embedding server rejected the batch (400) at http://gpu-1:8080/v1/embeddings: at"
            " https://elsewhere/x it says no.",
            "The embedding server at http://gpu-2 gave no answer within 60 s.",
            "Postgres refuses the vector: see https://elsewhere.",
        ),
        strict=True,
    ):
        fail(docs_table, read(docs_table, [key]), error_class="rejected", message=message)
    page = (await browser.get("/source?name=docs")).text
    cells = re.findall(r'class="server">(?:<a href="([^"]+)">)?([^<]+)<', page)
    assert sorted(at for _, at in cells) == ["http://gpu-1:8080", "http://gpu-2", "–"]
    (link,) = [link for link, at in cells if at == "http://gpu-1:8080"]
    text = await shown(browser, link.replace("&amp;", "&"))
    assert "rejected the batch (400)" in text
    assert "gave no answer within" not in text
