"""Recorded checks for silent truncation, by source, server and model."""

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


def test_check_of_a_new_server_is_unknown(docs_table: Database) -> None:
    """The view returns nulls."""
    assert find(docs_table, "docs", "http://s", "m") == []
    assert docs_table.rows(VIEW, ["docs"]) == [(None, None, None)]


def test_check_by_one_source_applies_to_another(docs_table: Database) -> None:
    """On the same server with the same model, and on no other."""
    record(docs_table, "docs", "http://s", "m", "silent", 900, 4000)
    assert find(docs_table, "wiki", "http://s", "m") == [("silent", 900, 4000)]
    assert find(docs_table, "wiki", "http://s", "other") == []
    assert find(docs_table, "wiki", "http://t", "m") == []
    assert docs_table.rows(VIEW, ["wiki"]) == [("http://s", "silent", 900)]


def test_newer_check_applies_to_all_sources_of_a_server(docs_table: Database) -> None:
    """The server was fixed."""
    record(docs_table, "docs", "http://s", "m", "silent", 900, 4000)
    find(docs_table, "wiki", "http://s", "m")
    record(docs_table, "docs", "http://s", "m", "refused", None, 4000)
    for source in ("docs", "wiki"):
        assert docs_table.rows(VIEW, [source]) == [("http://s", "refused", None)]


def test_view_shows_the_server_in_use(docs_table: Database) -> None:
    """A server that is no longer used is not reported, until it is used again."""
    record(docs_table, "docs", "http://old", "m", "silent", 900, 4000)
    record(docs_table, "docs", "http://new", "m", "refused", None, 4000)
    assert docs_table.rows(VIEW, ["docs"]) == [("http://new", "refused", None)]
    find(docs_table, "docs", "http://old", "m")
    assert docs_table.rows(VIEW, ["docs"]) == [("http://old", "silent", 900)]
    docs_table.execute("update wikiembed.sources set model = 'other' where name = 'docs'")
    assert docs_table.rows(VIEW, ["docs"]) == [(None, None, None)]


def test_detach_deletes_the_checks_of_a_source(docs_table: Database) -> None:
    """And an unknown source is refused: WE001."""
    record(docs_table, "docs", "http://s", "m", "whole", None, 4000)
    docs_table.execute("select wikiembed.detach('docs')")
    assert docs_table.one("select count(*) from wikiembed.truncation_checks") == 0
    with pytest.raises(psycopg.Error, match="no source is named") as caught:
        record(docs_table, "docs", "http://s", "m", "whole", None, 4000)
    assert caught.value.sqlstate == "WE001"


def test_worker_may_record_a_check_and_reader_may_not(docs_table: Database) -> None:
    """Both may read."""
    call = "select wikiembed.record_truncation_check('docs', 's', 'm', 'whole', null, 4000)"
    worker = docs_table.connect(role=docs_table.create_role("worker", grant="worker"))
    worker.execute(call)
    worker.execute("select * from wikiembed.find_truncation_check('docs', 's', 'm')")
    reader = docs_table.connect(role=docs_table.create_role("reader", grant="reader"))
    assert reader.execute("select outcome from wikiembed.truncation").fetchall() != []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(call)
