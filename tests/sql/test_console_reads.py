"""The functions that pages of the console read: jobs by priority, and throughput since a time."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import add, embed
from tests.support.database import Database

JOBS = "wikiembed_queue.procrastinate_jobs"
ADD_JOBS = f"""
insert into {JOBS} (queue_name, task_name, priority, args, scheduled_at, queued_at)
select 'embed_docs', 'wikiembed.embed', %s, '{{"source": "docs", "keys": []}}',
       now() + %s::interval, clock_timestamp() - interval '1 minute'
  from generate_series(1, %s)
"""

# Jobs of two queues: those of the other one are as many, and some are of a higher priority.
ADD_MIXED = f"""
insert into {JOBS} (queue_name, task_name, priority, args)
select 'embed_other', 'wikiembed.embed', 50, '{{}}' from generate_series(1, 2000) as i;
insert into {JOBS} (queue_name, task_name, priority, args)
select (array['embed_docs', 'embed_other'])[1 + i % 2], 'wikiembed.embed', i % 3, '{{}}'
  from generate_series(1, 60000) as i
"""
# Rows and entries of indexes that were returned so far in this transaction.
RETURNED = """
select c.relname, pg_stat_get_xact_tuples_returned(c.oid)::int from pg_class as c
 where c.relnamespace = 'wikiembed_queue'::regnamespace and c.relkind in ('r', 'i')
   and c.relname ~ 'jobs'
"""


def by_priority(database: Database, most: int = 10000) -> list[tuple[object, int, bool]]:
    """Priority, jobs and whether the oldest has waited for about a minute."""
    rows = database.rows(
        "select priority, jobs, oldest_s between 60 and 90 from wikiembed.queue_by_priority"
        "('docs', %s)",
        [most],
    )
    return [(row[0], row[1], row[2]) for row in rows]


def test_jobs_are_counted_by_priority_up_to_a_bound(docs_table: Database) -> None:
    """The highest priority is first; jobs that wait for a time are last, with no priority."""
    assert by_priority(docs_table) == []
    for priority, later, jobs in ((0, None, 3), (-10, None, 7), (50, None, 1), (5, "1 hour", 2)):
        docs_table.execute(ADD_JOBS, [priority, later, jobs])
    assert by_priority(docs_table) == [
        (50, 1, True), (0, 3, True), (-10, 7, True), (None, 2, False),
    ]  # fmt: skip
    assert by_priority(docs_table, 2)[1:] == [(0, 2, True), (-10, 2, True), (None, 2, False)]


@pytest.mark.parametrize("statistics", ["none", "of an empty table", "present"])
def test_jobs_are_counted_without_reading_the_queue(docs_table: Database, statistics: str) -> None:
    """A bound of one reads two entries per priority of one index; no other job is read.

    Whatever Postgres knows of the table, and for a source whose queue is empty.
    """
    docs_table.execute(f"alter table {JOBS} set (autovacuum_enabled = false)")
    if statistics == "of an empty table":
        docs_table.execute(f"vacuum analyze {JOBS}")
    docs_table.execute(ADD_MIXED)
    if statistics == "present":
        docs_table.execute(f"vacuum analyze {JOBS}")
    with docs_table.connect(autocommit=False) as connection:

        def read(source: str, most: int) -> tuple[list[int], dict[str, int]]:
            before: dict[str, int] = dict(connection.execute(RETURNED.encode()).fetchall())
            rows = connection.execute(
                "select jobs from wikiembed.queue_by_priority(%s, %s)", (source, most)
            ).fetchall()
            after: dict[str, int] = dict(connection.execute(RETURNED.encode()).fetchall())
            return [row[0] for row in rows], {
                name: n - before[name] for name, n in after.items() if n > before[name]
            }

        assert read("docs", 1) == ([1, 1, 1], {"jobs_by_queue": 6})
        assert read("docs", 500) == ([500, 500, 500], {"jobs_by_queue": 1503})
        assert read("wiki", 1) == ([], {})


def test_jobs_of_an_unknown_source_are_refused(database: Database) -> None:
    """With the sqlstate of every function."""
    with pytest.raises(psycopg.Error) as refused:
        database.execute("select wikiembed.queue_by_priority('nope')")
    assert refused.value.sqlstate == "WE001"


def test_throughput_is_summed_in_steps_from_a_time(docs_table: Database) -> None:
    """Of one source or all; before that time nothing counts."""
    embed(docs_table, add(docs_table, "one", "two"))
    docs_table.execute(
        "update wikiembed.ledger set at = at - interval '90 seconds' where gained > 0"
    )
    embed(docs_table, add(docs_table, "three"))

    def steps(since: str, every: str, source: str | None) -> list[tuple[str, int]]:
        return [
            (row[0], row[1])
            for row in docs_table.rows(
                "select source, chunks from wikiembed.throughput_since"
                "(now() - %s::interval, %s, %s)",
                [since, every, source],
            )
        ]

    assert steps("2 minutes", "1 minute", None) == [("docs", 2), ("docs", 1)]
    assert steps("2 minutes", "1 hour", "docs") == [("docs", 3)]
    assert steps("1 minute", "1 minute", "docs") == [("docs", 1)]
    assert steps("2 minutes", "1 minute", "wiki") == []
