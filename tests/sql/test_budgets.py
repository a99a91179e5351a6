"""Budgets: a source pauses before it uses more than it may, whichever workers run."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.support.chunks import add_chunks, fetch, in_background, start, wait_until_blocked
from tests.support.database import Database

WORKERS = "update wikiembed_queue.procrastinate_workers set last_heartbeat = now() - interval '1 h'"
RESERVE = "select wikiembed.reserve_budget('docs', %s, %s)"
PAUSED = (
    "select wikiembed_private.is_paused(paused_at, resume_at) from wikiembed.sources"
    " where name = 'docs'"
)


def reserve(database: Database, number: int, tokens: int) -> bool:
    """Reserve tokens of the budget of docs; False: it is paused."""
    granted = database.one(RESERVE, [number, tokens])
    assert granted is not None, "it would wait"
    return bool(granted)


def running(database: Database) -> int:
    """A number for a reservation of a job that a worker has just begun."""
    add_chunks(database, 1)
    job = fetch(database)
    assert job is not None
    return job << 20


def record(database: Database, number: int, tokens: int, *, reservation: int | None = None) -> None:
    """Record a batch of docs, which takes the place of its reservation."""
    usage = [1, 0, 1, tokens, 0]
    if reservation is None:
        database.execute("select wikiembed.record_batches('docs', %s, %s)", [number, usage])
    else:
        database.execute("select wikiembed.settle_budget('docs', %s, %s)", [reservation, usage])


def budget(database: Database, columns: str) -> tuple[Any, ...]:
    """The budget of docs."""
    (row,) = database.rows(f"select {columns} from wikiembed.budgets where source = 'docs'")
    return row


def test_batches_in_flight_count_before_the_budget_is_used(docs_table: Database) -> None:
    """Used, reserved and the next one together; what is recorded takes the reservation's place."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    assert [reserve(docs_table, 1, 400), reserve(docs_table, 2, 400)] == [True, True]
    record(docs_table, 1, 450, reservation=1)
    assert budget(docs_table, "tokens_used, tokens_in_flight, share_used, reached") == (
        450, 400, Decimal("0.4500"), False,
    )  # fmt: skip
    assert reserve(docs_table, 3, 150)
    assert docs_table.one(PAUSED) is False
    assert not reserve(docs_table, 4, 1)
    assert budget(docs_table, "reached, tokens_in_flight") == (True, 550)
    reason, until, ends = docs_table.rows(
        "select s.pause_reason, s.resume_at, b.ends from wikiembed.sources as s"
        " join wikiembed.budgets as b on b.source = s.name"
    )[0]
    assert reason.startswith("its budget of the day has no room for the next batch: 1,000 of 1,000")
    assert until == ends
    midnight = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert ends == midnight + dt.timedelta(days=1)
    actions = docs_table.rows("select action, why from wikiembed.action_log order by id desc")
    assert actions[0] == ("pause", reason)


def test_batch_waits_for_those_in_flight_before_the_budget_pauses_its_source(
    docs_table: Database,
) -> None:
    """Each may use less than it reserved: only what is used counts when none is in flight."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    first, second = running(docs_table), running(docs_table)
    assert [reserve(docs_table, first, 500), reserve(docs_table, second, 500)] == [True, True]
    third = running(docs_table)
    assert docs_table.one(RESERVE, [third, 500]) is None
    assert docs_table.one(PAUSED) is False
    record(docs_table, 1, 100, reservation=first)
    assert docs_table.one(RESERVE, [third, 500]) is None
    record(docs_table, 2, 600, reservation=second)
    assert budget(docs_table, "tokens_used, tokens_in_flight, reached") == (700, 0, False)
    assert not reserve(docs_table, third, 301)
    assert budget(docs_table, "reached") == (True,)
    docs_table.execute("select wikiembed.resume('docs')")
    assert reserve(docs_table, third, 300)


def test_budget_that_is_used_up_waits_for_no_batch(docs_table: Database) -> None:
    """Nothing that is in flight can leave room; a pause meanwhile ends the wait, too."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    assert reserve(docs_table, running(docs_table), 500)
    record(docs_table, 1, 400)
    docs_table.execute("select wikiembed.pause('docs', 'mine')")
    assert not reserve(docs_table, 1, 500)
    docs_table.execute("select wikiembed.resume('docs')")
    record(docs_table, 2, 600)
    assert not reserve(docs_table, 2, 1)
    assert budget(docs_table, "reached, tokens_in_flight") == (True, 500)


def test_money_that_is_reserved_is_waited_for(docs_table: Database) -> None:
    """As tokens are; of two budgets, one that is used up pauses the source at once."""
    docs_table.execute("select wikiembed.set_price('docs', 100)")
    docs_table.execute("select wikiembed.set_budget('docs', null, 5, 'month')")
    first = running(docs_table)
    assert reserve(docs_table, first, 40_000)
    assert docs_table.one(RESERVE, [running(docs_table), 20_000]) is None
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    record(docs_table, 1, 100)
    assert not reserve(docs_table, 2, 20_000)
    assert docs_table.rows("select period, reached from wikiembed.budgets order by 1") == [
        ("day", True), ("month", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "ended",
    [
        WORKERS,
        "update wikiembed_queue.procrastinate_jobs set started_at = clock_timestamp()",
        "select wikiembed_private.finish_jobs(array(select id from"
        " wikiembed_queue.procrastinate_jobs))",
    ],
    ids=["worker died", "job runs again", "job ended"],
)
def test_reservation_of_a_run_that_ended_is_not_waited_for(
    docs_table: Database, ended: str
) -> None:
    """It counts still, since its request may have been paid; the source pauses at once."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    assert reserve(docs_table, running(docs_table), 600)
    assert docs_table.one(RESERVE, [1, 500]) is None
    docs_table.execute(ended)
    assert not reserve(docs_table, 1, 500)
    assert budget(docs_table, "reached, tokens_in_flight") == (True, 600)


def test_budget_of_money_uses_the_price(docs_table: Database) -> None:
    """Per month; earlier months do not count, and it resumes with the next one."""
    with pytest.raises(psycopg.Error, match="a budget of money needs a price") as caught:
        docs_table.execute("select wikiembed.set_budget('docs', null, 5, 'month')")
    assert caught.value.sqlstate == "WE010"
    docs_table.execute("select wikiembed.set_price('docs', 100, p_currency => 'EUR')")
    docs_table.execute("select wikiembed.set_budget('docs', null, 5, 'month')")
    record(docs_table, 1, 90_000)
    docs_table.execute("update wikiembed_private.batch_ledger set at = at - interval '32 days'")
    assert reserve(docs_table, 2, 40_000)
    record(docs_table, 2, 40_000, reservation=2)
    assert not reserve(docs_table, 3, 10_001)
    assert budget(docs_table, "cost_used, currency, period, reached, share_used") == (
        Decimal(4), "EUR", "month", True, Decimal("0.8"),
    )  # fmt: skip
    until = docs_table.one("select resume_at from wikiembed.sources where name = 'docs'")
    assert (until.astimezone(dt.UTC).day, until > dt.datetime.now(dt.UTC)) == (1, True)
    with pytest.raises(psycopg.Error, match="has a budget of money, which needs a price"):
        docs_table.execute("select wikiembed.set_price('docs', null)")


def test_source_continues_in_the_next_period(docs_table: Database) -> None:
    """The pause expires, and what was used before counts no more."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    record(docs_table, 1, 100)
    assert not reserve(docs_table, 2, 1)
    docs_table.execute(
        "update wikiembed.sources set resume_at = now() where name = 'docs';"
        " update wikiembed_private.batch_ledger set at = at - interval '1 day'"
    )
    assert docs_table.one("select wikiembed.expire_pauses()") == 1
    assert reserve(docs_table, 3, 100)


@pytest.mark.parametrize("raised", ["'docs', 500", "'docs'"])
def test_raised_or_removed_budget_ends_its_pause(docs_table: Database, raised: str) -> None:
    """But not the pause of an operator."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    assert not reserve(docs_table, 1, 101)
    docs_table.execute(f"select wikiembed.set_budget({raised})")
    assert docs_table.one(PAUSED) is False
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    docs_table.execute("select wikiembed.pause('docs', 'mine')")
    assert not reserve(docs_table, 2, 101)
    docs_table.execute(f"select wikiembed.set_budget({raised})")
    assert docs_table.rows("select pause_reason from wikiembed.sources where name = 'docs'") == [
        ("mine",)
    ]


def test_repeated_settlement_counts_once(docs_table: Database) -> None:
    """Its reservation is gone, so it was committed; where it was not, the repeat records it."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    settle = "select wikiembed.settle_budget('docs', %s, array[1, 0, 1, 90, 0], %s)"
    for number in (1, 2):
        assert reserve(docs_table, number, 100)
    docs_table.execute(settle, [1, False])
    docs_table.execute(settle, [1, True])
    docs_table.execute(settle, [2, True])
    assert budget(docs_table, "tokens_used, tokens_in_flight") == (180, 0)
    assert docs_table.one("select count(*) from wikiembed_private.batch_ledger") == 0


def test_settlement_after_detach_is_dropped(docs_table: Database) -> None:
    """Neither an error for the worker, nor a row without a source."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    assert reserve(docs_table, 1, 100)
    docs_table.execute("select wikiembed.detach('docs')")
    record(docs_table, 1, 90, reservation=1)
    assert docs_table.one("select count(*) from wikiembed_private.usage_days") == 0


def test_budget_of_money_takes_the_price_of_each_day(docs_table: Database) -> None:
    """Folded or not; a new price holds for the whole day, and ends the pause if it is to."""
    docs_table.execute("select wikiembed.set_price('docs', 100)")
    docs_table.execute("select wikiembed.set_budget('docs', null, 5, 'month')")
    first = "date_trunc('month', now() at time zone 'UTC') at time zone 'UTC'"
    record(docs_table, 1, 10_000)
    docs_table.execute(f"update wikiembed_private.batch_ledger set at = {first}")
    docs_table.execute("select wikiembed.fold_ledger()")
    record(docs_table, 2, 10_000)
    record(docs_table, 3, 10_000)
    docs_table.execute(f"update wikiembed_private.batch_ledger set at = {first} where id = 3")
    docs_table.execute("select wikiembed.set_price('docs', 400)")
    cost = docs_table.one("select sum(cost) from wikiembed.usage")
    assert budget(docs_table, "cost_used") == (cost,)
    assert not reserve(docs_table, 4, 10_000)
    docs_table.execute("select wikiembed.set_price('docs', 300)")
    assert docs_table.one(PAUSED) is False
    assert not reserve(docs_table, 5, 10_000)
    docs_table.execute("select wikiembed.pause('docs', 'mine')")
    docs_table.execute("select wikiembed.set_price('docs', 1)")
    assert docs_table.one(PAUSED) is True


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Chatham", "Asia/Seoul"])
def test_period_is_that_of_utc_in_any_session(docs_table: Database, zone: str) -> None:
    """Whatever the session's time zone is, and whether its clocks change within the period."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    docs_table.execute("select wikiembed.set_budget('docs', 100, p_period => 'month')")
    with docs_table.connect() as connection:
        connection.execute(f"set time zone '{zone}'".encode())
        rows = connection.execute(
            "select (ends at time zone 'UTC')::text, (begins + ('1 ' || period)::interval)::text"
            " from wikiembed.budgets"
        ).fetchall()
    assert len(rows) == 2
    assert all(ends == expected and ends.endswith("00:00:00") for ends, expected in rows)


def test_pause_of_a_person_outlives_the_period(docs_table: Database) -> None:
    """Set while the budget had paused the source: neither its end nor `expire_pauses` ends it."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    assert not reserve(docs_table, 1, 101)
    docs_table.execute("select wikiembed.pause('docs', 'mine')")
    assert budget(docs_table, "reached") == (False,)
    docs_table.execute(
        "update wikiembed_private.budgets set reached_at = reached_at - '1 d'::interval"
    )
    assert docs_table.one("select wikiembed.expire_pauses()") == 0
    assert docs_table.one(PAUSED) is True


def test_resume_of_a_person_does_not_exceed_the_budget(docs_table: Database) -> None:
    """The next batch pauses the source again; a pause with an end does as well."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    assert not reserve(docs_table, 1, 101)
    docs_table.execute("select wikiembed.resume('docs')")
    assert not reserve(docs_table, 2, 101)
    assert (docs_table.one(PAUSED), *budget(docs_table, "reached")) == (True, True)


def test_both_budgets_hold(docs_table: Database) -> None:
    """The one of the day and the one of the month; the pause lasts as long as the longer one."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    docs_table.execute("select wikiembed.set_budget('docs', 150, p_period => 'month')")
    record(docs_table, 1, 90)
    assert not reserve(docs_table, 2, 70)
    assert docs_table.rows("select period, reached from wikiembed.budgets order by 1") == [
        ("day", False), ("month", True),
    ]  # fmt: skip
    docs_table.execute("select wikiembed.set_budget('docs', null, null, 'day')")
    assert docs_table.one("select budgeted from wikiembed.sources where name = 'docs'") is True
    docs_table.execute("select wikiembed.set_budget('docs', null, null, 'month')")
    assert docs_table.one("select budgeted from wikiembed.sources where name = 'docs'") is False


def test_concurrent_reservations_never_exceed_the_budget(docs_table: Database) -> None:
    """Each waits for the one before, and counts it."""
    docs_table.execute("select wikiembed.set_budget('docs', 1000)")
    first, second = docs_table.connect(autocommit=False), docs_table.connect()
    assert first.execute(RESERVE.encode(), [1, 600]).fetchone() == (True,)
    with in_background() as pool:
        waiting = start(pool, second, RESERVE, [2, 600])
        wait_until_blocked(docs_table, second)
        first.commit()
        assert waiting.result(timeout=10) == [(False,)]
    with in_background() as pool:
        docs_table.execute("select wikiembed.set_budget('docs', 10000)")
        many = [start(pool, docs_table.connect(), RESERVE, [10 + n, 900]) for n in range(12)]
        granted = [one.result(timeout=30) for one in many].count([(True,)])
    assert granted == 10
    assert budget(docs_table, "tokens_in_flight") == (600 + 9000,)


def test_reservation_of_a_dead_worker_expires(docs_table: Database) -> None:
    """With the hard limit of jobs; until then it counts, since the request may have been paid."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    assert reserve(docs_table, 1, 100)
    docs_table.execute(
        "update wikiembed_private.budget_reservations set at = at - interval '31 minutes'"
    )
    assert budget(docs_table, "tokens_in_flight") == (0,)
    assert reserve(docs_table, 2, 100)
    assert docs_table.one("select count(*) from wikiembed_private.budget_reservations") == 1


@pytest.mark.parametrize(
    "arguments",
    ["0", "-5", "5, 5", "null, 0", "null, 'NaN'", "5, null, 'week'", "5, null, null"],
)
def test_impossible_budget_is_refused(docs_table: Database, arguments: str) -> None:
    """With what was given."""
    with pytest.raises(psycopg.Error, match="a budget is of tokens or of money") as caught:
        docs_table.execute(f"select wikiembed.set_budget('docs', {arguments})")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE010", True)
    for call in ("set_budget('none', 5)", "reserve_budget('none', 1, 5)"):
        with pytest.raises(psycopg.Error, match="no source is named"):
            docs_table.execute(f"select wikiembed.{call}")


def test_budget_ends_with_its_source(docs_table: Database) -> None:
    """Nothing is left of it."""
    docs_table.execute("select wikiembed.set_budget('docs', 100)")
    reserve(docs_table, 1, 10)
    docs_table.execute("select wikiembed.detach('docs')")
    for table in ("budgets", "budget_reservations"):
        assert docs_table.one(f"select count(*) from wikiembed_private.{table}") == 0
