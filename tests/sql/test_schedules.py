"""Schedules: bulk work waits for its window, by any worker; rows just written never do."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest

from tests.support.chunks import add, clear_jobs
from tests.support.database import Database

OPEN, CLOSED = "- interval '1 h'", "+ interval '1 h'"
FETCH = (
    "select priority from wikiembed_private.fetch_jobs({queues}, true, null, 10) order by 1 desc"
)

NIGHTS = ("22:00-06:00", "Asia/Seoul", "1,2,3,4,5")
SATURDAYS = ("22:00-06:00", "Europe/Berlin", "6")
GAP = ("02:30-03:30", "Europe/Berlin", "7")
TWICE = ("01:30-02:30", "Europe/Berlin", "7")
MEETING = ("01:00-02:00,02:00-03:00,01:30-02:30", "UTC", "7")
WORKDAYS = ("00:00-24:00", "UTC", "1,2,3,4,5,6")


def schedule(database: Database, opens: str) -> None:
    """Give docs a window of two hours that opened, or opens, at now and `opens`."""
    database.execute("select wikiembed.set_schedule('docs', array['00:00-24:00'])")
    database.execute(
        f"update wikiembed.sources set bulk_opens_at = now() {opens},"
        f" bulk_closes_at = now() {opens} + interval '2 h' where name = 'docs'"
    )


def queue(database: Database) -> None:
    """Bulk jobs of docs, one of them due after a wait, then an edit and a retry."""
    add(database, "one", "two")
    clear_jobs(database)
    database.execute("select * from wikiembed.enqueue('docs', p_batch_size => 1)")
    database.execute(
        "update wikiembed_queue.procrastinate_jobs set scheduled_at = now() - interval '1 s'"
        " where id = (select min(id) from wikiembed_queue.procrastinate_jobs)"
    )
    add(database, "edit")
    database.execute("select wikiembed_private.requeue('docs', array['3'], 0, -1)")


@pytest.mark.parametrize("queues", ["null", "array['embed_docs']"])
def test_fetch_leaves_bulk_work_outside_of_its_window(docs_table: Database, queues: str) -> None:
    """Edits and retries are fetched; all of them once the window is open, or there is none."""
    queue(docs_table)
    schedule(docs_table, CLOSED)
    assert docs_table.rows(FETCH.format(queues=queues)) == [(10,), (5,)]
    assert docs_table.rows(FETCH.format(queues=queues)) == []
    schedule(docs_table, OPEN)
    assert docs_table.rows(FETCH.format(queues=queues)) == [(0,), (0,)]


def test_gate_holds_bulk_work_for_every_worker(docs_table: Database) -> None:
    """A worker of procrastinate itself changes no bulk job to doing, but an edit."""
    queue(docs_table)
    schedule(docs_table, CLOSED)
    begun = docs_table.rows(
        "update wikiembed_queue.procrastinate_jobs set status = 'doing' returning priority"
    )
    assert sorted(begun) == [(5,), (10,)]
    docs_table.execute("select wikiembed.set_schedule('docs')")
    begun = docs_table.rows(
        "update wikiembed_queue.procrastinate_jobs set status = 'doing' where status = 'todo'"
        " returning priority"
    )
    assert begun == [(0,), (0,)]


@pytest.mark.parametrize(
    ("windows", "zone", "days", "at", "opens", "closes"),
    [
        # Over midnight, of Monday to Friday: that of Friday ends on Saturday.
        (*NIGHTS, "2026-11-27 23:00+09", "2026-11-27 22:00+09", "2026-11-28 06:00+09"),
        (*NIGHTS, "2026-11-28 05:59+09", "2026-11-27 22:00+09", "2026-11-28 06:00+09"),
        (*NIGHTS, "2026-11-28 06:00+09", "2026-11-30 22:00+09", "2026-12-01 06:00+09"),
        # Windows that meet are one.
        (*MEETING, "2026-11-29 00:00+00", "2026-11-29 01:00+00", "2026-11-29 03:00+00"),
        # A night of 25 hours, and one of 23.
        (*SATURDAYS, "2026-10-24 12:00+02", "2026-10-24 22:00+02", "2026-10-25 06:00+01"),
        (*SATURDAYS, "2026-03-28 12:00+01", "2026-03-28 22:00+01", "2026-03-29 06:00+02"),
        # In the hour that summer time skips: not on that day. In the one that comes twice: both.
        (*GAP, "2026-03-28 12:00+01", "2026-04-05 02:30+02", "2026-04-05 03:30+02"),
        (*TWICE, "2026-10-24 12:00+02", "2026-10-25 01:30+02", "2026-10-25 02:30+01"),
        # Always, but for Sundays.
        (*WORKDAYS, "2026-11-29 12:00+00", "2026-11-30 00:00+00", "2026-12-06 00:00+00"),
    ],
)  # fmt: skip
def test_window_is_that_of_the_calendar(
    docs_table: Database, windows: str, zone: str, days: str, at: str, opens: str, closes: str
) -> None:
    """The one that is open, or the next, in its own time zone."""
    docs_table.execute(
        "select wikiembed.set_schedule('docs', %s, %s, %s::int[])",
        [windows.split(","), zone, [int(day) for day in days.split(",")]],
    )
    found = docs_table.rows(
        "select w.opens_at, w.closes_at from wikiembed_private.schedules as s,"
        " wikiembed_private.window_at(s, %s) as w",
        [at],
    )
    assert found == [
        (dt.datetime.fromisoformat(opens + ":00"), dt.datetime.fromisoformat(closes + ":00"))
    ]


def test_upkeep_writes_the_next_window(docs_table: Database) -> None:
    """Of a source whose window has passed; the others stay."""
    docs_table.execute(
        "select wikiembed.set_schedule('docs', array['00:00-24:00'], 'UTC', array[1])"
    )
    expected = docs_table.rows("select opens_at, closes_at from wikiembed.schedules")
    docs_table.execute(
        "update wikiembed.sources set bulk_opens_at = now() - interval '2 h',"
        " bulk_closes_at = now() - interval '1 s' where name = 'docs'"
    )
    assert docs_table.one("select open from wikiembed.schedules") is False
    assert docs_table.one("select wikiembed.expire_pauses()") == 0
    assert docs_table.rows("select opens_at, closes_at from wikiembed.schedules") == expected


@pytest.mark.parametrize(
    "arguments",
    [
        "array['22-06']", "array['25:00-06:00']", "'{}'::text[]", "array[null]::text[]",
        "array['22:00-06:00'], 'Mars/Olympus'", "array['22:00-06:00'], 'UTC', array[0]",
        "array['22:00-06:00'], 'UTC', '{}'::int[]",
    ],
)  # fmt: skip
def test_impossible_schedule_is_refused(docs_table: Database, arguments: str) -> None:
    """With what was given; nothing changes."""
    with pytest.raises(psycopg.Error, match="a schedule has windows such as") as caught:
        docs_table.execute(f"select wikiembed.set_schedule('docs', {arguments})")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE010", True)
    assert docs_table.one("select count(*) from wikiembed.schedules") == 0
