"""One open row per server, however many workers report; its end, and its retention."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.database import Database
from tests.support.eventually import eventually

SERVER = "http://127.0.0.1:8080"


def report(
    database: Database, *, since_s: float = 0, word: str = "no_answer", reason: str = "Gone."
) -> int:
    """Report SERVER unreachable as one worker; returns the row's id."""
    found: int = database.one(
        "select wikiembed.report_outage(%s, %s, %s, 503, %s)", [SERVER, since_s, word, reason]
    )
    return found


def end(database: Database, *, ended_s: float = 0) -> bool:
    """Report an answer of SERVER as one worker; returns whether that ended an outage."""
    ended: bool = database.one("select wikiembed.end_outage(%s, %s)", [SERVER, ended_s])
    return ended


def advance(database: Database, seconds: float) -> None:
    """Shift all recorded times `seconds` into the past."""
    database.execute(
        "update wikiembed.outages set since = since - make_interval(secs => %(s)s),"
        " last_seen_at = last_seen_at - make_interval(secs => %(s)s),"
        " ended_at = ended_at - make_interval(secs => %(s)s)",
        {"s": seconds},
    )


def history(database: Database) -> list[tuple[Any, ...]]:
    """All rows: begun, seen and ended so many seconds ago (in tens), class, reason, times."""
    ago = "(round(extract(epoch from clock_timestamp() - {}) / 10) * 10)::int"
    return database.rows(
        f"select {ago.format('since')}, {ago.format('last_seen_at')}, {ago.format('ended_at')},"
        " error_class, reason, times from wikiembed.outages order by id"
    )


def test_outage_opens_and_is_refreshed_and_ends(database: Database) -> None:
    """A row keeps its earliest begin and the latest reason; ending it ends nothing else."""
    assert not end(database)
    first = report(database, since_s=30)
    advance(database, 50)
    assert report(database, since_s=20, word="timeout", reason="Hangs.") == first
    assert history(database) == [(80, 0, None, "timeout", "Hangs.", 1)]
    assert report(database, since_s=300) == first
    assert history(database) == [(300, 0, None, "no_answer", "Gone.", 1)]
    database.execute("select wikiembed.report_outage('http://other', 0, 'timeout')")
    assert end(database)
    assert not end(database)
    assert [row[2:4] for row in history(database)] == [(0, "no_answer"), (None, "timeout")]


def test_late_end_is_backdated(database: Database) -> None:
    """To the time of the answer, but not before the server was last seen unreachable."""
    report(database)
    advance(database, 100)
    end(database, ended_s=40)
    assert history(database) == [(100, 100, 40, "no_answer", "Gone.", 1)]
    advance(database, 1000)
    report(database)
    advance(database, 30)
    end(database, ended_s=500)
    assert history(database)[1] == (30, 30, 30, "no_answer", "Gone.", 1)


def test_answer_ends_only_an_outage_without_reports(database: Database) -> None:
    """A worker that gets answers does not end an outage that another worker still reports."""
    report(database)
    advance(database, 60)
    statement = "select wikiembed.end_outage(%s, 0, 90)"
    assert database.one(statement, [SERVER]) is False
    advance(database, 60)
    assert database.one(statement, [SERVER]) is True


def test_outage_that_just_ended_reopens(database: Database) -> None:
    """Within 60 s for the same class: a server that answers 429 now and then fills no table."""
    first = report(database, word="throttled")
    for _ in range(3):
        advance(database, 40)
        end(database)
        advance(database, 50)
        assert report(database, word="throttled") == first
    assert history(database) == [(270, 0, None, "throttled", "Gone.", 4)]
    end(database)
    assert report(database, word="timeout") != first
    end(database)
    assert report(database, word="throttled", since_s=5) == first
    end(database)
    advance(database, 70)
    assert report(database, word="throttled") not in {first, first + 1}


def test_row_left_open_long_ago_is_a_separate_outage(database: Database) -> None:
    """Time without reports is no outage: the old row ends when the server was last seen."""
    first = report(database)
    advance(database, 590)
    assert report(database, since_s=10) == first
    advance(database, 700)
    assert report(database, since_s=20, reason="Again.") != first
    assert history(database) == [
        (1290, 700, 700, "no_answer", "Gone.", 1),
        (20, 0, None, "no_answer", "Again.", 1),
    ]


def test_two_workers_that_report_concurrently_share_a_row(database: Database) -> None:
    """The second waits for the first; neither fails, whether the row is new or reopened."""
    one, other = database.connect(autocommit=False), database.connect()
    statement = b"select wikiembed.report_outage('s', 1, 'no_answer')"
    with ThreadPoolExecutor() as pool:
        for times in (1, 2):
            first = one.execute(statement).fetchone()
            second = pool.submit(lambda: other.execute(statement).fetchone())
            try:
                eventually(database.advisory_waits, within_s=15)
            finally:
                one.commit()
            assert second.result(30) == first
            assert database.rows("select times from wikiembed.outages") == [(times,)]
            database.execute("select wikiembed.end_outage('s')")


def test_old_outages_are_deleted(database: Database) -> None:
    """After 30 days, on the next answer of any server; rows left open as well."""
    report(database)
    end(database)
    database.execute("select wikiembed.report_outage('http://no-more', 0, 'no_answer')")
    advance(database, 29 * 86400)
    assert not end(database)
    assert len(history(database)) == 2
    advance(database, 2 * 86400)
    database.execute("select wikiembed.end_outage('http://third')")
    assert history(database) == []


def test_reason_is_truncated_and_may_be_missing(database: Database) -> None:
    """300 characters; a begin in the future counts as now."""
    report(database, since_s=-1000, reason="x" * 1000)
    assert history(database) == [(0, 0, None, "no_answer", "x" * 300, 1)]
    database.execute("select wikiembed.report_outage(%s, 0, 'timeout', null, null)", [SERVER])
    assert database.rows("select http_status, reason from wikiembed.outages") == [(None, "")]
