"""What is known of silent truncation, by source, server and model."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.database import Database

VIEW = "select server, outcome, from_chars from wikiembed.truncation where source = %s"


def record(database: Database, *row: object) -> None:
    """Source, server, model, outcome, from_chars, checked_chars."""
    database.execute(
        "select wikiembed.record_truncation_check(%s, %s, %s, %s, %s::int, %s::int)", row
    )


def find(database: Database, *key: str) -> list[tuple[Any, ...]]:
    """Outcome, from_chars and checked_chars of source, server and model."""
    return database.rows(
        "select outcome, from_chars, checked_chars"
        " from wikiembed.find_truncation_check(%s, %s, %s)",
        key,
    )


def test_nothing_is_known_of_a_new_server(docs_table: Database) -> None:
    """The view says so with nulls."""
    assert find(docs_table, "docs", "http://s", "m") == []
    assert docs_table.rows(VIEW, ["docs"]) == [(None, None, None)]


def test_what_one_source_found_holds_for_another(docs_table: Database) -> None:
    """Of the same server and model; of no other."""
    record(docs_table, "docs", "http://s", "m", "silent", 900, 4000)
    assert find(docs_table, "wiki", "http://s", "m") == [("silent", 900, 4000)]
    assert find(docs_table, "wiki", "http://s", "other") == []
    assert find(docs_table, "wiki", "http://t", "m") == []
    assert docs_table.rows(VIEW, ["wiki"]) == [("http://s", "silent", 900)]


def test_a_newer_finding_is_that_of_all_its_sources(docs_table: Database) -> None:
    """The server was mended."""
    record(docs_table, "docs", "http://s", "m", "silent", 900, 4000)
    find(docs_table, "wiki", "http://s", "m")
    record(docs_table, "docs", "http://s", "m", "refused", None, 4000)
    for source in ("docs", "wiki"):
        assert docs_table.rows(VIEW, [source]) == [("http://s", "refused", None)]


def test_the_server_that_is_used_counts(docs_table: Database) -> None:
    """A server that was left says nothing any more, until it is used again."""
    record(docs_table, "docs", "http://old", "m", "silent", 900, 4000)
    record(docs_table, "docs", "http://new", "m", "refused", None, 4000)
    assert docs_table.rows(VIEW, ["docs"]) == [("http://new", "refused", None)]
    find(docs_table, "docs", "http://old", "m")
    assert docs_table.rows(VIEW, ["docs"]) == [("http://old", "silent", 900)]
    docs_table.execute("update wikiembed.sources set model = 'other' where name = 'docs'")
    assert docs_table.rows(VIEW, ["docs"]) == [(None, None, None)]


def test_a_source_that_is_detached_takes_it_along(docs_table: Database) -> None:
    """And an unknown one is refused: WE001."""
    record(docs_table, "docs", "http://s", "m", "whole", None, 4000)
    docs_table.execute("select wikiembed.detach('docs')")
    assert docs_table.one("select count(*) from wikiembed.truncation_checks") == 0
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        record(docs_table, "docs", "http://s", "m", "whole", None, 4000)
    assert caught.value.sqlstate == "WE001"


def test_a_worker_may_record_and_a_reader_may_not(docs_table: Database) -> None:
    """Both may look."""
    call = "select wikiembed.record_truncation_check('docs', 's', 'm', 'whole', null, 4000)"
    worker = docs_table.connect(role=docs_table.create_role("worker", grant="worker"))
    worker.execute(call)
    worker.execute("select * from wikiembed.find_truncation_check('docs', 's', 'm')")
    reader = docs_table.connect(role=docs_table.create_role("reader", grant="reader"))
    assert reader.execute("select outcome from wikiembed.truncation").fetchall() != []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(call)
