"""Workers split documents: an edit costs what it changed, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.chunks import fetch
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, opened, prove, settings_of, working
from wikiembed.documents import split, work
from wikiembed.documents.work import Plan, SplitJob, plan_of
from wikiembed.store.documents import Document, DocumentOptions

SENTENCES = [
    f"Sentence number {n} of the article is about topic {n * 7919 % 97}." for n in range(40)
]
BODY = "\n\n".join(" ".join(SENTENCES[first : first + 4]) for first in range(0, len(SENTENCES), 4))
DIE = "update wikiembed_queue.procrastinate_workers set last_heartbeat = now() - interval '31 s'"
WAITING = "select waiting from wikiembed.documents where source = 'articles'"


@pytest.fixture
def articles(database: Database) -> Iterator[Database]:
    """Table articles, split into chunks of 300 characters; all invariants at the end."""
    database.execute("create table public.articles (id bigint primary key, title text, body text)")
    database.execute(
        "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
        " p_title => 'title', p_max_chars => 300, p_dimensions => 4)"
    )
    prove(database, "articles")
    yield database
    database.check_invariants()
    assert database.one(WAITING) == 0


def put(database: Database, key: int, body: str | None = BODY, title: str = "Title") -> None:
    database.execute("insert into public.articles values (%s, %s, %s)", [key, title, body])


def chunks(database: Database, key: int = 1) -> dict[int, tuple[str, str | None, str | None]]:
    """Content, context and vector of each chunk of an article by id, in order of position."""
    rows = database.rows(
        "select id, content, context, embedding::text, position from public.articles_chunks"
        " where document_id = %s order by position",
        [key],
    )
    assert [row[4] for row in rows] == list(range(len(rows)))
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def missing(database: Database) -> int:
    return int(database.one("select count(*) from public.articles_chunks where embedding is null"))


async def test_one_word_changed_embeds_few_texts(articles: Database, standin: StandIn) -> None:
    """Equal chunks keep their ids and vectors; chunks are slices of the text."""
    put(articles, 1)
    settings = settings_of(articles, standin.url)
    await drain(settings)
    before = chunks(articles)
    assert len(before) >= 10
    assert standin.stats.texts == len(before)
    assert {context for _, context, _ in before.values()} == {"Title"}
    standin.reset_stats()
    articles.execute(
        "update public.articles set body = replace(body, 'number 17', 'number seventeen')"
    )
    await drain(settings)
    after = chunks(articles)
    assert 1 <= standin.stats.texts <= 4
    equal = [key for key in before if after.get(key) == before[key]]
    assert len(equal) >= len(after) - 4
    assert missing(articles) == 0
    assert articles.one(
        "select count(*) from public.articles_chunks as c join public.articles as a"
        " on a.id = c.document_id where c.content"
        " <> substr(a.body, c.starts_at + 1, c.ends_at - c.starts_at)"
    ) == 0  # fmt: skip


async def test_title_that_changes_embeds_all_chunks_again(
    articles: Database, standin: StandIn
) -> None:
    """In the same rows."""
    put(articles, 1)
    settings = settings_of(articles, standin.url)
    await drain(settings)
    before = chunks(articles)
    standin.reset_stats()
    articles.execute("update public.articles set title = 'Other'")
    await drain(settings)
    after = chunks(articles)
    assert standin.stats.texts == len(before)
    assert list(after) == list(before)
    assert {context for _, context, _ in after.values()} == {"Other"}
    assert missing(articles) == 0


async def test_documents_that_are_deleted_delete_their_chunks(
    articles: Database, standin: StandIn
) -> None:
    """Also one that is deleted while it waits."""
    for key in (1, 2, 3):
        put(articles, key)
    settings = settings_of(articles, standin.url)
    await drain(settings)
    articles.execute("update public.articles set body = body || ' More.' where id = 2")
    articles.execute("delete from public.articles where id in (1, 2)")
    await drain(settings)
    assert articles.rows("select distinct document_id from public.articles_chunks") == [(3,)]


@pytest.mark.parametrize("body", [" \n\t ", "", None])
async def test_blank_document_has_no_chunks_and_does_not_wait(
    articles: Database, standin: StandIn, body: str | None
) -> None:
    """A text that becomes blank loses its chunks."""
    put(articles, 1, body)
    put(articles, 2, "One sentence.")
    settings = settings_of(articles, standin.url)
    await drain(settings)
    assert (len(chunks(articles, 1)), len(chunks(articles, 2))) == (0, 1)
    assert articles.one("select wikiembed.is_ready('articles', true)") is True
    articles.execute("update public.articles set body = %s where id = 2", [body])
    await drain(settings)
    assert chunks(articles, 2) == {}
    assert articles.one("select wikiembed.is_ready('articles', true)") is True


def job(*keys: int) -> SplitJob:
    return SplitJob(source="articles", documents=[str(key) for key in keys])


def queued(database: Database) -> list[list[str]]:
    """Documents of each job that waits."""
    rows = database.rows(
        "select args -> 'documents' from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.split' and status = 'todo' order by id"
    )
    return [row[0] for row in rows]


async def test_two_workers_split_one_document(articles: Database, standin: StandIn) -> None:
    """Each chunk exists once, and nothing is queued for a document that is split."""
    put(articles, 1)
    async with opened(articles, standin.url) as one, opened(articles, standin.url) as other:
        await asyncio.gather(*(work.process(job(1), runtime) for runtime in (one, other) * 4))
    contents = [content for content, _, _ in chunks(articles).values()]
    assert len(contents) == len(set(contents)) >= 10
    await drain(settings_of(articles, standin.url))
    assert (missing(articles), queued(articles)) == (0, [])


async def test_document_edited_while_it_is_split_is_split_again(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between read and write: stale, read again, written once."""
    put(articles, 1)
    edits = iter(["A first edit.", "A second edit."])

    def edited(document: Document, options: DocumentOptions) -> Plan:
        plan = plan_of(document, options)
        if body := next(edits, None):
            articles.execute("update public.articles set body = %s", [body])
        return plan

    monkeypatch.setattr(work, "plan_of", edited)
    async with opened(articles, standin.url) as runtime:
        await work.process(job(1), runtime)
    assert [content for content, _, _ in chunks(articles).values()] == ["A second edit."]
    await drain(settings_of(articles, standin.url))


async def test_worker_cancelled_between_read_and_write_leaves_the_document_queued(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM twice, which cancels the job: it is requeued, and the next worker splits it."""
    put(articles, 1)
    began = asyncio.Event()

    async def never(self: object, document: Document, options: DocumentOptions) -> Plan:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    settings = settings_of(articles, standin.url)
    with monkeypatch.context() as patched:
        patched.setattr(work._Run, "_plan", never)
        async with working(settings) as worker:
            await asyncio.wait_for(began.wait(), 30)
            worker.send_signal()
            worker.send_signal()
            await asyncio.wait_for(worker.run, 20)
    assert (chunks(articles), queued(articles)) == ({}, [["1"]])
    await drain(settings)
    assert len(chunks(articles)) >= 10


async def test_paused_source_splits_nothing_until_it_is_resumed(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused during a job: the documents that are split together are written, the others wait."""
    monkeypatch.setattr(work, "CHECK_PAUSE_EVERY_S", -1.0)
    articles.execute(
        "insert into public.articles select i, 'Title', rpad('Text number ' || i, %s)"
        " from generate_series(1, 16) as i",
        [work.WRITE_CHARS // 5],
    )
    calls = 0

    def pausing(document: Document, options: DocumentOptions) -> Plan:
        nonlocal calls
        calls += 1
        if calls == 4:
            articles.execute("select wikiembed.pause('articles', 'a test')")
        return plan_of(document, options)

    with monkeypatch.context() as patched:
        patched.setattr(work, "plan_of", pausing)
        async with working(settings_of(articles, standin.url)) as worker:
            await worker.wait_for(lambda: queued(articles))
            await asyncio.sleep(1.0)
            assert articles.one(WAITING) == 11
            articles.check_invariants()
    assert [len(keys) for keys in queued(articles)] == [11]
    articles.execute("select wikiembed.resume('articles')")
    await drain(settings_of(articles, standin.url))
    assert articles.one("select count(distinct document_id) from public.articles_chunks") == 16


async def test_locked_document_is_split_after_the_other_transaction(
    articles: Database, standin: StandIn
) -> None:
    """The worker does not wait: the others are split at once."""
    for key in (1, 2):
        put(articles, key, f"Text {key}.")
    holder = articles.connect(autocommit=False)
    holder.execute("select from public.articles where id = 1 for update")
    async with working(settings_of(articles, standin.url), drain=True) as worker:
        await worker.wait_for(lambda: chunks(articles, 2))
        await worker.wait_for(lambda: queued(articles))
        assert chunks(articles, 1) == {}
        articles.check_invariants()
        holder.rollback()
        await asyncio.wait_for(worker.run, 30)
    assert len(chunks(articles, 1)) == 1


async def test_document_that_cannot_be_split_fails_until_it_changes(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In document_failures, without its text; a retry or an edit queues it again."""

    def failing(text: str, **options: object) -> object:
        if "secret" in text:
            raise RecursionError(text)
        return split(text, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "split", failing)
    put(articles, 1, "A secret text.")
    put(articles, 2, "Another text.")
    await drain(settings_of(articles, standin.url))
    ((key, error_class, message),) = articles.rows(
        "select key, error_class, message from wikiembed.document_failures"
    )
    assert (key, error_class) == ("1", "document_unreadable")
    assert "RecursionError" in message
    assert "secret" not in message
    assert len(chunks(articles, 2)) == 1
    assert articles.one("select wikiembed.is_ready('articles', true)") is False
    articles.check_invariants()
    retry = "select jobs, chunks from wikiembed.retry_failures('articles', p_error_class => %s)"
    assert articles.rows(retry, ["timeout"]) == [(0, 0)]
    assert articles.rows(retry, ["document_unreadable"]) == [(1, 0)]
    assert queued(articles) == [["1"]]
    await drain(settings_of(articles, standin.url))
    assert articles.one("select count(*) from wikiembed.document_failures") == 1
    articles.execute("update public.articles set body = 'A text.' where id = 1")
    await drain(settings_of(articles, standin.url))
    assert articles.rows("select key from wikiembed.document_failures") == []
    assert len(chunks(articles, 1)) == 1


async def test_chunks_that_a_constraint_refuses_fail_the_document(
    articles: Database, standin: StandIn
) -> None:
    """write_refused names the constraint, and the others are split."""
    articles.execute(
        "alter table public.articles_chunks add constraint polite check (content !~ 'rude')"
    )
    put(articles, 1, "A rude text.")
    put(articles, 2, "Another text.")
    await drain(settings_of(articles, standin.url))
    assert articles.rows("select key, error_class, message from wikiembed.document_failures") == [
        ("1", "write_refused", "Postgres refuses a chunk (constraint 'polite', SQLSTATE 23514).")
    ]
    assert len(chunks(articles, 2)) == 1
    articles.execute("update public.articles set body = 'A text.' where id = 1")
    await drain(settings_of(articles, standin.url))


async def test_chunk_table_altered_by_hand_while_split_is_read_again(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk deleted between read and write: stale, and written by the next round."""
    put(articles, 1)
    settings = settings_of(articles, standin.url)
    await drain(settings)
    articles.execute("update public.articles set body = body || ' The end.'")
    altered = False

    def altering(document: Document, options: DocumentOptions) -> Plan:
        nonlocal altered
        if not altered:
            altered = True
            articles.execute("delete from public.articles_chunks where position = 2")
        return plan_of(document, options)

    with monkeypatch.context() as patched:
        patched.setattr(work, "plan_of", altering)
        await drain(settings)
    assert altered
    found = [content for content, _, _ in chunks(articles).values()]
    assert found[-1].endswith("The end.")
    assert missing(articles) == 0


async def test_documents_that_each_worker_dies_with_are_recorded(
    articles: Database, standin: StandIn
) -> None:
    """The third rescue halves their job, until each is alone; a retry splits them."""
    articles.execute(
        "insert into public.articles select i, 'Title', 'Text number ' || i"
        " from generate_series(1, 4) as i"
    )
    sizes = []
    while jobs := queued(articles):
        sizes.append(sorted(map(len, jobs)))
        assert len(sizes) < 10
        while fetch(articles, ["embed_articles"]) is not None:
            pass
        articles.execute(DIE)
        articles.execute("select wikiembed.rescue_jobs()")
        articles.check_invariants()
    assert sizes == [[4], [4], [4], [2, 2], [1, 1, 1, 1]]
    assert articles.rows(
        "select key, error_class from wikiembed.document_failures order by key"
    ) == [(str(key), "worker_lost") for key in (1, 2, 3, 4)]
    articles.execute("select wikiembed.retry_failures('articles')")
    await drain(settings_of(articles, standin.url))
    assert articles.one("select count(*) from public.articles_chunks") == 4


async def test_document_edited_eight_times_a_second_ends_as_its_last_text(
    articles: Database, standin: StandIn
) -> None:
    """Two workers, an edit every 125 ms: the chunks are slices of the text at the end."""
    put(articles, 1)
    settings = settings_of(articles, standin.url)
    async with working(settings), working(settings):
        for n in range(24):
            await asyncio.to_thread(
                articles.execute,
                "update public.articles set body = replace(body, %s, %s)",
                [f"number {n} of", f"number {n} is of"],
            )
            await asyncio.sleep(0.125)
    await drain(settings)
    assert missing(articles) == 0
    text = "".join(content for content, _, _ in chunks(articles).values())
    assert text.count(" is of ") == 24
