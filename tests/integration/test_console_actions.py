"""The console's actions do what the commands do, in the name of the user, if the role may."""

from __future__ import annotations

import itertools
import re
from html import unescape

import pytest

from tests.support.chunks import (
    add,
    clear_jobs,
    counts,
    embed,
    fail,
    failures,
    pause_reason,
    queued,
    read,
    without_vector,
)
from tests.support.console import (
    Browser,
    console_settings,
    csrf_of,
    running,
    text_of,
)
from tests.support.database import Database
from wikiembed.control import bulk
from wikiembed.control.rights import SIGNATURES, permitted
from wikiembed.web.access import Access
from wikiembed.web.app import Console

LOG = "select action, source, why, who from wikiembed.action_log order by id desc limit 1"
DOCS = {"name": "docs"}


def last_action(database: Database) -> tuple[str, str | None, str | None, str]:
    """Action, source, reason and user of the last entry of the log."""
    ((action, source, why, who),) = database.rows(LOG)
    return action, source, why, who


def failed(database: Database, n: int, error_class: str, message: str = "") -> list[str]:
    """Keys of new chunks that failed."""
    keys = add(database, *(f"text {i}" for i in range(n)))
    fail(database, read(database, keys), error_class=error_class, message=message)
    clear_jobs(database)
    return keys


async def test_pause_and_resume_need_a_reason(docs_table: Database, browser: Browser) -> None:
    """Which the log has, with the user of the console and the role."""
    role = docs_table.one("select session_user::text")
    refused = await browser.send("/source/pause", {**DOCS, "why": "  "})
    assert refused.status_code == 400
    assert "A reason is required." in refused.text
    assert pause_reason(docs_table) is None
    page = await browser.follow(
        await browser.send("/source/pause", {**DOCS, "why": "the server moves", "until": "2h"})
    )
    assert "Paused." in text_of(page.text)
    assert pause_reason(docs_table) == "the server moves"
    assert last_action(docs_table) == ("pause", "docs", "the server moves", f"console ({role})")
    assert (await browser.send("/source/resume", DOCS)).status_code == 400
    page = await browser.follow(await browser.send("/source/resume", {**DOCS, "why": "moved"}))
    assert "Resumed; workers continue." in text_of(page.text)
    assert pause_reason(docs_table) is None
    assert last_action(docs_table) == ("resume", "docs", "moved", f"console ({role})")
    # What was done is shown once.
    assert "Resumed" not in text_of((await browser.get("/source?name=docs")).text)


@pytest.mark.parametrize("until", ["yesterday", "2001-01-01", "99999999999d"])
async def test_pause_until_a_wrong_time_is_refused(
    docs_table: Database, browser: Browser, until: str
) -> None:
    """With a sentence, and nothing is paused."""
    refused = await browser.send("/source/pause", {**DOCS, "why": "x", "until": until})
    assert refused.status_code == 400
    assert pause_reason(docs_table) is None


async def test_form_without_a_source_means_none(docs_table: Database, browser: Browser) -> None:
    """Where the SQL function would take all of them."""
    for path in ("/source/pause", "/source/resume", "/source/reconcile", "/source/enqueue"):
        assert (await browser.send(path, {"why": "x"})).status_code == 400
    assert pause_reason(docs_table) is None


async def test_enqueue_queues_what_is_held_back(docs_table: Database, browser: Browser) -> None:
    """The button that ends the obstacle of the first screen."""
    keys = add(docs_table, "one", "two")
    clear_jobs(docs_table)
    docs_table.execute("update wikiembed.sources set held_back_at = now() where name = 'docs'")
    page = await browser.get("/")
    assert "docs 2 wait to be queued Queue them wikiembed enqueue docs" in text_of(page.text)
    page = await browser.follow(await browser.send("/source/enqueue", DOCS))
    assert "Queued 2 chunks in 1 jobs." in text_of(page.text)
    assert queued(docs_table) == keys


async def test_reconcile_corrects_the_counts(docs_table: Database, browser: Browser) -> None:
    """As the command does."""
    embed(docs_table, add(docs_table, "one"))
    docs_table.execute("insert into wikiembed.ledger (source, total) values ('docs', 5)")
    await browser.follow(await browser.send("/source/reconcile", DOCS))
    docs_table.check_invariants()
    assert last_action(docs_table)[0] == "reconcile"


async def test_retry_by_class_is_previewed(docs_table: Database, browser: Browser) -> None:
    """Its number is shown first; failures of other classes stay."""
    timeouts = failed(docs_table, 3, "timeout")
    failed(docs_table, 2, "rejected")
    preview = await browser.get("/source/retry?name=docs&class=timeout")
    assert "Chunks 3 Documents 0" in text_of(preview.text)
    assert queued(docs_table) == []
    until = preview.text.partition('name="until" value="')[2].partition('"')[0]
    page = await browser.follow(
        await browser.send("/source/retry", {**DOCS, "class": "timeout", "until": until})
    )
    assert "Queued 3 chunks and 0 documents again" in text_of(page.text)
    assert queued(docs_table) == sorted(timeouts)
    assert {row[2] for row in failures(docs_table)} == {"rejected"}


async def test_retry_leaves_failures_that_come_after_the_preview(
    docs_table: Database, browser: Browser
) -> None:
    """What fails again is not retried for ever, and no other number is retried than was shown."""
    first = failed(docs_table, 1, "timeout")
    preview = await browser.get("/source/retry?name=docs")
    until = preview.text.partition('name="until" value="')[2].partition('"')[0]
    failed(docs_table, 1, "timeout")
    await browser.follow(await browser.send("/source/retry", {**DOCS, "until": until}))
    assert queued(docs_table) == first
    assert len(failures(docs_table)) == 1


async def test_skip_by_class_needs_a_reason(docs_table: Database, browser: Browser) -> None:
    """And marks what was shown; the log has the number."""
    failed(docs_table, 2, "rejected")
    failed(docs_table, 1, "timeout")
    preview = await browser.get("/source/skip?name=docs&class=rejected")
    assert "Chunks 2" in text_of(preview.text)
    until = preview.text.partition('name="until" value="')[2].partition('"')[0]
    form = {**DOCS, "class": "rejected", "until": until}
    assert (await browser.send("/source/skip", form)).status_code == 400
    page = await browser.follow(
        await browser.send("/source/skip", {**form, "why": "no text in them"})
    )
    assert "Skipped 2 chunks." in text_of(page.text)
    assert (counts(docs_table).skipped, counts(docs_table).failed) == (2, 1)
    assert last_action(docs_table)[:3] == ("skip", "docs", "no text in them")


HIDDEN = re.compile(r'<input type="hidden" name="([a-z]+)" value="([^"]*)"')


def hidden_of(html: str) -> dict[str, str]:
    """The hidden fields of the form of a preview."""
    return {name: unescape(value) for name, value in HIDDEN.findall(html.partition("<main")[2])}


async def test_retry_and_skip_by_every_part_of_the_filter(
    docs_table: Database, browser: Browser
) -> None:
    """Server, text and age; the form has what the preview counted, whatever fails afterwards."""
    message = "The embedding server at http://gpu:8080 gave no answer within 60 s."
    (old, new) = failed(docs_table, 2, "timeout", message)
    failed(docs_table, 3, "rejected", "no such text")
    docs_table.execute(
        "update wikiembed.failures set last_at = now() - interval '3 days' where key = %s", [old]
    )
    asked = {"name": "docs", "server": "http://gpu:8080", "text": "NO ANSWER", "older": "2d"}
    page = await browser.get("/source", params=asked)
    listed = page.text.partition('id="list"')[2]
    assert (f"<code>{old}</code>" in listed, f"<code>{new}</code>" in listed) == (True, False)
    for name, value in asked.items():
        assert f'name="{name}" value="{value}"' in listed
    preview = await browser.get("/source/retry", params=asked)
    assert "Chunks 1 Documents 0" in text_of(preview.text)
    assert "http://gpu:8080" in text_of(preview.text)
    hidden = hidden_of(preview.text)
    assert {"older", "until", "server", "text"} <= set(hidden)
    page = await browser.follow(await browser.send("/source/retry", hidden))
    assert "Queued 1 chunks and 0 documents again" in text_of(page.text)
    assert queued(docs_table) == [old]
    preview = await browser.get("/source/skip", params={"name": "docs", "newer": "1h", "text": "%"})
    assert "No failure matches." in text_of(preview.text)
    asked = {"name": "docs", "newer": "1h", "text": "such"}
    hidden = hidden_of((await browser.get("/source/skip", params=asked)).text)
    page = await browser.follow(await browser.send("/source/skip", {**hidden, "why": "empty"}))
    assert "Skipped 3 chunks." in text_of(page.text)
    wrong = await browser.get("/source?name=docs&newer=soon")
    assert wrong.status_code == 400
    assert "not a valid time" in wrong.text


async def test_what_is_left_keeps_the_filter(
    docs_table: Database, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next preview counts what the first one would, under its own times."""
    monkeypatch.setattr(bulk, "BATCH", 1)
    monkeypatch.setattr("wikiembed.web.acts.ROUND_S", 0.0)
    failed(docs_table, 2, "timeout", "late")
    failed(docs_table, 1, "timeout", "other")
    asked = {"name": "docs", "text": "late", "newer": "1d"}
    hidden = hidden_of((await browser.get("/source/retry", params=asked)).text)
    answer = await browser.send("/source/retry", hidden)
    page = await browser.follow(answer)
    assert "Chunks 1 Documents 0" in text_of(page.text)
    assert {k: v for k, v in hidden_of(page.text).items() if k != "csrf"} == {
        k: v for k, v in hidden.items() if k != "csrf"
    }


async def test_round_that_changes_nothing_says_why(docs_table: Database, browser: Browser) -> None:
    """Failures whose rows are gone are skipped by no further press."""
    docs_table.execute(
        "insert into wikiembed.failures (source, key, error_class) values ('docs', '77', 'timeout')"
    )
    hidden = hidden_of((await browser.get("/source/skip?name=docs")).text)
    page = await browser.follow(await browser.send("/source/skip", {**hidden, "why": "gone"}))
    assert "Nothing was skipped: the rows of the 1 that are left are gone" in text_of(page.text)
    assert "press again" not in text_of(page.text)


async def test_filter_works_below_a_path_and_without_rights(docs_table: Database) -> None:
    """Its buttons lead below the path; a console that is read only has the filter alone."""
    failed(docs_table, 1, "timeout", "late")
    settings = console_settings(docs_table)
    async with running(settings, root_path="/tools") as console:
        page = await Browser(console).get("/tools/source?name=docs&text=late")
        assert 'formaction="/tools/source/retry"' in page.text
        assert 'formaction="/tools/source/skip"' in page.text
        assert 'action="/tools/source#list"' in page.text
    async with running(settings, access=Access(read_only=True)) as console:
        page = await Browser(console).get("/source?name=docs&text=late")
        assert "formaction" not in page.text
        assert "Failures that match" in page.text


def test_bulk_works_in_batches_until_its_time_is_over(
    docs_table: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch commits; what is left is counted, and the next round goes on with it."""
    monkeypatch.setattr(bulk, "BATCH", 2)
    failed(docs_table, 5, "timeout")
    connection = docs_table.connect()
    chosen = bulk.Filter(source="docs", error_class=None, until=bulk.present(connection))
    ticks = itertools.count()
    first = bulk.retry(connection, chosen, seconds=2, clock=lambda: float(next(ticks)))
    assert (first.chunks, first.left.chunks) == (4, 1)
    last = bulk.retry(connection, chosen, seconds=2, clock=lambda: 0.0)
    assert (last.chunks, last.left.chunks) == (1, 0)
    docs_table.check_invariants()


def test_bulk_passes_failures_that_are_held(docs_table: Database) -> None:
    """One that another transaction holds is counted, and the round ends."""
    (key, *_) = failed(docs_table, 3, "timeout")
    connection = docs_table.connect()
    chosen = bulk.Filter(source="docs", error_class="timeout", until=bulk.present(connection))
    with docs_table.connect(autocommit=False) as other:
        other.execute("select from wikiembed.failures where key = %s for update", [key])
        done = bulk.retry(connection, chosen, seconds=60)
    assert (done.chunks, done.held, done.left.chunks) == (2, 1, 1)


async def test_documents_are_retried_by_class(database: Database) -> None:
    """Those that could not be split, which have no chunk."""
    database.execute("create table public.articles (id int primary key, body text)")
    database.execute(
        "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
        " p_dimensions => 4)"
    )
    database.execute("insert into public.articles values (1, 'one'), (2, 'two')")
    versions: dict[str, int] = dict(
        database.rows("select key, version from wikiembed.read_documents('articles', '{1,2}')")
    )
    for key, version in versions.items():
        database.execute(
            "select wikiembed.record_document_failure('articles', %s, %s, 'worker_lost', 'x')",
            [key, version],
        )
    async with running(console_settings(database)) as console:
        browser = Browser(console)
        text = text_of((await browser.get("/source?name=articles")).text)
        assert "worker_lost · document 2" in text
        preview = await browser.get("/source/retry?name=articles&class=worker_lost")
        assert "Chunks 0 Documents 2" in text_of(preview.text)
        until = preview.text.partition('name="until" value="')[2].partition('"')[0]
        form = {"name": "articles", "class": "worker_lost", "until": until}
        page = await browser.follow(await browser.send("/source/retry", form))
        assert "Queued 0 chunks and 2 documents again" in text_of(page.text)
    assert database.one("select count(*) from wikiembed.document_failures") == 0


async def test_readers_role_sees_pages_without_actions(docs_table: Database) -> None:
    """The rights of the database role decide; a form that is sent anyway is refused."""
    failed(docs_table, 1, "timeout")
    role = docs_table.create_role("reader", grant="reader")
    docs_table.execute(f"alter role {role} login")
    async with running(console_settings(docs_table)) as console:
        _as_role(console, role)
        browser = Browser(console)
        for path in ("/", "/source?name=docs", "/workers", "/actions", "/search", "/doctor"):
            page = await browser.get(path)
            assert page.status_code == 200, text_of(page.text)
            assert "/source/" not in page.text, path
        preview = await browser.get("/source/retry?name=docs")
        assert "<form" not in preview.text.partition("<main")[2]
        refused = await browser.send("/source/pause", {**DOCS, "why": "x"})
        assert refused.status_code == 403
        assert "database role of this console may not do that: pause" in text_of(refused.text)
    assert pause_reason(docs_table) is None


def _as_role(console: Console, role: str) -> None:
    """Let each connection of the console have the rights of `role` alone."""
    configure = console.database.configure

    def configured(connection: object) -> None:
        connection.execute(f"set session authorization {role}")  # type: ignore[attr-defined]
        configure(connection)  # type: ignore[arg-type]

    console.database.configure = configured  # type: ignore[method-assign]


async def test_read_only_console_offers_and_takes_no_action(docs_table: Database) -> None:
    """Whatever the role may; search and doctor, which change nothing, stay."""
    failed(docs_table, 1, "timeout")
    settings = console_settings(docs_table)
    async with running(settings, access=Access(read_only=True)) as console:
        browser = Browser(console)
        assert "/source/pause" not in (await browser.get("/source?name=docs")).text
        for path in ("pause", "resume", "enqueue", "reconcile", "retry", "skip"):
            refused = await browser.send(f"/source/{path}", {**DOCS, "why": "x"})
            assert refused.status_code == 403
            assert "This console is read only." in refused.text
        assert (await browser.send("/doctor", {})).status_code == 200
    assert (pause_reason(docs_table), without_vector(docs_table)) == (None, 1)


async def test_actor_of_one_user_is_not_that_of_the_next(docs_table: Database) -> None:
    """The connections of the pool are used by all: each action names its own user."""
    access = Access(tokens={"kim": "k" * 20, "lee": "l" * 20})
    async with running(console_settings(docs_table), access=access) as console:
        for name, token in access.tokens.items():
            browser = Browser(console)
            form = {"token": token}
            assert (await browser.send("/login", form, page="/login")).status_code == 303
            token = csrf_of((await browser.get("/source?name=docs")).text)
            await browser.send("/source/pause", {**DOCS, "why": f"by {name}"})
            assert last_action(docs_table)[2:] == (
                f"by {name}", f"{name} ({docs_table.one('select session_user::text')})"
            )  # fmt: skip
        with console.database.connection() as connection:
            actor = connection.execute("select current_setting('wikiembed.actor')").fetchone()
        assert actor == ("console",)


def test_owner_may_do_every_action(docs_table: Database) -> None:
    """Each name leads to a function that exists."""
    assert permitted(docs_table.connect()) == set(SIGNATURES)
