"""2,000 articles in three languages, with tenants and a composite key: from table to answer."""

from __future__ import annotations

import json
from collections import Counter

from tests.support.cli import Cli
from tests.support.commands import assert_done, events, json_lines
from tests.support.database import Database
from tests.support.mixed_articles import MAX_CHARS, PLANTED, Article, make_articles
from wikiembed.config import LOCAL_DIMENSIONS

ARTICLES = 2_000
TENANTS = 7
ENV = {"WIKIEMBED_EMBEDDER": "local", "WIKIEMBED_DIMENSIONS": str(LOCAL_DIMENSIONS)}
TABLE = """
create table public.articles (
  tenant int not null, id int not null, title text not null, body text not null,
  primary key (tenant, id)
)
"""
ATTACH = (
    *("attach", "public.articles", "--documents", "--key", "tenant,id", "--text", "body"),
    *("--title", "title", "--splitter", "markdown", "--name", "articles"),
)
CHUNKS = """
select document_tenant, document_id, coalesce(context, ''), content, id, embedding::text
  from public.articles_chunks order by document_tenant, document_id, position
"""
Text = tuple[int, int, str, str]
"""Tenant, id, context and content: what is embedded, of which document."""
MAX_TEXTS_PER_EDIT = 4
"""For a word, a sentence or a paragraph of an article."""


def test_mixed_articles_are_split_embedded_and_found(cli: Cli, database: Database) -> None:
    """An edit by SQL embeds what it changed and no more; a deleted tenant leaves no chunk."""
    articles = make_articles(ARTICLES, tenants=TENANTS)
    lengths = sorted(len(article.body) for article in articles)
    assert (lengths[0] < 20, MAX_CHARS - 1_000 < lengths[-1] <= MAX_CHARS) == (True, True)
    insert(database, articles)
    assert_done(cli.run(*ATTACH, env=ENV))
    assert_done(cli.run("backfill", "articles", env=ENV, timeout=300))
    assert_ready(cli, database, documents=ARTICLES)
    assert_found(cli, database, articles)
    assert_edits_cost_what_they_changed(cli, database, articles)
    assert_ready(cli, database, documents=ARTICLES)
    database.execute("delete from public.articles where tenant = 2")
    assert (
        database.one("select count(*) from public.articles_chunks where document_tenant = 2") == 0
    )
    kept = sum(article.tenant != 2 for article in articles)
    assert_ready(cli, database, documents=kept)


def insert(database: Database, articles: list[Article]) -> None:
    """Create the table and copy the articles."""
    database.execute(TABLE)
    copied = "copy public.articles (tenant, id, title, body) from stdin"
    with database.connect() as connection, connection.cursor().copy(copied) as copy:
        for one in articles:
            copy.write_row((one.tenant, one.id, one.title, one.body))


def assert_ready(cli: Cli, database: Database, *, documents: int) -> None:
    """All are split and embedded, none failed, and the invariants hold."""
    assert_done(cli.run("ready", "articles", env=ENV))
    counts = json.loads(cli.run("status", "--json", env=ENV).stdout)["documents"]
    (row,) = [one for one in counts if one["source"] == "articles"]
    assert (row["total"], row["split"], row["waiting"], row["failed"]) == (
        documents,
        documents,
        0,
        0,
    )
    assert cli.run("failures", "articles", env=ENV).stdout == "No failures.\n"
    database.check_invariants("articles")


def assert_found(cli: Cli, database: Database, articles: list[Article]) -> None:
    """The first hit of each question is a chunk of the one article with the answer."""
    for planted in PLANTED:
        (expected,) = [one for one in articles if planted.passage in one.body]
        found = cli.run(
            "search", planted.question, "--source", "articles", "--limit", "1", "--json", env=ENV
        )
        (hit,) = json_lines(found)
        ((tenant, number, content),) = database.rows(
            "select document_tenant, document_id, content from public.articles_chunks"
            " where id = %s",
            [int(str(hit["key"]))],
        )
        assert (tenant, number) == (expected.tenant, expected.id), planted.question
        assert planted.passage in content


def assert_edits_cost_what_they_changed(
    cli: Cli, database: Database, articles: list[Article]
) -> None:
    """One drain after all edits embeds as many texts as are new; the others keep their rows."""
    before = database.rows(CHUNKS)
    long = [one for one in articles if len(one.body) > 3_000]
    edited: set[tuple[int, int]] = set()
    for number, one in enumerate(long[:30]):
        edit(database, one, edited_body(one.body, number))
        edited.add((one.tenant, one.id))
    renamed = next(one for one in articles if one not in long and len(one.body) > 1_500)
    database.execute(
        "update public.articles set title = title || ' *' where (tenant, id) = (%s, %s)",
        [renamed.tenant, renamed.id],
    )
    drained = cli.run("worker", "--drain", env=ENV, timeout=120)
    assert_done(drained)
    (stopped,) = [one for one in events(drained) if one["event"] == "worker_stopped"]
    after = database.rows(CHUNKS)
    new = texts_of(after) - texts_of(before)
    assert stopped["chunks"] == new.total()
    of_document = Counter(dict.fromkeys(edited, 0))
    for tenant, number, *_ in new.elements():
        of_document[tenant, number] += 1
    of_renamed = [row for row in after if (row[0], row[1]) == (renamed.tenant, renamed.id)]
    assert of_document.pop((renamed.tenant, renamed.id)) == len(of_renamed)
    assert of_document.keys() == edited
    assert 1 <= min(of_document.values()) <= max(of_document.values()) <= MAX_TEXTS_PER_EDIT
    rows_before = {row[4]: row[5] for row in before}
    kept = [row for row in after if text_of(row) not in new]
    assert len(kept) == len(after) - new.total()
    assert [row[4] for row in kept if rows_before.get(row[4]) != row[5]] == []


def edit(database: Database, article: Article, body: str) -> None:
    """Change the body by SQL."""
    assert body != article.body
    database.execute(
        "update public.articles set body = %s where (tenant, id) = (%s, %s)",
        [body, article.tenant, article.id],
    )


def edited_body(body: str, number: int) -> str:
    """Change a word, insert a sentence or delete a paragraph near the middle, in turn."""
    paragraphs = body.split("\n\n")
    prose = [at for at, one in enumerate(paragraphs) if one[0] not in "#|-"]
    at = prose[len(prose) // 2]
    if number % 3 == 0:
        first, _, rest = paragraphs[at].partition(" ")
        paragraphs[at] = f"{first}, 2026, {rest}"
    elif number % 3 == 1:
        paragraphs[at] += " Inserted: 삽입된 문장, ein neuer Satz."
    else:
        del paragraphs[at]
    return "\n\n".join(paragraphs)


def texts_of(rows: list[tuple[object, ...]]) -> Counter[Text]:
    """How often each text of a document is there."""
    return Counter(text_of(row) for row in rows)


def text_of(row: tuple[object, ...]) -> Text:
    """What is embedded, of which document."""
    tenant, number, context, content = row[:4]
    assert isinstance(tenant, int)
    assert isinstance(number, int)
    return tenant, number, str(context), str(content)
