"""Splitting a source again: searchable meanwhile, and only what differs is embedded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from zlib import crc32

import pytest

from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, opened, prove, settings_of
from wikiembed.control.resplit import OptionChange, plan, stored_documents
from wikiembed.db.connect import connect
from wikiembed.documents import work
from wikiembed.documents.preview import preview
from wikiembed.documents.units import Units
from wikiembed.documents.work import Plan, SplitJob, plan_of
from wikiembed.store.documents import Document, DocumentOptions

DOCUMENTS = 12
CHUNKS = (
    "select id, document_id, content, context, embedding::text, position"
    " from public.articles_chunks order by document_id, position"
)
WAITING = "select waiting from wikiembed.documents where source = 'articles'"
FOUND = (
    "select count(*) from public.articles_chunks as c, lateral wikiembed.search('articles',"
    " c.embedding, p_limit => 1) as s where c.embedding is not null"
)
Rows = list[tuple[int, int, str, str, str, int]]


def body(number: int) -> str:
    """Paragraphs of sentences of several lengths, of some 4,000 characters."""
    sentences = [
        f"Sentence {n} of article {number} is about topic {n * 7919 % 97}"
        + ", which takes many more words to explain" * ((n * 31 + number) % 4)
        + "."
        for n in range(40)
    ]
    return "\n\n".join(" ".join(sentences[at : at + 5]) for at in range(0, len(sentences), 5))


@pytest.fixture
async def articles(database: Database, standin: StandIn) -> AsyncIterator[Database]:
    """Source articles, in chunks of 1,000 characters, embedded; invariants at the end."""
    database.execute("create table public.articles (id bigint primary key, title text, body text)")
    database.execute(
        "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
        " p_title => 'title', p_dimensions => 4)"
    )
    prove(database, "articles")
    for number in range(DOCUMENTS):
        database.execute(
            "insert into public.articles values (%s, 'Title', %s)", [number, body(number)]
        )
    await drain(settings_of(database, standin.url))
    standin.reset_stats()
    yield database
    database.check_invariants()
    assert database.one(WAITING) == 0


def texts(rows: Rows) -> set[tuple[int, str]]:
    """Document and content of each chunk: here no document has one content twice."""
    return {(row[1], row[2]) for row in rows}


def assert_equal_chunks_kept(old: Rows, new: Rows) -> int:
    """Each chunk whose text was there before has its row and its vector; returns their number."""
    before = {(row[1], row[2]): (row[0], row[4]) for row in old}
    equal = [row for row in new if (row[1], row[2]) in before]
    assert [(row[0], row[4]) for row in equal] == [before[row[1], row[2]] for row in equal]
    return len(equal)


async def test_other_bound_keeps_equal_chunks_and_stays_searchable(
    articles: Database, standin: StandIn
) -> None:
    """1,000 to 800: old chunks are found until their document is split, no vector is lost."""
    old = articles.rows(CHUNKS)
    assert articles.one("select wikiembed.resplit('articles', p_max_chars => 800)") == DOCUMENTS
    assert articles.rows(CHUNKS) == old
    assert articles.one("select wikiembed.is_ready('articles', true)") is False
    assert articles.one(FOUND) == len(old)
    articles.check_invariants()
    await drain(settings_of(articles, standin.url))
    new = articles.rows(CHUNKS)
    assert max(len(row[2]) for row in new) <= 800 < max(len(row[2]) for row in old)
    kept = assert_equal_chunks_kept(old, new)
    assert standin.stats.texts == len(new) - kept
    assert articles.one("select wikiembed.is_ready('articles', true)") is True


async def test_other_anchor_rule_keeps_every_equal_chunk(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 to 1,000 by a splitter that cuts at other places: a dry run says how many stay."""
    old = articles.rows(CHUNKS)

    def noise(self: Units, at: int) -> float:
        return crc32(b"another rule" + self.flat[max(0, at - 9) : at + 9].encode()) / (1 << 32)

    monkeypatch.setattr(Units, "noise", noise)
    settings = settings_of(articles, standin.url)
    with connect(settings) as connection:
        planned = plan(connection, settings, "articles", OptionChange())
        said = preview(stored_documents(connection, "articles", most=100), planned.after)
    articles.execute("select wikiembed.resplit('articles', p_force => true)")
    await drain(settings)
    new = articles.rows(CHUNKS)
    assert 0 < len(texts(new) & texts(old)) < len(old)
    kept = assert_equal_chunks_kept(old, new)
    assert (said.stay, said.embed) == (kept, len(new) - kept)
    assert (said.chunks, said.documents) == (len(old), DOCUMENTS)
    assert standin.stats.texts == len(new) - kept


async def test_document_read_with_the_old_options_is_stale_and_read_again(
    articles: Database, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options change between split and write: no chunk of the former ones is left."""
    articles.execute("select wikiembed.resplit('articles', p_force => true)")
    seen: list[tuple[str, int]] = []

    def changing(document: Document, options: DocumentOptions) -> Plan:
        plan = plan_of(document, options)
        seen.append((document.key, options.max_chars))
        if len(seen) == 2:
            articles.execute("select wikiembed.resplit('articles', p_max_chars => 500)")
        return plan

    monkeypatch.setattr(work, "plan_of", changing)
    async with opened(articles, standin.url) as runtime:
        await work.process(SplitJob(source="articles", documents=["1", "2"]), runtime)
    assert sorted(seen[:2]) == [("1", 1000), ("2", 1000)]
    assert ("2", 500) in seen
    longest = "select max(length(content)) from public.articles_chunks where document_id = %s"
    assert int(articles.one(longest, [2])) <= 500
    articles.check_invariants()
    await drain(settings_of(articles, standin.url))
    assert int(articles.one(longest, [1])) <= 500


async def test_tokens_of_the_worker_bound_its_chunks(articles: Database, standin: StandIn) -> None:
    """By the estimate for a server; with no bound again, the chunks are the first ones."""
    contents = {row[2] for row in articles.rows(CHUNKS)}
    articles.execute("select wikiembed.resplit('articles', p_max_tokens => 100)")
    await drain(settings_of(articles, standin.url))
    longest = "select max(octet_length(content)) from public.articles_chunks"
    assert 200 < int(articles.one(longest)) <= 400
    articles.execute("select wikiembed.resplit('articles', p_max_tokens => 0)")
    await drain(settings_of(articles, standin.url))
    assert {row[2] for row in articles.rows(CHUNKS)} == contents
