"""procrastinate's tables as migrations change them: events, aborts, vacuum."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.test_current import migrate
from tests.support.chunks import add, fetch
from tests.support.database import Database

EVENTS = (
    "select j.task_name, e.type::text from wikiembed_queue.procrastinate_events as e"
    " join wikiembed_queue.procrastinate_jobs as j on j.id = e.job_id order by e.id"
)
UPKEEP = (
    "select wikiembed_queue.procrastinate_defer_jobs_v1(array[row('wikiembed_upkeep',"
    " 'wikiembed.tidy', 100, null, 'tidy', '{}', %s::timestamptz)"
    "::wikiembed_queue.procrastinate_job_to_defer_v1])"
)
VACUUM = (
    "select coalesce(reloptions, '{}') from pg_class"
    " where oid = 'wikiembed_queue.procrastinate_jobs'::regclass"
)


def test_embed_jobs_have_no_events_and_others_have_all(docs_table: Database) -> None:
    """Deferred, scheduled and started, as procrastinate names them."""
    add(docs_table, "one")
    docs_table.execute("select wikiembed_private.requeue('docs', array['1'], 1)")
    docs_table.execute(UPKEEP, ["2026-01-01"])
    assert [fetch(docs_table) is not None for _ in range(3)] == [True, True, False]
    assert docs_table.rows(EVENTS) == [
        ("wikiembed.tidy", "deferred"),
        ("wikiembed.tidy", "scheduled"),
        ("wikiembed.tidy", "started"),
    ]


def test_abort_of_a_waiting_job_is_refused(docs_table: Database) -> None:
    """As procrastinate's check constraint does, by its name."""
    add(docs_table, "one")
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        docs_table.execute("update wikiembed_queue.procrastinate_jobs set abort_requested = true")
    assert caught.value.diag.constraint_name == "check_not_todo_abort_requested"


def test_queue_is_vacuumed_often_and_keeps_other_settings(docs_table: Database) -> None:
    """By a number of dead jobs, however many wait; an operator's other settings stay."""
    often = ["autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=10000"]
    own = "autovacuum_vacuum_cost_delay=0"
    assert docs_table.one(VACUUM) == often
    docs_table.execute(f"alter table wikiembed_queue.procrastinate_jobs set ({own})")
    migrate(docs_table)
    assert docs_table.one(VACUUM) == [*often, own]
