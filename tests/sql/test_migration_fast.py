"""Revision 0006: what waits and runs keeps its times both ways, and triggers are rewritten."""

from __future__ import annotations

import pytest

from tests.harness.database import Database
from tests.sql.chunks import add, fetch, queued
from tests.sql.test_migrations import settings
from wikiembed.db.migrate import downgrade, upgrade

AGES = "select todo, doing, round(oldest_todo_s) from wikiembed.queue where source = 'docs'"
EVENTS = (
    "select j.task_name, e.type::text from wikiembed_queue.procrastinate_events as e"
    " join wikiembed_queue.procrastinate_jobs as j on j.id = e.job_id order by e.id"
)
UPKEEP = (
    "select wikiembed_queue.procrastinate_defer_jobs_v1(array[row('wikiembed_upkeep',"
    " 'wikiembed.tidy', 100, null, 'tidy', '{}', %s::timestamptz)"
    "::wikiembed_queue.procrastinate_job_to_defer_v1])"
)
VERSIONS = (
    "select distinct s.trigger_version = wikiembed_private.trigger_version(),"
    " p.prosrc like '%%procrastinate_defer_jobs_v1%%'"
    " from wikiembed.sources as s join pg_proc as p on p.proname = 'on_insert_' || s.name"
)
OLD, NEW = [(True, True)], [(True, False)]


def test_embed_jobs_have_no_events_and_others_have_all(docs_table: Database) -> None:
    """Deferred, scheduled and started, in procrastinate's words."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed_private.requeue('docs', array['1'], 1)")
    docs_table.execute(UPKEEP, ["2026-01-01"])
    assert [fetch(docs_table) is not None for _ in range(3)] == [True, True, False]
    assert docs_table.rows(EVENTS) == [
        ("wikiembed.tidy", "deferred"),
        ("wikiembed.tidy", "scheduled"),
        ("wikiembed.tidy", "started"),
    ]


def test_times_and_events_survive_the_way_down_and_up(docs_table: Database) -> None:
    """The age of the oldest job, the hard limit of a running one, the events of upkeep."""
    docs_table.execute(UPKEEP, [None])
    add(docs_table, "one")
    add(docs_table, "two")
    fetch(docs_table, ["embed_docs"])
    docs_table.execute(
        "update wikiembed_queue.procrastinate_jobs set queued_at = queued_at - interval '9 s',"
        " started_at = started_at - interval '1801 s'"
    )
    before = docs_table.rows(EVENTS)
    assert docs_table.rows(AGES) == [(1, 1, 9)]
    downgrade(docs_table.url, settings(docs_table.url), revision="0005")
    assert docs_table.rows(VERSIONS) == OLD
    ((todo, doing, age),) = docs_table.rows(AGES)
    assert (todo, doing, 9 <= age < 60) == (1, 1, True)
    add(docs_table, "three")
    upgrade(docs_table.url, settings(docs_table.url), revision="0006")
    assert docs_table.rows(VERSIONS) == NEW
    ((todo, doing, age),) = docs_table.rows(AGES)
    assert (todo, doing, 9 <= age < 60) == (2, 1, True)
    assert docs_table.rows(EVENTS) == before
    docs_table.execute("update wikiembed_queue.procrastinate_workers set last_heartbeat = now()")
    assert docs_table.rows("select * from wikiembed.rescue_jobs()") == [(1, 0, 0)]
    assert queued(docs_table) == ["1", "2", "3"]
    docs_table.check_invariants()


@pytest.mark.parametrize("way", ["up", "down"])
def test_source_whose_table_is_gone_does_not_stop_the_migration(
    docs_table: Database, way: str
) -> None:
    """The next reconcile detaches it."""
    if way == "up":
        downgrade(docs_table.url, settings(docs_table.url), revision="0005")
    docs_table.execute("drop table public.docs")
    if way == "up":
        upgrade(docs_table.url, settings(docs_table.url))
    else:
        downgrade(docs_table.url, settings(docs_table.url), revision="0005")
    docs_table.execute("select wikiembed.reconcile()")
    assert docs_table.rows("select name from wikiembed.sources") == [("wiki",)]
