"""`attach --documents` by the command line: refusals, queueing, coverage, readiness, detach."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.cli import Call, Result
from tests.support.commands import assert_done, assert_refused, events, json_lines, served
from tests.support.database import DIMENSIONS, Database
from tests.support.refused import NO_SERVER
from tests.support.standin import StandIn

ARTICLES = """
create table public.articles (
  id bigint generated always as identity primary key, title text not null, body text not null
)
"""
ATTACH = (
    *("attach", "public.articles", "--documents", "--key", "id", "--text", "body"),
    *("--title", "title", "--name", "articles"),
)
SIZED = (*ATTACH, "--dimensions", str(DIMENSIONS))
UNREACHABLE = {
    "WIKIEMBED_EMBEDDER": "openai",
    "WIKIEMBED_EMBEDDER_URL": NO_SERVER,
}


def add_articles(database: Database, n: int) -> None:
    """Insert `n` articles, each of two paragraphs that do not fit into one chunk of 100 characters.

    Their sentences differ.
    """
    database.execute(
        "insert into public.articles (title, body)"
        " select 'Article ' || i, 'Bees make honey of nectar, says article ' || i ||"
        " E', and they store it in combs.\n\nWasps do not make any, as article ' || i ||"
        " ' explains at length in its second part.' from generate_series(1, %s::int) as i",
        [n],
    )


@pytest.fixture
def articles(database: Database) -> Database:
    """A database with `public.articles`, of 20 articles."""
    database.execute(ARTICLES)
    add_articles(database, 20)
    return database


def test_attach_counts_documents_and_names_the_next_command(call: Call, articles: Database) -> None:
    """Documents wait until `enqueue`; `sources`, `status` and `ready` show them."""
    result = call(*SIZED)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "Attached public.articles as documents of source 'articles': 20 documents wait to be split"
        " into public.articles_chunks.",
        "Queue them: wikiembed enqueue articles",
    ]
    assert "is attached already" in assert_refused(call(*SIZED), 2)
    (listed,) = [row for row in _json(call("sources", "--json")) if row["name"] == "articles"]
    assert (listed["documents"], listed["relation"]) == (
        "public.articles",
        "public.articles_chunks",
    )
    assert "public.articles_chunks.embedding  public.articles " in call("sources").stdout
    shown = call("status").stdout
    assert "articles: 20 documents wait for `wikiembed enqueue articles`." in shown
    row = _documents(call)["articles"]
    assert row == {
        "source": "articles", "relation": "public.articles",
        "chunk_table": "public.articles_chunks", "total": 20, "split": 0, "waiting": 20,
        "failed": 0, "chunks": 0, "held_back": True,
    }  # fmt: skip
    result = call("ready", "articles")
    assert "has 20 documents that are not split" in assert_refused(result, 1)
    assert result.stdout.splitlines() == [
        "WIKI_EMBEDDINGS_READY=false",
        "# articles: 20 documents wait to be split: wikiembed enqueue articles",
    ]
    would = call("enqueue", "articles", "--dry-run").stdout
    assert would.splitlines() == [
        "articles: 20 documents would be queued in 2 jobs.",
        "articles: 20 documents wait to be split and will give about 20 chunks to embed, by a"
        " sample of 20 documents, about 790 tokens.",
    ]
    assert call("enqueue", "articles").stdout == "articles: 20 documents queued in 2 jobs.\n"
    assert call("enqueue", "articles").stdout == "articles: 0 documents queued in 0 jobs.\n"
    assert _json(call("enqueue", "articles", "--json")) == {
        "source": "articles", "jobs": 0, "chunks": 0, "documents": 0, "split_jobs": 0,
    }  # fmt: skip
    line = "# articles: 20 documents wait to be split: wikiembed worker"
    assert line in call("ready", "articles").stdout
    assert "wait for `wikiembed enqueue" not in call("status").stdout
    articles.check_invariants()


def test_backfill_splits_and_embeds(call: Call, articles: Database, standin: StandIn) -> None:
    """One command goes from documents to a ready source; an edit is embedded by the next drain."""
    env = served(standin)
    assert_done(call(*ATTACH, "--max-chars", "100", "--enqueue", env=env))
    result = call("backfill", "articles", env=env)
    assert_done(result)
    row = _documents(call)["articles"]
    assert (row["split"], row["waiting"], row["failed"], row["chunks"]) == (20, 0, 0, 40)
    ended = next(line for line in json_lines(result) if line.get("event") == "backfilled")
    assert ended["embedded"] == 40
    progress = [line for line in json_lines(result) if line["event"] == "progress"][-1]
    counted = {name: progress[name] for name in progress if "documents" in name}
    assert counted == {
        "documents": 20, "documents_split": 20, "documents_waiting": 0, "documents_failed": 0,
    }  # fmt: skip
    assert (progress["done"], progress["total"], progress["chunks_expected"]) == (40, 40, 40)
    (stopped,) = [one for one in events(result) if one["event"] == "worker_stopped"]
    assert (stopped["documents"], stopped["documents_failed"], stopped["chunks"]) == (20, 0, 40)
    assert_done(call("ready", "articles", env=env))
    texts = "select count(*) from public.articles_chunks where embedding is null"
    assert articles.one(texts) == 0
    articles.execute("update public.articles set body = body || ' More of it.' where id = 1")
    assert assert_refused(call("ready", "articles"), 1)
    assert_done(call("worker", "--drain", env=env))
    assert_done(call("ready", "articles"))
    contents = "select content from public.articles_chunks where document_id = 1 order by position"
    assert articles.rows(contents)[-1][0].endswith("More of it.")
    articles.check_invariants()


def test_backfill_without_enqueue_queues_documents(
    call: Call, articles: Database, standin: StandIn
) -> None:
    """`backfill` queues them itself, says so in JSON, and its estimate counts them."""
    env = served(standin)
    assert_done(call(*ATTACH, env=env))
    estimated = call("backfill", "articles", "--dry-run", env=env)
    assert_done(estimated)
    assert (
        "articles: 20 documents wait to be split and will give about 20 chunks to embed, by a"
        " sample of 20 documents (20 documents would be queued in 2 jobs), about "
    ) in estimated.stdout
    assert "chunks/s, measured just now by embedding 20 chunks, " in estimated.stdout
    assert articles.one("select count(*) from wikiembed_queue.procrastinate_jobs") == 0
    result = call("backfill", "articles", env=env)
    assert_done(result)
    queued = json_lines(result)[0]
    assert (queued["event"], queued["documents"], queued["split_jobs"]) == ("queued", 20, 2)
    assert not [one for one in events(result) if one.get("level") == "error"]
    assert_done(call("ready", "articles"))
    articles.check_invariants()


def test_detach_keeps_both_tables(call: Call, articles: Database, standin: StandIn) -> None:
    """Documents, chunks and vectors stay; later edits queue nothing."""
    env = served(standin)
    assert_done(call(*ATTACH, env=env))
    assert_done(call("backfill", "articles", env=env))
    result = call("detach", "articles")
    assert_done(result)
    assert result.stdout == (
        "Detached source 'articles'; public.articles keeps its documents, public.articles_chunks"
        " its chunks and vectors.\n"
    )
    counts = (
        "select (select count(*) from public.articles),"
        " (select count(*) from public.articles_chunks where embedding is not null)"
    )
    ((documents, chunks),) = articles.rows(counts)
    assert (documents, chunks >= 20) == (20, True)
    articles.execute("update public.articles set body = 'Another text.'")
    jobs = "select count(*) from wikiembed_queue.procrastinate_jobs where queue_name = %s"
    assert articles.one(jobs, ["embed_articles"]) == 0
    assert _documents(call).keys() == {"wiki"}


def test_options_of_documents_need_documents(call: Call, articles: Database) -> None:
    """Refused in one sentence, before anything is read; so is what belongs to attached columns."""
    usual = ("attach", "public.articles", "--text", "body")
    sentence = assert_refused(call(*usual, "--max-chars", "500"), 2)
    assert sentence == "--max-chars needs --documents, which splits each row into chunks."
    sentence = assert_refused(call(*usual, "--title", "title", "--halfvec"), 2)
    assert sentence == "--title and --halfvec need --documents, which splits each row into chunks."
    assert "leave out --embedding." in assert_refused(call(*SIZED, "--embedding", "vec"), 2)
    assert "leave out --move." in assert_refused(call(*SIZED, "--move"), 2)
    assert articles.one("select to_regclass('public.articles_chunks')") is None


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--max-chars", "5"), "a chunk has at most 32 to 1,000,000 characters"),
        (("--overlap-chars", "900"), "chunks overlap by 0 to a quarter of max_chars"),
        (("--title", "headline"), "headline"),
        (("--text", "Body"), "Column names are case-sensitive, 'Body' is 'body'"),
        (("--chunks", "public.articles"), "lacks columns of a chunk table"),
        (("--chunks", "nowhere.pieces"), "in schema 'nowhere': create the schema, or name another"),
        (("--chunks", "pg_temp.pieces"), "no table can be in schema 'pg_temp'"),
        (("--chunks", ""), "no table can be named ''"),
        (("--max-chars", "9" * 20), "input should be less than or equal to 1000000"),
        (("--overlap-chars", "9" * 20), "input should be less than or equal to 250000"),
        (("--max-tokens", "9" * 20), "input should be less than or equal to 1000000"),
        (("--dimensions", "9" * 20), "input should be less than or equal to 16000"),
    ],
)
def test_refused_options_leave_nothing(
    call: Call, articles: Database, options: tuple[str, str], part: str
) -> None:
    """One sentence, exit 2, no chunk table and no source."""
    attach: tuple[str, ...] = SIZED
    if options[0] == "--text":
        attach = tuple("Body" if word == "body" else word for word in SIZED)
        options = ("--splitter", "text")
    assert part.lower() in assert_refused(call(*attach, *options), 2).lower()
    assert articles.one("select to_regclass('public.articles_chunks')") is None
    assert articles.one("select count(*) from wikiembed.sources where name = 'articles'") == 0


def test_corrected_command_attaches_documents(call: Call, articles: Database) -> None:
    """A name of another case is answered with the whole command, which runs as it is."""
    attach = [*SIZED, "--max-chars", "200", "--halfvec"]
    attach[attach.index("body")] = "Body"
    sentence = assert_refused(call(*attach), 2)
    command = sentence.split("`")[1].split()
    assert command[:3] == ["wikiembed", "attach", "public.articles"]
    assert_done(call(*command[1:]))
    options = "select max_chars from wikiembed.document_options('articles')"
    assert articles.one(options) == 200
    kind = "select format_type(atttypid, atttypmod) from pg_attribute where attname = 'embedding'"
    kind += " and attrelid = 'public.articles_chunks'::regclass"
    assert str(articles.one(kind)).endswith(f"halfvec({DIMENSIONS})")


def test_chunk_table_gets_the_dimensions_of_the_model(
    call: Call, articles: Database, standin: StandIn
) -> None:
    """Others are refused when the model returns them; without a server and a size, so is attach."""
    sentence = assert_refused(call(*ATTACH, "--model", "m", env=UNREACHABLE), 2)
    assert sentence == (
        "Give --dimensions or set WIKIEMBED_DIMENSIONS, since the dimensions of model 'm' of openai"
        f" are unknown: The embedding server at {NO_SERVER} cannot be reached (nothing listens on"
        " that port): start it, or set WIKIEMBED_EMBEDDER_URL."
    )
    wrong = call(*ATTACH, "--dimensions", "7", env=served(standin))
    assert "--dimensions is 7, and model 'm' of openai has 4" in assert_refused(wrong, 2)
    assert_done(call(*ATTACH, "--chunks", "pieces", env=served(standin)))
    kind = "select format_type(atttypid, atttypmod) from pg_attribute where attname = 'embedding'"
    kind += " and attrelid = 'public.pieces'::regclass"
    assert str(articles.one(kind)).endswith(f"vector({DIMENSIONS})")


def test_dropped_chunk_table_is_said_by_each_command(
    call: Call, articles: Database, standin: StandIn
) -> None:
    """A worker ends its jobs; `reconcile` forgets the source, and the documents stay."""
    assert_done(call(*SIZED, "--enqueue"))
    articles.execute("drop table public.articles_chunks")
    assert_refused(call("ready", "articles"), 1)
    assert call("ready", "articles").stdout.splitlines()[1] == (
        "# articles: the table was dropped: wikiembed reconcile articles"
    )
    assert "articles  public.articles" in call("status").stdout
    assert "gone.embedding" in call("sources").stdout
    dropped = (
        'The documents or the chunk table of source "articles", or a column of them, were dropped:'
        " see `wikiembed sources`."
    )
    assert assert_refused(call("enqueue", "articles"), 2) == dropped
    assert assert_refused(call("backfill", "articles", "--dry-run"), 2) == dropped
    sentence = assert_refused(call("resplit", "articles", "--dry-run"), 2)
    assert sentence.endswith("were dropped: see `wikiembed sources`.")
    drained = call("worker", "--drain", env=served(standin))
    assert "source_gone" in [one["event"] for one in events(drained)]
    assert_done(call("reconcile", "articles"))
    assert articles.one("select count(*) from wikiembed.sources where name = 'articles'") == 0
    articles.execute("update public.articles set body = 'Written on.' where id = 1")


def test_renamed_column_of_the_chunk_table_is_said(call: Call, articles: Database) -> None:
    """By the commands that `ready` and `doctor` send an operator to."""
    assert_done(call(*SIZED))
    articles.execute("alter table public.articles_chunks rename content to words")
    for command in (("enqueue", "articles"), ("resplit", "articles", "--dry-run")):
        assert assert_refused(call(*command), 2) == (
            'The chunk table of source "articles" has no column content: see `wikiembed sources`.'
        )
    assert_done(call("reconcile"))
    articles.execute("alter table public.articles_chunks rename words to content")
    assert_done(call("enqueue", "articles"))


def test_refusals_advise_commands(call: Call, articles: Database) -> None:
    """Not SQL; a document's key is no chunk's."""
    assert_done(call(*SIZED))
    assert "to detach it: `wikiembed detach articles`." in assert_refused(
        call("attach", "public.articles_chunks", "--key", "id", "--text", "content",
             "--embedding", "embedding", "--name", "others"), 2,
    )  # fmt: skip
    assert assert_refused(call("skip", "articles", "first"), 2) == (
        'Skip takes keys of chunks of source "articles", which are of type bigint, not those of'
        " documents: a document that cannot be split is corrected or deleted, then run `wikiembed"
        " retry articles`."
    )


def test_documents_that_failed_are_listed(call: Call, articles: Database) -> None:
    """`failures` marks the key, `status` counts it and `ready` names it."""
    assert call(*SIZED).returncode == 0
    articles.execute(
        "select wikiembed.record_document_failure('articles', d.key, d.version,"
        " 'document_unreadable', 'It cannot be split.')"
        " from wikiembed.read_documents('articles', array['3']) as d"
    )
    shown = call("failures", "articles").stdout
    assert "document 3" in shown
    assert "It cannot be split." in shown
    listed = _json(call("failures", "--class", "document_unreadable", "--json"))
    assert (listed["key"], listed["document"], listed["state"]) == ("3", True, "failed")
    row = _documents(call)["articles"]
    assert (row["waiting"], row["failed"]) == (19, 1)
    assert call("ready", "articles").stdout.splitlines()[1:] == [
        "# articles: 1 document could not be split: wikiembed failures articles; then"
        " wikiembed retry articles",
        "# articles: 19 documents wait to be split: wikiembed enqueue articles",
    ]
    assert call("retry", "articles").stdout.splitlines() == [
        "articles: 0 chunks and 1 document queued again in 1 job."
    ]
    assert call("failures", "articles").stdout == "No failures.\n"
    ended = call("failures", "articles", "--history").stdout
    assert "document 3" in ended
    assert "retried" in ended
    (row,) = json_lines(call("failures", "articles", "--history", "--json"))
    assert (row["key"], row["document"], row["how"]) == ("3", True, "retried")


def _json(result: Result) -> Any:
    """Standard output as JSON."""
    return json.loads(result.stdout)


def _documents(call: Call) -> dict[str, Any]:
    """The counts of documents in `status --json`, by source."""
    return {row["source"]: row for row in _json(call("status", "--json"))["documents"]}
