"""`resplit` by the command line: what it queues, what a dry run says, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.chunks import make_table
from tests.support.cli import Call, Result
from tests.support.commands import assert_done, assert_refused, served
from tests.support.database import Database
from tests.support.standin import StandIn
from wikiembed.words import roughly

ATTACH = (
    *("attach", "public.articles", "--documents", "--text", "body", "--title", "title"),
    *("--name", "articles", "--max-chars", "200"),
)
STATE = (
    "select (select to_jsonb(d) from wikiembed.document_sources as d where d.source = 'articles'),"
    " (select count(*) from wikiembed_queue.procrastinate_jobs),"
    " (select jsonb_agg(to_jsonb(c) order by id) from public.articles_chunks as c),"
    " (select count(*) from wikiembed.action_log where action = 'resplit'),"
    " (select jsonb_agg(to_jsonb(s) order by key) from wikiembed_private.documents_articles as s)"
)
CHUNKS = (
    "select document_id, content, id from public.articles_chunks"
    " where embedding is not null order by document_id, position"
)


@pytest.fixture
def articles(call: Call, database: Database, standin: StandIn) -> Database:
    """Source `articles`: 30 documents of one, two or three paragraphs, split and embedded."""
    database.execute(
        "create table public.articles (id int primary key, title text, body text);"
        "insert into public.articles select i, 'Title ' || i, (select string_agg("
        "   'Paragraph ' || p || ' of article ' || i || ' has about ninety characters, so that two"
        " fit into a chunk.', e'\\n\\n' order by p)"
        " from generate_series(1, 1 + i % 3) as p) from generate_series(1, 30) as i"
    )
    env = served(standin)
    assert_done(call(*ATTACH, env=env))
    assert_done(call("backfill", "articles", env=env))
    return database


def shown(result: Result) -> dict[str, Any]:
    """Standard output as a JSON object."""
    assert_done(result)
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


def test_dry_run_says_what_the_resplit_then_does(
    call: Call, articles: Database, standin: StandIn
) -> None:
    """Counts of chunks that stay, change, are new and go; it writes nothing."""
    before, old = articles.rows(STATE), articles.rows(CHUNKS)
    change = ("resplit", "articles", "--max-chars", "120")
    said = shown(call(*change, "--dry-run", "--json", env=served(standin)))
    assert articles.rows(STATE) == before
    assert said == {
        "source": "articles", "documents": 30, "chunks": 50, "sampled": 30, "unreadable": 0,
        "stay": 40, "change": 10, "new": 10, "go": 0, "embed": 20, "estimated": False,
        "options": {"splitter": "text", "max_chars": 120, "overlap_chars": 0,
                    "context": "title_heading", "max_tokens": None},
        "options_before": {"splitter": "text", "max_chars": 200, "overlap_chars": 0,
                           "context": "title_heading", "max_tokens": None},
        "splitter_version": 1, "splitter_version_before": 1, "tokens": None, "paused": False,
    }  # fmt: skip
    assert call(*change, "--dry-run").stdout.splitlines() == [
        "articles: 30 documents with 50 chunks, split again with max_chars 120 instead of 200:",
        "40 chunks would stay, 10 change, 10 be new and 0 go; 20 texts would be embedded.",
        "All documents were split to find out. Nothing was written.",
    ]
    assert call(*change).stdout.splitlines() == [
        "articles: 30 documents wait to be split again, with max_chars 120 instead of 200; until"
        " then, search finds the old chunks.",
        "A worker splits and embeds them, or `wikiembed backfill articles`.",
    ]
    assert articles.rows(CHUNKS) == old
    assert_refused(call("ready", "articles"), 1)
    standin.reset_stats()
    assert_done(call("worker", "--drain", env=served(standin)))
    assert standin.stats.texts == said["embed"]
    kept = [row for row in articles.rows(CHUNKS) if row in old]
    assert (len(kept), len(articles.rows(CHUNKS))) == (said["stay"], 60)
    assert_done(call("ready", "articles"))
    articles.check_invariants()


def test_dry_run_of_a_sample_is_said_to_be_an_estimate(call: Call, articles: Database) -> None:
    """Scaled to all documents; what stays, changes and goes is all that is stored."""
    change = ("resplit", "articles", "--max-chars", "120", "--dry-run", "--sample", "10")
    said = shown(call(*change, "--json"))
    assert (said["estimated"], said["sampled"], said["documents"]) == (True, 10, 30)
    assert said["stay"] + said["change"] + said["go"] == said["chunks"] == 50
    assert said["embed"] == said["change"] + said["new"]
    assert 0 < said["stay"] < 50
    first, numbers, basis = call(*change).stdout.splitlines()
    assert first.endswith("50 chunks, split again with max_chars 120 instead of 200:")
    assert numbers.startswith(f"about {roughly(said['stay'])} chunks would stay, ")
    assert numbers.endswith(f" go; about {roughly(said['embed'])} texts would be embedded.")
    assert basis == "Estimated from 10 documents chosen at random. Nothing was written."


def test_resplit_that_changes_nothing_does_nothing(call: Call, articles: Database) -> None:
    """It says what would; with options that are those of the source, too."""
    before = articles.rows(STATE)
    for options in ((), ("--max-chars", "200")):
        result = call("resplit", "articles", *options)
        assert_done(result)
        assert result.stdout.splitlines() == [
            "articles: nothing was queued, since the options and the version of the splitter, 1,"
            " are those that its documents are split with; `wikiembed resplit articles --force`"
            " splits them again."
        ]
        assert shown(call("resplit", "articles", *options, "--json"))["waiting"] == 0
    assert articles.rows(STATE) == before


def test_forced_resplit_embeds_nothing_that_is_equal(
    call: Call, articles: Database, standin: StandIn
) -> None:
    """All documents are split again."""
    old = articles.rows(CHUNKS)
    said = shown(call("resplit", "articles", "--dry-run", "--json"))
    assert (said["stay"], said["embed"]) == (50, 0)
    result = shown(call("resplit", "articles", "--force", "--json"))
    assert (result["waiting"], result["options"]) == (30, result["options_before"])
    standin.reset_stats()
    assert_done(call("worker", "--drain", env=served(standin)))
    assert (standin.stats.texts, articles.rows(CHUNKS)) == (0, old)
    articles.check_invariants()


def test_new_version_of_the_splitter_is_said_and_applied(call: Call, articles: Database) -> None:
    """By reconcile, a dry run, and the command without options."""
    articles.execute("update wikiembed.document_sources set splitter_version = 0")
    found = call("reconcile", "articles")
    assert_done(found)
    assert found.stdout.splitlines()[1:] == [
        "Source articles: its documents were split by version 0 of the splitter, which is now 1 and"
        " may cut elsewhere: `wikiembed resplit articles --dry-run` says what would change, and"
        " `wikiembed resplit articles` does it."
    ]
    change = "split again with version 1 of the splitter instead of 0"
    assert change in call("resplit", "articles", "--dry-run").stdout
    said = shown(call("resplit", "articles", "--dry-run", "--json"))
    assert (said["splitter_version_before"], said["splitter_version"]) == (0, 1)
    assert call("resplit", "articles").stdout.splitlines()[0] == (
        "articles: 30 documents wait to be split again, with version 1 of the splitter instead of"
        " 0; until then, search finds the old chunks."
    )
    assert len(call("reconcile", "articles").stdout.splitlines()) == 1


def test_paused_source_stays_paused(call: Call, articles: Database, standin: StandIn) -> None:
    """The command says so, and a worker splits nothing."""
    assert_done(call("pause", "articles"))
    said = call("resplit", "articles", "--context", "none")
    assert said.stdout.splitlines()[1:] == ["It is paused: run `wikiembed resume articles`."]
    assert_refused(call("worker", "--drain", env=served(standin)), 1)
    assert articles.one("select waiting from wikiembed.documents where source = 'articles'") == 30
    articles.check_invariants()


def test_tokens_are_counted_or_estimated_and_it_is_said(
    call: Call, articles: Database, standin: StandIn
) -> None:
    """The stand-in has no tokenizer here, the local model has one; 0 removes the bound."""
    env = served(standin)
    change = ("resplit", "articles", "--max-tokens", "15")
    estimated = (
        "articles: the 15 tokens of a chunk are estimated at 4 bytes each, since the tokenizer of"
        " the openai model is not in this process."
    )
    assert estimated in call(*change, "--dry-run", env=env).stdout.splitlines()
    result = call(*change, env=env)
    assert_done(result)
    assert estimated in result.stdout.splitlines()
    assert_done(call("worker", "--drain", env=env))
    longest = "select max(octet_length(content)) from public.articles_chunks"
    assert 40 < int(articles.one(longest)) <= 60
    assert shown(call(*change, "--json", env=env))["tokens"] == "estimated"
    local = {"WIKIEMBED_EMBEDDER": "local"}
    articles.execute("update wikiembed.sources set provider = null where name = 'articles'")
    assert shown(call(*change, "--dry-run", "--json", env=local))["tokens"] == "counted"
    text = call(*change, "--dry-run", env=local).stdout
    assert "are counted by the tokenizer of wordllama-l2-supercat-256." in text
    said = shown(call("resplit", "articles", "--max-tokens", "0", "--json", env=env))
    assert (said["options"]["max_tokens"], said["tokens"]) == (None, None)


def test_attach_takes_max_tokens(call: Call, database: Database, standin: StandIn) -> None:
    """It says how they are counted."""
    database.execute("create table public.articles (id int primary key, title text, body text)")
    result = call(*ATTACH, "--max-tokens", "100", env=served(standin))
    assert_done(result)
    assert (
        "articles: the 100 tokens of a chunk are estimated at 4 bytes each, since the tokenizer of"
        " the openai model is not in this process."
    ) in result.stdout.splitlines()
    assert database.one("select max_tokens from wikiembed.document_options('articles')") == 100
    refused = call(*ATTACH, "--max-tokens", "3", env=served(standin))
    assert "A chunk has at most 8 to 1,000,000 tokens, not 3." in assert_refused(refused, 2)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--max-chars", "5"), "a chunk has at most 32 to 1,000,000 characters, not 5"),
        (("--max-chars", "40", "--overlap-chars", "11"), "chunks overlap by 0 to a quarter"),
        (("--max-tokens", "7"), "a chunk has at most 8 to 1,000,000 tokens, not 7"),
        (("--splitter", "xml"), "Invalid value for '--splitter'"),
        (("--max-chars", "9" * 20), "input should be less than or equal to 1000000"),
        (("--sample", "5"), "--sample needs --dry-run"),
    ],
)
def test_refused_options_change_nothing(
    call: Call, articles: Database, options: tuple[str, ...], part: str
) -> None:
    """One sentence, exit 2; so in a dry run."""
    before = articles.rows(STATE)
    dry_run = () if "--sample" in options else ("--dry-run",)
    for more in ((), dry_run):
        assert (
            part.lower() in assert_refused(call("resplit", "articles", *options, *more), 2).lower()
        )
    assert articles.rows(STATE) == before


def test_source_without_documents_is_refused(call: Call, database: Database) -> None:
    """Its chunks are not split from anything."""
    make_table(database)
    attach = ("attach", "public.docs", "--key", "id", "--text", "body", "--embedding", "vec")
    assert_done(call(*attach))
    for more in ((), ("--dry-run",)):
        assert assert_refused(call("resplit", "docs", *more), 2) == (
            "Source 'docs' has no documents to split: its table holds chunks; attach the documents"
            " instead (`wikiembed attach --documents`)."
        )
