"""`usage`, `price`, `lag`, and the money of `backfill --dry-run`."""

from __future__ import annotations

import json

import pytest

from tests.support.chunks import add_chunks
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, served
from tests.support.database import Database
from tests.support.standin import StandIn
from wikiembed.control.schedules import read_weekdays
from wikiembed.pipeline.lag import lag_bucket

RECORD = (
    "select wikiembed.record_batches('docs', {number}, array[2, 1, 64, {tokens}, {estimated}],"
    " false, array[{fresh}], array[{bucket}]::smallint[], array[64])"
)


def record(
    database: Database, *, tokens: int, estimated: int = 0, wait: float = 2, fresh: bool = True
) -> None:
    """Record a batch of 64 chunks."""
    database.execute(
        RECORD.format(
            number=tokens,
            tokens=tokens,
            estimated=estimated,
            bucket=lag_bucket(wait),
            fresh=str(fresh).lower(),
        )
    )


def test_usage_shows_tokens_and_their_price(call: Call, docs_table: Database) -> None:
    """Per day; estimated tokens have a column; the cost needs a price, and has its currency."""
    result = call("usage")
    assert_done(result)
    assert result.stdout == "No usage in the last 30 days.\n"
    record(docs_table, tokens=1_500_000, estimated=500_000)
    docs_table.execute("update wikiembed_private.batch_ledger set at = at - interval '1 day'")
    record(docs_table, tokens=500_000)
    (first, second) = json.loads(call("usage", "docs", "--json").stdout)
    assert (first["tokens"], first["tokens_estimated"], first["cost"]) == (1_500_000, 500_000, None)
    assert (first["requests"], first["failed"], first["texts"]) == (2, 1, 64)
    assert first["day"] < second["day"]
    priced = call("price", "docs", "0.02", "--currency", "USD")
    assert_done(priced)
    assert priced.stdout == "docs: 0.02 USD for a million tokens, for all days.\n"
    lines = call("usage", "docs").stdout.splitlines()
    assert lines[0].split()[-3:] == ["tokens", "estimated", "cost"]
    assert lines[2].split()[-4:] == ["1,500,000", "500,000", "0.03", "USD"]
    assert lines[-1] == "docs: 2,000,000 tokens in 2 days, 0.04 USD."
    assert len(json.loads(call("usage", "--days", "1", "--json").stdout)) == 1


def test_price_is_listed_dated_and_removed(call: Call, docs_table: Database) -> None:
    """A price from a day on leaves earlier days; the currency stays until another is given."""
    assert "No price is set" in call("price").stdout
    call("price", "docs", "0.02", "--currency", "USD")
    later = call("price", "docs", "0.0004", "--from", "2031-05-01")
    assert later.stdout == "docs: 0.0004 USD for a million tokens, from 2031-05-01 on.\n"
    listed = call("price", "docs")
    assert_done(listed)
    assert "the first day" in listed.stdout
    rows = json.loads(call("price", "--json").stdout)
    assert [(row["from_day"], row["per_million"], row["currency"]) for row in rows] == [
        (None, 0.02, "USD"), ("2031-05-01", 0.0004, "USD"),
    ]  # fmt: skip
    assert call("price", "docs", "--remove").stdout == "Removed all prices of docs.\n"
    assert json.loads(call("price", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["price", "docs", "cheap"], "'cheap' is not an amount of money"),
        (["price", "docs", "nan"], "'nan' is not an amount of money"),
        (["price", "docs", "1e9"], "'1e9' is not an amount of money"),
        (["price", "docs", "1", "--from", "May"], "'May' is not a day: give one like 2031-05-01."),
        (["price", "docs", "--currency", "USD"], "Give a price of a million tokens"),
        (["price", "docs", "1", "--remove"], "Name the source, and either a price or --remove."),
        (["price", "--remove"], "Name the source, and either a price or --remove."),
        (["price", "doc", "1"], "docs"),
        (["price", "docs", "1", "--currency", "thirteen bytes"], "a currency has up to 12 bytes"),
        (["usage", "doc"], "docs"),
        (["usage", "--days", "0"], "Invalid value for '--days'"),
        (["lag", "doc"], "docs"),
        (["doctor", "--max-lag", "soon"], "'soon' is not a span of time: give one such as 30s"),
        (["doctor", "--max-lag", "0s"], "'0s' is not a span of time: give one such as 30s"),
    ],
)
def test_costs_refuse_wrong_arguments(
    call: Call, docs_table: Database, arguments: list[str], sentence: str
) -> None:
    """One sentence, exit 2; no price is set."""
    assert sentence in assert_refused(call(*arguments), 2)
    assert docs_table.one("select count(*) from wikiembed.prices") == 0


def test_lag_is_shown_by_hour_and_kind_of_work(call: Call, docs_table: Database) -> None:
    """Fresh rows first, bulk work apart."""
    assert call("lag").stdout == "No vectors in the last 24 hours.\n"
    record(docs_table, tokens=1, wait=2)
    record(docs_table, tokens=2, wait=7200, fresh=False)
    fresh, bulk = json.loads(call("lag", "docs", "--json").stdout)
    assert (fresh["fresh"], fresh["chunks"], bulk["fresh"]) == (True, 64, False)
    assert fresh["p95_s"] == pytest.approx(2, rel=0.06)
    lines = call("lag").stdout.splitlines()
    assert [line.split()[3] for line in lines[2:]] == ["fresh", "bulk"]
    assert "2 h" in lines[3] or "1 h 5" in lines[3]


def test_dry_run_says_tokens_and_money(call: Call, docs_table: Database, standin: StandIn) -> None:
    """Both by the estimate of the tokens, which is said; without a price only tokens."""
    add_chunks(docs_table, 300)
    without = call("backfill", "docs", "--dry-run", env=served(standin))
    assert_done(without)
    assert " cost " not in without.stdout
    call("price", "docs", "1000", "--currency", "USD")
    said = call("backfill", "docs", "--dry-run", env=served(standin)).stdout
    line = next(line for line in said.splitlines() if line.startswith("docs: "))
    assert " tokens by a sample of 300 texts, which cost about 0.57" in line
    assert " USD at 1,000.00 USD a million." in line
    lines = call("backfill", "docs", "--dry-run", "--json", env=served(standin)).stdout.splitlines()
    (found,) = (row for row in map(json.loads, lines) if row["event"] == "estimate")
    assert found["tokens_are"] == "estimated"
    assert (found["cost"], found["currency"]) == (pytest.approx(found["tokens"] / 1000), "USD")


def test_budget_is_set_listed_and_removed(call: Call, docs_table: Database) -> None:
    """Of tokens and of money; `status` shows what is used."""
    assert "No budget is set" in call("budget").stdout
    done = call("budget", "docs", "--tokens", "1000000")
    assert_done(done)
    assert done.stdout == "docs: 0 of 1,000,000 tokens of the day (0 %).\n"
    call("price", "docs", "2", "--currency", "USD")
    record(docs_table, tokens=250_000)
    money = call("budget", "docs", "--cost", "1", "--per", "month")
    assert money.stdout == "docs: 0.50 of 1.00 USD of the month (50 %).\n"
    status = call("status").stdout
    assert "Budget: docs has used 250,000 of 1,000,000 tokens of the day (25 %)." in status
    assert "docs" in call("budget").stdout
    rows = json.loads(call("budget", "--json").stdout)
    assert [(row["period"], row["share_used"], row["reached"]) for row in rows] == [
        ("day", 0.25, False), ("month", 0.5, False),
    ]  # fmt: skip
    other = call("budget", "docs", "--tokens", "500000", "--per", "month")
    assert other.stdout == (
        "docs: 250,000 of 500,000 tokens of the month (50 %); it replaces the budget of 1.00 USD.\n"
    )
    again = call("budget", "docs", "--tokens", "1000000", "--per", "month")
    assert again.stdout == "docs: 250,000 of 1,000,000 tokens of the month (25 %).\n"
    removed = call("budget", "docs", "--per", "month", "--remove")
    assert removed.stdout == "docs: no budget per month.\n"
    assert len(json.loads(call("budget", "docs", "--json").stdout)) == 1


def test_budget_below_what_is_used_says_that_the_source_pauses(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """Of tokens and of money, from all of it on; the next batch does pause it."""
    record(docs_table, tokens=250_000)
    call("price", "docs", "2", "--currency", "USD")
    add_chunks(docs_table, 1)
    pauses = "; the next batch pauses the source until "
    for amount, used in (("250000", True), ("250001", False), ("1000", True)):
        assert (pauses in call("budget", "docs", "--tokens", amount).stdout) is used
    for cost, used in (("0.5", True), ("0.51", False)):
        said = call("budget", "docs", "--cost", cost, "--per", "month").stdout
        assert (pauses in said) is used
    assert call("worker", "--drain", env=served(standin)).returncode == 1
    assert docs_table.one("select reached from wikiembed.budgets where period = 'day'") is True


def test_budget_that_is_reached_says_how_to_continue(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """A drain ends with the reason, and `ready` names the command; raised, it continues."""
    add_chunks(docs_table, 10)
    call("budget", "docs", "--tokens", "5")
    drained = call("worker", "--drain", env=served(standin))
    assert drained.returncode == 1
    assert "its budget of the day has no room for the next batch: 0 of 5 tokens" in drained.stderr
    assert "wikiembed resume" not in drained.stderr
    ready = call("ready", "docs")
    assert ready.returncode == 1
    assert "wikiembed budget docs --per day --tokens N" in ready.stdout + ready.stderr
    assert_done(call("budget", "docs", "--tokens", "5000"))
    assert_done(call("worker", "--drain", env=served(standin)))
    assert_done(call("ready", "docs"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["budget", "--tokens", "5"], "Name the source, and one of --tokens, --cost and --remove."),
        (["budget", "docs", "--tokens", "5", "--remove"], "Name the source, and one of --tokens"),
        (["budget", "docs", "--tokens", "0"], "Invalid value for '--tokens'"),
        (["budget", "docs", "--tokens", "9" * 20], "Invalid value for '--tokens'"),
        (["budget", "docs", "--cost", "0"], "'0' is not an amount of money"),
        (["budget", "docs", "--cost", "5"], "A budget of money needs a price of source"),
        (["budget", "docs", "--tokens", "5", "--per", "week"], "give day or month."),
        (["budget", "doc", "--tokens", "5"], "docs"),
    ],
)
def test_budget_refuses_wrong_arguments(
    call: Call, docs_table: Database, arguments: list[str], sentence: str
) -> None:
    """One sentence, exit 2; no budget is set."""
    assert sentence in assert_refused(call(*arguments), 2)
    assert docs_table.one("select count(*) from wikiembed.budgets") == 0


def test_schedule_is_set_shown_and_removed(call: Call, docs_table: Database) -> None:
    """In its own time zone; the windows of a week, and whether one is open."""
    assert "No schedule" in call("schedule").stdout
    done = call(
        *("schedule", "docs", "--window", "22:00-06:00 Asia/Seoul", "--weekdays", "mon-wed,sat")
    )
    assert_done(done)
    assert done.stdout.startswith("docs: 22:00-06:00 Asia/Seoul on mon, tue, wed, sat; ")
    assert " until " in done.stdout
    assert call("schedule").stdout == done.stdout
    assert f"Schedule: bulk work of docs runs {done.stdout[6:]}" in call("status").stdout
    (row,) = json.loads(call("schedule", "docs", "--json").stdout)
    assert (row["windows"], row["weekdays"]) == (["22:00-06:00"], [1, 2, 3, 6])
    whole = call("schedule", "docs", "--window", "00:00-24:00")
    assert "docs: 00:00-24:00 UTC every day; open until " in whole.stdout
    removed = call("schedule", "docs", "--remove")
    assert removed.stdout == "docs: bulk work runs at any time.\n"
    assert json.loads(call("schedule", "--json").stdout) == []


def test_drain_ends_when_only_bulk_work_waits_for_its_window(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """An edit is embedded meanwhile; `schedule --remove` lets the rest run."""
    add_chunks(docs_table, 10)
    docs_table.execute("delete from wikiembed_queue.procrastinate_jobs")
    assert_done(call("enqueue", "docs"))
    call("schedule", "docs", "--window", "00:00-24:00")
    docs_table.execute(
        "update wikiembed.sources set bulk_opens_at = now() + interval '1 h',"
        " bulk_closes_at = now() + interval '2 h' where name = 'docs'"
    )
    add_chunks(docs_table, 1)
    drained = call("worker", "--drain", env=served(standin))
    assert drained.returncode == 1
    assert "The bulk work of source 'docs' waits for its window at " in drained.stderr
    assert docs_table.one("select count(*) from public.docs where vec is not null") == 1
    assert_done(call("schedule", "docs", "--remove"))
    assert_done(call("worker", "--drain", env=served(standin)))
    assert docs_table.one("select count(*) from public.docs where vec is null") == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--window", "22-06"], 'weekdays from 1 to 7: "22-06" is not such a window.'),
        (["--window", "22:00-06:00 Mars/Olympus"], 'zone of Postgres is named "Mars/Olympus".'),
        (["--window", "22:00 - 06:00 UTC"], "all with one time zone"),
        (["--window", ""], "all with one time zone"),
        (["--window", "22:00-06:00", "--weekdays", "monday"], "give them as mon-fri or sat,sun."),
        (["--window", "22:00-06:00", "--remove"], "and either --window or --remove."),
    ],
)
def test_schedule_refuses_wrong_arguments(
    call: Call, docs_table: Database, arguments: list[str], sentence: str
) -> None:
    """One sentence, exit 2; no schedule is set."""
    assert sentence in assert_refused(call("schedule", "docs", *arguments), 2)
    assert docs_table.one("select count(*) from wikiembed.schedules") == 0


def test_weekdays_are_read_over_the_end_of_the_week() -> None:
    """From Friday to Monday; doubles count once."""
    assert read_weekdays("fri-mon, mon") == [1, 5, 6, 7]
