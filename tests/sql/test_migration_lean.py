"""Revision 0009: batch sizes and the queue's vacuum go both ways."""

from __future__ import annotations

from tests.harness.database import Database
from tests.sql.chunks import add, jobs
from tests.sql.test_migrations import settings
from wikiembed.db.migrate import downgrade, upgrade

VACUUM = (
    "select coalesce(reloptions, '{}') from pg_class"
    " where oid = 'wikiembed_queue.procrastinate_jobs'::regclass"
)


def test_batch_size_follows_the_way_down_and_up(docs_table: Database) -> None:
    """Revision 0008 asks for it at each statement, this one writes it down."""
    downgrade(docs_table.url, settings(docs_table.url), revision="0008")
    docs_table.execute("update wikiembed.sources set batch_size = 2 where name = 'docs'")
    add(docs_table, "a", "b", "c")
    assert [len(job.keys) for job in jobs(docs_table)] == [2, 1]
    upgrade(docs_table.url, settings(docs_table.url))
    add(docs_table, "d", "e", "f")
    assert [len(job.keys) for job in jobs(docs_table)] == [2, 1, 2, 1]
    docs_table.check_invariants()


def test_queue_is_vacuumed_often_and_keeps_other_settings(docs_table: Database) -> None:
    """By a number of dead jobs, however many wait; what an operator set beside it stays."""
    often = ["autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=10000"]
    own = "autovacuum_vacuum_cost_delay=0"
    assert docs_table.one(VACUUM) == often
    docs_table.execute(f"alter table wikiembed_queue.procrastinate_jobs set ({own})")
    downgrade(docs_table.url, settings(docs_table.url), revision="0008")
    assert docs_table.one(VACUUM) == [own]
    upgrade(docs_table.url, settings(docs_table.url))
    assert docs_table.one(VACUUM) == [own, *often]
