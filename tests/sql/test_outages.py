"""One open row a server, however many workers report; its end, and what is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.database import Database

SERVER = "http://127.0.0.1:8080"


def report(
    database: Database, *, since_s: float = 0, word: str = "no_answer", reason: str = "Gone."
) -> int:
    """What one worker reports of SERVER; answers the row's id."""
    found: int = database.one(
        "select wikiembed.report_outage(%s, %s, %s, 503, %s)", [SERVER, since_s, word, reason]
    )
    return found


def end(database: Database, *, ended_s: float = 0) -> bool:
    """What one worker says when SERVER answers; whether that ended an outage."""
    ended: bool = database.one("select wikiembed.end_outage(%s, %s)", [SERVER, ended_s])
    return ended


def pass_by(database: Database, seconds: float) -> None:
    """Let `seconds` have gone by since all that is recorded."""
    database.execute(
        "update wikiembed.outages set since = since - make_interval(secs => %(s)s),"
        " last_seen_at = last_seen_at - make_interval(secs => %(s)s),"
        " ended_at = ended_at - make_interval(secs => %(s)s)",
        {"s": seconds},
    )


def history(database: Database) -> list[tuple[Any, ...]]:
    """All rows: begun and seen and ended so many seconds ago (in tens), class, reason, times."""
    ago = "(round(extract(epoch from clock_timestamp() - {}) / 10) * 10)::int"
    return database.rows(
        f"select {ago.format('since')}, {ago.format('last_seen_at')}, {ago.format('ended_at')},"
        " error_class, reason, times from wikiembed.outages order by id"
    )


def test_outage_opens_and_is_refreshed_and_ends(database: Database) -> None:
    """A row keeps its earliest beginning and the latest reason; the end of it ends nothing else."""
    assert not end(database)
    first = report(database, since_s=30)
    pass_by(database, 50)
    assert report(database, since_s=20, word="timeout", reason="Hangs.") == first
    assert history(database) == [(80, 0, None, "timeout", "Hangs.", 1)]
    assert report(database, since_s=300) == first
    assert history(database) == [(300, 0, None, "no_answer", "Gone.", 1)]
    database.execute("select wikiembed.report_outage('http://other', 0, 'timeout')")
    assert end(database)
    assert not end(database)
    assert [row[2:4] for row in history(database)] == [(0, "no_answer"), (None, "timeout")]


def test_end_that_is_told_late_is_dated_back(database: Database) -> None:
    """To when the server answered, but not to before it was last seen out of reach."""
    report(database)
    pass_by(database, 100)
    end(database, ended_s=40)
    assert history(database) == [(100, 100, 40, "no_answer", "Gone.", 1)]
    pass_by(database, 1000)
    report(database)
    pass_by(database, 30)
    end(database, ended_s=500)
    assert history(database)[1] == (30, 30, 30, "no_answer", "Gone.", 1)


def test_answer_may_end_only_what_nobody_reports(database: Database) -> None:
    """A worker that has its answers does not end what another worker sees right now."""
    report(database)
    pass_by(database, 60)
    statement = "select wikiembed.end_outage(%s, 0, 90)"
    assert database.one(statement, [SERVER]) is False
    pass_by(database, 60)
    assert database.one(statement, [SERVER]) is True


def test_outage_that_ended_just_before_opens_again(database: Database) -> None:
    """Within 60 s of the same class: a server that answers 429 now and then fills no table."""
    first = report(database, word="throttled")
    for _ in range(3):
        pass_by(database, 40)
        end(database)
        pass_by(database, 50)
        assert report(database, word="throttled") == first
    assert history(database) == [(270, 0, None, "throttled", "Gone.", 4)]
    end(database)
    assert report(database, word="timeout") != first
    end(database)
    assert report(database, word="throttled", since_s=5) == first
    end(database)
    pass_by(database, 70)
    assert report(database, word="throttled") not in {first, first + 1}


def test_row_left_open_long_ago_is_another_outage(database: Database) -> None:
    """What nobody watched is not called an outage: the old row ends when it was last seen."""
    first = report(database)
    pass_by(database, 590)
    assert report(database, since_s=10) == first
    pass_by(database, 700)
    assert report(database, since_s=20, reason="Again.") != first
    assert history(database) == [
        (1290, 700, 700, "no_answer", "Gone.", 1),
        (20, 0, None, "no_answer", "Again.", 1),
    ]


def test_two_workers_that_report_at_once_share_a_row(database: Database) -> None:
    """The second waits for the first; none fails, whether the row is new or opens again."""
    one, other = database.connect(autocommit=False), database.connect()
    statement = b"select wikiembed.report_outage('s', 1, 'no_answer')"
    with ThreadPoolExecutor() as pool:
        for times in (1, 2):
            first = one.execute(statement).fetchone()
            second = pool.submit(lambda: other.execute(statement).fetchone())
            try:
                database_waits(database)
            finally:
                one.commit()
            assert second.result(30) == first
            assert database.rows("select times from wikiembed.outages") == [(times,)]
            database.execute("select wikiembed.end_outage('s')")


def database_waits(database: Database) -> None:
    """Wait until some connection waits for the lock of a server."""
    waiting = (
        "select count(*) from pg_locks where not granted and locktype = 'advisory'"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    for _ in range(1500):
        if database.one(waiting):
            return
        database.execute("select pg_sleep(0.01)")
    raise AssertionError("nobody waits")


def test_old_outages_are_forgotten(database: Database) -> None:
    """After 30 days, with the next answer of any server; those left open as well."""
    report(database)
    end(database)
    database.execute("select wikiembed.report_outage('http://no-more', 0, 'no_answer')")
    pass_by(database, 29 * 86400)
    assert not end(database)
    assert len(history(database)) == 2
    pass_by(database, 2 * 86400)
    database.execute("select wikiembed.end_outage('http://third')")
    assert history(database) == []


def test_reason_is_cut_and_may_be_missing(database: Database) -> None:
    """300 characters; a beginning to come counts as now."""
    report(database, since_s=-1000, reason="x" * 1000)
    assert history(database) == [(0, 0, None, "no_answer", "x" * 300, 1)]
    database.execute("select wikiembed.report_outage(%s, 0, 'timeout', null, null)", [SERVER])
    assert database.rows("select http_status, reason from wikiembed.outages") == [(None, "")]
