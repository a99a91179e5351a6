"""`index` interrupted, and concurrent with other builds and writers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.acceptance.hnsw import (
    BUILD,
    INDEX,
    PROGRESS,
    embedded,
    hnsw,
)
from tests.support.cli import Call, StartCli
from tests.support.commands import assert_done
from tests.support.database import Database


@pytest.fixture
def writer(docs_table: Database) -> Iterator[psycopg.Connection]:
    """A session with an open transaction that has written to the table."""
    embedded(docs_table)
    with docs_table.connect(autocommit=False) as connection:
        connection.execute("update public.docs set body = body where id = 1")
        yield connection


@pytest.fixture
def onlooker(docs_table: Database) -> Iterator[psycopg.Connection]:
    """A session with an old snapshot that has read none of our tables."""
    embedded(docs_table)
    with docs_table.connect(autocommit=False) as connection:
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select 1")
        yield connection


def test_index_interrupted_leaves_nothing(
    start_cli: StartCli, docs_table: Database, onlooker: psycopg.Connection
) -> None:
    """Ctrl-C during a build exits 130 and reports that nothing is left."""
    running = start_cli(*BUILD)
    running.wait_for(lambda: docs_table.rows(PROGRESS) == [("waiting for old snapshots",)])
    result = running.stop(signal.SIGINT)
    assert (result.returncode, result.stderr) == (130, "")
    assert result.stdout.endswith(f"Interrupted: nothing is left of index {INDEX}.\n")
    assert hnsw(docs_table) == {}


def test_index_interrupted_reports_what_is_left(
    call: Call, start_cli: StartCli, docs_table: Database, writer: psycopg.Connection
) -> None:
    """An invalid index that cannot be dropped at once is named, and the next build drops it."""
    running = start_cli(*BUILD)
    phase = "waiting for writers before build"
    running.wait_for(lambda: docs_table.rows(PROGRESS) == [(phase,)])
    result = running.stop(signal.SIGTERM)
    assert result.returncode == 143
    assert f"Interrupted: an invalid index {INDEX} is left" in result.stdout
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": False}
    writer.rollback()
    again = call(*BUILD)
    assert_done(again)
    assert "a build of it was interrupted" in again.stdout
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": True}


def test_index_waits_for_a_running_build(
    start_cli: StartCli, docs_table: Database, writer: psycopg.Connection
) -> None:
    """The second reports that it waits, and then finds the index of the first."""
    first = start_cli(*BUILD)
    first.wait_for(lambda: docs_table.rows(PROGRESS) != [])
    second = start_cli(*BUILD)
    waits = "docs: another session is building its index; waiting.\n"
    second.wait_for(lambda: second.stdout == waits)
    writer.rollback()
    # A build of more than 5 s prints its progress first.
    assert f"\nBuilt {INDEX}" in f"\n{first.wait().stdout}"
    output = second.wait()
    assert (output.returncode, output.stderr) == (0, "")
    assert output.stdout.startswith(f"{waits}docs: index {INDEX} exists and is valid")


def test_index_waits_for_a_build_that_is_about_to_start(
    start_cli: StartCli, docs_table: Database
) -> None:
    """The lock is taken before the first statement: two builds never drop each other's index."""
    embedded(docs_table)
    key = "hashtextextended('wikiembed index docs', 0)"
    other = docs_table.connect()
    other.execute(f"select pg_advisory_lock({key})")
    running = start_cli(*BUILD)
    running.wait_for(lambda: "index; waiting." in running.stdout)
    assert hnsw(docs_table) == {}
    other.execute(f"select pg_advisory_unlock({key})")
    assert f"Built {INDEX}" in running.wait().stdout


def test_index_waits_for_a_build_by_hand(
    start_cli: StartCli, docs_table: Database, writer: psycopg.Connection
) -> None:
    """An index that an operator builds in psql is not treated as invalid."""
    other = docs_table.connect()
    statement = (
        "create index concurrently wikiembed_hnsw_docs on public.docs"
        " using hnsw (vec vector_cosine_ops)"
    )
    thread = threading.Thread(target=other.execute, args=[statement])
    thread.start()
    running = start_cli(*BUILD)
    running.wait_for(lambda: "index; waiting." in running.stdout)
    writer.rollback()
    thread.join(30)
    assert "exists and is valid" in running.wait().stdout
    assert hnsw(docs_table) == {"wikiembed_hnsw_docs": True}
