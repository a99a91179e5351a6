"""`index --text` builds what search by text uses, and replaces one of another configuration."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused
from tests.support.database import Database

BUILD = ("index", "--text", "--source", "docs")
INDEX = "public.wikiembed_text_english_docs"
INDEXES = (
    "select indexrelid::regclass::text, indisvalid from pg_index"
    " where indexrelid::regclass::text like 'wikiembed_text%' order by 1"
)


@pytest.fixture
def texts(docs_table: Database) -> Database:
    """Three chunks without vectors."""
    add(docs_table, "Bees make honey.", "Der Honig der Bienen.", "서울은 수도이다.")
    return docs_table


def found(database: Database, words: str) -> list[str]:
    """The keys that search by text finds."""
    rows = database.rows("select key from wikiembed.search('docs', p_text => %s)", [words])
    return [row[0] for row in rows]


def test_index_of_text_is_built_and_search_uses_it(call: Call, texts: Database) -> None:
    """Also before anything is embedded; the second call finds it."""
    result = call(*BUILD)
    assert_done(result)
    assert result.stdout.startswith(
        f"Built {INDEX} on public.docs: 3 chunks, configuration english, "
    )
    assert found(texts, "the bee") == ["1"]
    again = call(*BUILD)
    assert_done(again)
    assert again.stdout == f"docs: index {INDEX} exists and search uses it; nothing to do.\n"
    assert texts.one("select text_config from wikiembed.sources where name = 'docs'") == "english"


def test_index_of_text_of_another_configuration_replaces_the_first(
    call: Call, texts: Database
) -> None:
    """Search by text works all the while: the former index goes when the new one is used."""
    assert_done(call(*BUILD))
    result = call(*BUILD, "--config", "trigram")
    assert_done(result)
    assert f"Dropped {INDEX}, which search no longer uses." in result.stdout
    assert texts.rows(INDEXES) == [("wikiembed_text_trigram_docs", True)]
    assert found(texts, "수도") == ["3"]


def test_index_of_text_is_dropped_on_request(call: Call, texts: Database) -> None:
    """Then search by text is refused with the command that builds it."""
    assert_done(call(*BUILD, "--config", "german"))
    result = call(*BUILD, "--drop")
    assert_done(result)
    assert result.stdout == (
        "Dropped public.wikiembed_text_german_docs: docs is searched by vector alone.\n"
    )
    assert texts.rows(INDEXES) == []
    with pytest.raises(psycopg.Error, match='source "docs" has no index for search by text'):
        found(texts, "bee")
    assert_done(call(*BUILD, "--drop"))


def test_index_of_text_that_is_gone_is_built_again(call: Call, texts: Database) -> None:
    """Whatever the setting of the source says."""
    assert_done(call(*BUILD))
    texts.execute(f"drop index {INDEX}")
    assert call(*BUILD).stdout.startswith("Built ")


def test_index_of_text_refuses_what_does_not_exist(call: Call, texts: Database) -> None:
    """A configuration, and options that do not go together."""
    output = assert_refused(call(*BUILD, "--config", "klingon"), 2)
    assert output.startswith('No text search configuration is named "klingon": give trigram or')
    output = assert_refused(call("index", "--config", "english"), 2)
    assert output == "--config goes with --text, and not with --drop."
    assert texts.rows(INDEXES) == []


def test_index_of_text_on_partitions(call: Call, database: Database) -> None:
    """One a partition, concurrently, attached to that of the whole table."""
    database.execute("""
        create table public.docs (id bigint, part integer, body text, vec public.vector(4),
          primary key (part, id)) partition by list (part);
        create table public.docs_1 partition of public.docs for values in (1);
        create table public.docs_2 partition of public.docs for values in (2);
        insert into public.docs values (1, 1, 'honey'), (2, 2, 'honey');
        select wikiembed.attach(
          'public.docs', array['part', 'id']::name[], array['body'], 'vec', 'docs');
    """)
    assert_done(call(*BUILD))
    assert [valid for _, valid in database.rows(INDEXES)] == [True] * 3
    assert found(database, "honey") == ["[1, 1]", "[2, 2]"]
    assert "exists and search uses it" in call(*BUILD).stdout
