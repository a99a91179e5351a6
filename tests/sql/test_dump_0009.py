"""A database at revision 0009, restored from plain SQL, comes to the newest version whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from tests.harness.database import DIMENSIONS, Database, create_database
from tests.harness.server import TestServer
from tests.sql.chunks import embed, fail, queued, read
from tests.sql.dump_0009 import FILE, NOTES
from wikiembed.config import Provider, Settings
from wikiembed.db.migrate import upgrade
from wikiembed.db.version import current, head

STATE = {
    "docs": "select id, body, vec::text from public.docs order by id",
    "notes": "select k, note, half::text from public.notes order by k",
    "parts": "select tableoid::regclass::text, day, id, body, vec::text"
    " from public.parts order by 2",
    "pages": "select id, title, digest, loaded_at from public.wiki_pages order by id",
    "chunks": "select id, page_id, position, content, embedding::text"
    " from public.wiki_chunks order by id",
    "failures": "select * from wikiembed.failures order by source, key",
    "sources": "select name, relation::text, generation, provider, model, dimensions,"
    " document_prefix, query_prefix, batch_size, paused_at, paused_by, pause_reason, resume_at,"
    " held_back_at is not null from wikiembed.sources order by name",
    "ledger": "select source, sum(total), sum(embedded), sum(gained), sum(failed), sum(skipped)"
    " from wikiembed.ledger group by source order by source",
    "queue": "select queue_name, status::text, args from wikiembed_queue.procrastinate_jobs"
    " order by id",
    "actions": "select * from wikiembed.action_log order by id",
}  # fmt: skip


def _restore(server: TestServer) -> Database:
    made = create_database(server, "template0")
    with server.admin() as connection:
        name = sql.Identifier(made.name)
        connection.execute(sql.SQL("drop database {}").format(name))
        connection.execute(
            sql.SQL("create database {} encoding 'UTF8' template template0").format(name)
        )
    with made.connect() as connection:
        connection.execute(FILE.read_bytes())
    return made


def _state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {name: database.rows(query) for name, query in STATE.items()}


@pytest.fixture(scope="module")
def restored(postgres: TestServer) -> Iterator[tuple[Database, dict[str, list[tuple[Any, ...]]]]]:
    """The restored database after the upgrade, and its state before."""
    made = _restore(postgres)
    try:
        before = _state(made)
        settings = Settings(database_url=made.url, dimensions=DIMENSIONS, embedder=Provider.LOCAL)
        upgrade(made.url, settings)
        yield made, before
    finally:
        made.close()


Restored = tuple[Database, dict[str, list[tuple[Any, ...]]]]


def test_upgrade_loses_no_row(restored: Restored) -> None:
    """No text, vector, failure, pause, job or sum of the ledger."""
    database, before = restored
    with database.connect() as connection:
        assert current(connection) == head()
    assert _state(database) == before
    assert {name: len(rows) for name, rows in before.items() if name != "actions"} == {
        "docs": 64, "notes": 20, "parts": 40, "pages": 5, "chunks": 15, "failures": 6,
        "sources": 4, "ledger": 4, "queue": 5,
    }  # fmt: skip
    ((_, reason),) = database.rows(
        "select name, pause_reason from wikiembed.sources where paused_at is not null"
    )
    assert reason == "the key is wrong: it's 403"
    embedded = database.rows("select source, embedded from wikiembed.coverage order by source")
    assert dict(embedded) == {NOTES: 7, "docs": 40, "parts": 0, "wiki": 10}


def test_invariants_hold_after_the_upgrade(restored: Restored) -> None:
    """Of every source; the rest of parts is held back, as it was."""
    database, _ = restored
    for name in ("docs", NOTES, "wiki"):
        database.check_invariants(name)
    orphans = database.rows("select violations from wikiembed.check_invariants('parts')")
    assert [row[0] for row in orphans] == [0] * 6


def test_work_goes_on_after_the_upgrade(restored: Restored) -> None:
    """Triggers queue, workers read and write, what failed ends in the history."""
    database, _ = restored
    waiting = queued(database, "docs")
    assert set(embed(database, waiting).values()) == {"written"}
    database.execute("insert into public.docs (id, body) values (1000, 'new')")
    assert queued(database, "docs") == sorted([*waiting, "1000"])
    fail(database, read(database, ["1000"]), error_class="timeout")
    database.execute("select wikiembed.retry_failures('docs')")
    database.execute("update public.notes set note = 'new' where k = 'key ''3\"'")
    database.execute("delete from public.parts where day = 3")
    assert database.rows("select key, how from wikiembed.failure_history order by key") == [
        ("1000", "retried"), ("50", "retried"), ("51", "retried"), ("52", "retried"),
    ]  # fmt: skip
    for name in ("docs", NOTES, "wiki"):
        database.check_invariants(name)
