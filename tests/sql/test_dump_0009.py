"""A database of revision 0009, from before the first release, migrates completely to head.

It was dumped at that time, from Postgres 16, with inserts that name their columns: three
tables of users (one partitioned, one with a name that has to be quoted), vectors, failures of two
classes, skipped chunks, a pause, a bounded queue, a folded ledger, and a wiki.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chunks import embed, fail, queued, read
from tests.support.database import DIMENSIONS, Database, restore_dump
from tests.support.server import TestServer
from wikiembed.config import Provider, Settings
from wikiembed.db.migrate import upgrade
from wikiembed.db.version import BEFORE_BASELINE, current, head

FILE = Path(__file__).parent / "dumps" / "0009.sql"
NOTES = 'Notes "of" 한글'
# Without what sources add: their functions, triggers, tables of deltas and clocks.
SHAPE = """
select p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)),
       obj_description(p.oid, 'pg_proc'), p.proacl::text
  from pg_proc as p
 where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)
   and obj_description(p.oid, 'pg_proc') not like 'Written by write_triggers for source%'
 union all
select c.oid::regclass || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
       col_description(c.oid, a.attnum), pg_get_expr(d.adbin, d.adrelid)
  from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
  left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
 where (c.relnamespace::regnamespace::text like 'wikiembed%' or c.relname like 'wiki\\_%')
   and c.relkind in ('r', 'v') and c.relname not like 'deltas\\_%' and not a.attisdropped
 union all
select t.tgrelid::regclass || ' ' || t.tgname, pg_get_triggerdef(t.oid),
       obj_description(t.oid, 'pg_trigger'), t.tgenabled::text
  from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
 where c.relnamespace::regnamespace::text like 'wikiembed%' and not t.tgisinternal
 union all
select v.viewname, v.definition, null, null from pg_views as v where v.schemaname = 'wikiembed'
 order by 1, 2
"""
STATE = {
    "docs": "select id, body, vec::text from public.docs order by id",
    "notes": "select k, note, half::text from public.notes order by k",
    "parts": "select tableoid::regclass::text, day, id, body, vec::text"
    " from public.parts order by 2",
    "pages": "select id, title, loaded_at from public.wiki_pages order by id",
    "chunks": "select id, coalesce(to_jsonb(c) ->> 'page_id', to_jsonb(c) ->> 'document_id'),"
    " position, content, embedding::text from public.wiki_chunks as c order by id",
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


def _state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {name: database.rows(query) for name, query in STATE.items()}


@pytest.fixture(scope="module")
def restored(postgres: TestServer) -> Iterator[tuple[Database, dict[str, list[tuple[Any, ...]]]]]:
    """The restored database after the upgrade, and its state before."""
    with restore_dump(postgres, FILE) as made:
        before = _state(made)
        settings = Settings(database_url=made.url, dimensions=DIMENSIONS, embedder=Provider.LOCAL)
        upgrade(made.url, settings)
        yield made, before


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


def test_chunks_of_queued_jobs_are_summed(restored: Restored) -> None:
    """As a count of the jobs of the dump."""
    database, _ = restored
    counted = database.rows(
        "select queue_name::text, sum(jsonb_array_length(args -> 'keys'))::int"
        " from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.embed'"
        " and status in ('todo', 'doing') group by 1 order by 1"
    )
    assert len(counted) > 1
    assert counted == database.rows(
        "select queue_name, sum(chunks)::int from wikiembed_private.queue_ledger"
        " group by 1 having sum(chunks) <> 0 order by 1"
    )


def test_invariants_hold_after_the_upgrade(restored: Restored) -> None:
    """Of every source; the rest of parts is held back, as before."""
    database, _ = restored
    for name in ("docs", NOTES, "wiki"):
        database.check_invariants(name)
    orphans = database.rows("select violations from wikiembed.check_invariants('parts')")
    assert [row[0] for row in orphans] == [0] * 8


def test_former_functions_are_dropped(restored: Restored) -> None:
    """All that are left are of a file or generated."""
    database, _ = restored
    assert database.one("select to_regproc('wikiembed_private.drop_strayed') is null")
    assert database.rows(
        "select p.oid::regprocedure::text from pg_proc as p"
        " where p.pronamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace)"
        " and not wikiembed_private.is_written(p.oid)"
    ) == []  # fmt: skip


def test_work_continues_after_the_upgrade(restored: Restored) -> None:
    """Triggers queue, workers read and write, and failures that end are in the history."""
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


@pytest.mark.parametrize("revision", BEFORE_BASELINE)
def test_revisions_before_the_baseline_give_one_schema(
    restored: Restored, database: Database, revision: str
) -> None:
    """Objects that an intermediate revision already has are left unchanged."""
    brought, _ = restored
    brought.execute("update wikiembed.alembic_version set version_num = %s", [revision])
    upgrade(brought.url, Settings(database_url=brought.url, dimensions=DIMENSIONS))
    with brought.connect() as connection:
        assert current(connection) == head()
    assert set(brought.rows(SHAPE)) ^ set(database.rows(SHAPE)) == set()
