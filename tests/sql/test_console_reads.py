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

# Jobs of two queues, one after the other: then an index that begins with the queue looks costly.
ADD_MIXED = f"""
insert into {JOBS} (queue_name, task_name, priority, args)
select (array['embed_docs', 'embed_other'])[1 + i % 2], 'wikiembed.embed', i % 3, '{{}}'
  from generate_series(1, 120000) as i
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


def test_jobs_are_counted_without_reading_the_queue(docs_table: Database) -> None:
    """A bound of one reads one entry of the index per priority, of 20,000 jobs each.

    Where the source's own queue is empty it reads none of the others', also in a session that has
    planned the statements for good.
    """
    docs_table.execute(ADD_MIXED)
    docs_table.execute(f"vacuum analyze {JOBS}")
    with docs_table.connect(autocommit=False) as connection:
        for _ in range(8):
            found = connection.execute("select * from wikiembed.queue_by_priority('docs', 1)")
            assert [row[:2] for row in found] == [(2, 1), (1, 1), (0, 1)]
            assert not connection.execute(
                "select * from wikiembed.queue_by_priority('wiki', 1)"
            ).fetchall()
        read = connection.execute(
            "select sum(pg_stat_get_xact_tuples_returned(c.oid))::int from pg_class as c"
            " where c.relnamespace = 'wikiembed_queue'::regnamespace and c.relkind in ('r', 'i')"
            " and c.relname ~ 'jobs'"
        ).fetchone()
    assert read is not None
    assert read[0] < 8 * 50


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
