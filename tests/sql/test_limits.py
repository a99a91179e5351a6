"""Limits of servers: leases of all workers together never exceed them in any window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.support.chunks import in_background, start, wait_until_blocked
from tests.support.database import Database

SERVER = "http://host:1"
LEASE = (
    "select requests, tokens, wait_s, slot from wikiembed.lease_requests(%s, %s, %s, %s, %s,"
    " %s, %s, %s, %s, %s, %s, %s)"
)


def lease(
    connection: psycopg.Connection[Any],
    requests: int,
    *,
    tokens: int = 0,
    first: int = 0,
    model: str = "m",
    left: tuple[int, int, int] = (0, 0, 0),
    more: tuple[int, int] = (0, 0),
    seen: tuple[int | None, int | None] = (None, None),
) -> tuple[int, int, float, int] | None:
    """Granted requests and tokens, the wait, and the slot; None: no limit."""
    return connection.execute(
        LEASE, (SERVER, model, requests, tokens, first, *([one] for one in left), *more, *seen)
    ).fetchone()


@pytest.fixture
def limited(database: Database) -> psycopg.Connection[Any]:
    """A connection to a database with a limit of 120 requests of model m per minute."""
    database.execute("select wikiembed.set_limit(%s, 'm', 120)", [SERVER])
    return database.connect()


def spread(connection: psycopg.Connection[Any], window_s: float) -> None:
    """Let the window of the limits have another length."""
    connection.execute("update wikiembed_private.limits set window_s = %s", [window_s])


def late(connection: psycopg.Connection[Any], *, model: str = "m") -> None:
    """Let as much be due as ever is: what workers were late for, four seconds' worth."""
    lease(connection, 0, model=model)
    connection.execute("update wikiembed_private.limit_slots set requests_due = 0, tokens_due = 0")


def test_a_server_without_a_limit_gives_no_row(database: Database) -> None:
    """Nor is anything written."""
    connection = database.connect()
    assert lease(connection, 5) is None
    assert database.one("select count(*) from wikiembed_private.limit_slots") == 0


def test_concurrent_leases_never_exceed_the_limit_in_any_window(database: Database) -> None:
    """Of 8 workers that want more than there is; requests and tokens both."""
    database.execute("select wikiembed.set_limit(%s, 'm', 300, 3000)", [SERVER])
    connections = [database.connect() for _ in range(8)]
    spread(connections[0], 0.6)

    def work(connection: psycopg.Connection[Any]) -> list[tuple[int, int, int]]:
        rows = []
        for n in range(150):
            row = lease(connection, 1 + n % 7, tokens=(1 + n % 7) * 10, first=10)
            assert row is not None
            rows.append((row[3], row[0], row[1]))
        return rows

    with ThreadPoolExecutor(8) as pool:
        rows = [row for made in pool.map(work, connections) for row in made]
    assert sum(row[1] for row in rows) > 0
    for last in {row[0] for row in rows}:
        window = [row for row in rows if last - 120 <= row[0] <= last]
        assert sum(row[1] for row in window) <= 300
        assert sum(row[2] for row in window) <= 3000


def test_a_lease_counts_those_that_are_being_made(database: Database) -> None:
    """The second waits for the first, and then nothing is due."""
    database.execute("select wikiembed.set_limit(%s, 'm', 6)", [SERVER])
    first, second = database.connect(autocommit=False), database.connect()
    assert (lease(first, 1) or (0,))[0] == 1
    with in_background() as pool:
        arguments = [SERVER, "m", 1, 0, 0, [], [], [], 0, 0, None, None]
        waiting = start(pool, second, LEASE, arguments)
        wait_until_blocked(database, second)
        first.commit()
        ((granted, *_),) = waiting.result(timeout=5)
    assert granted == 0


def test_what_is_due_is_leased_evenly(limited: psycopg.Connection[Any]) -> None:
    """At first a single one; of six a minute, one every ten seconds."""
    assert (lease(limited, 100) or (0,))[0] == 1
    limited.execute("select wikiembed.set_limit(%s, 'n', 6)", [SERVER])
    assert (lease(limited, 100, model="n") or (0,))[0] == 1
    second = lease(limited, 100, model="n")
    assert second is not None
    assert (second[0], 5 < second[2] < 10.2) == (0, True)
    limited.execute("select wikiembed.set_limit(%s, 'o', 600)", [SERVER])
    late(limited, model="o")
    assert (lease(limited, 100, model="o") or (0,))[0] == 40


def test_what_was_not_sent_is_leased_again(limited: psycopg.Connection[Any]) -> None:
    """It leaves its slot, and is due at once."""
    limited.execute("select wikiembed.set_limit(%s, 'm', 600)", [SERVER])
    late(limited)
    first = lease(limited, 10)
    assert first is not None
    assert first[0] == 10
    second = lease(limited, 4, left=(first[3], 5, 0))
    assert second is not None
    assert second[0] == 4
    rows = limited.execute("select sum(requests) from wikiembed_private.limit_slots").fetchone()
    assert rows == (9,)


def test_a_killed_workers_lease_expires_with_its_window(limited: psycopg.Connection[Any]) -> None:
    """Until then it counts as sent."""
    slot = limited.execute(
        "insert into wikiembed_private.limit_slots"
        " select id, floor(extract(epoch from clock_timestamp()) * 2)::bigint - 100, 120, 0, 0, 0"
        " from wikiembed_private.limits returning slot"
    ).fetchone()
    assert slot is not None
    full = lease(limited, 1)
    assert full is not None
    assert (full[0], full[2] > 0) == (0, True)
    limited.execute(
        "update wikiembed_private.limit_slots set slot = slot - 150 where slot = %s", slot
    )
    assert (lease(limited, 1) or (0,))[0] == 1


def test_tokens_are_corrected_by_what_was_counted(database: Database) -> None:
    """More than estimated delays the next lease, less brings it forward; the first one's fit."""
    database.execute("select wikiembed.set_limit(%s, 'm', null, 6000)", [SERVER])
    connection = database.connect()
    late(connection)
    first = lease(connection, 9, tokens=850, first=50)
    assert first is not None
    assert first[:2] == (4, 350)
    much = lease(connection, 1, tokens=100, first=100, more=(0, 1000))
    assert much is not None
    assert (much[0], much[2] > 9) == (0, True)
    soon = lease(connection, 1, tokens=100, first=100, more=(0, -1200))
    assert soon is not None
    assert soon[0] == 1
    used = "select tokens_used from wikiembed.limits"
    assert database.one(used) == first[1] + 1000 - 1200 + soon[1]


def test_a_text_longer_than_the_limit_is_sent_when_nothing_else_was(database: Database) -> None:
    """Else no worker would ever finish it."""
    database.execute("select wikiembed.set_limit(%s, 'm', null, 50)", [SERVER])
    connection = database.connect()
    assert (lease(connection, 1, tokens=80, first=80) or (0, 0))[:2] == (1, 80)
    assert (lease(connection, 1, tokens=1, first=1) or (1,))[0] == 0


def test_what_the_server_counts_beyond_our_leases_is_used(limited: psycopg.Connection[Any]) -> None:
    """Others send to it too; a difference of less than 2 % is of requests on their way."""
    lease(limited, 0, seen=(2, None))
    assert limited.execute("select requests_used from wikiembed.limits").fetchone() == (0,)
    full = lease(limited, 1, seen=(120, None))
    assert full is not None
    assert full[0] == 0
    assert limited.execute("select requests_used from wikiembed.limits").fetchone() == (120,)


def test_a_refusal_blocks_all_workers(limited: psycopg.Connection[Any]) -> None:
    """At most two minutes, and until the limit is set again."""
    limited.execute("select wikiembed.block_limit(%s, 'm', 5000)", [SERVER])
    blocked = lease(limited, 1)
    assert blocked is not None
    assert (blocked[0], 110 < blocked[2] <= 120) == (0, True)
    assert limited.execute(
        "select waits, blocked_until > now() from wikiembed.limits"
    ).fetchone() == (True, True)
    limited.execute("select wikiembed.set_limit(%s, 'm', 120)", [SERVER])
    assert (lease(limited, 1) or (0,))[0] == 1


def test_a_limit_that_was_set_wins_over_a_stated_one(database: Database) -> None:
    """Of each kind by itself; what was set goes first, then what the server stated."""
    columns = "select requests_per_minute, tokens_per_minute, origin from wikiembed.limits"
    database.execute("select wikiembed.report_limit(%s, 'm', 500, 9000)", [SERVER])
    assert database.rows(columns) == [(500, 9000, "stated")]
    database.execute("select wikiembed.set_limit(%s, 'm', 60)", [SERVER])
    database.execute("select wikiembed.report_limit(%s, 'm', 700, null)", [SERVER])
    assert database.rows(columns) == [(60, 9000, "set")]
    database.execute("select wikiembed.set_limit(%s, 'm', null, 100)", [SERVER])
    assert database.rows(columns) == [(60, 100, "set")]
    database.execute("select wikiembed.set_limit(%s, 'm')", [SERVER])
    assert database.rows(columns) == [(700, 9000, "stated")]
    database.execute("select wikiembed.set_limit(%s, 'm')", [SERVER])
    assert database.rows(columns) == []
    logged = database.rows("select detail from wikiembed.action_log where action = 'limit'")
    assert logged[0] == ({"server": SERVER, "model": "m", "requests_per_minute": 60},)
    assert len(logged) == 4


def test_a_limit_without_a_model_is_for_all_others_together(database: Database) -> None:
    """A model with a limit of its own does not count for it."""
    database.execute("select wikiembed.set_limit(%s, null, 30)", [SERVER])
    database.execute("select wikiembed.set_limit(%s, 'm', 600)", [SERVER])
    connection = database.connect()
    late(connection)
    granted = [(lease(connection, 9, model=model) or (0,))[0] for model in ("m", "a", "b")]
    assert granted == [9, 1, 0]


@pytest.mark.parametrize(
    "call",
    ["null, 'm', 5", "'host:1', 'm', 5", "'http://u:p@host', 'm', 5", "'http://h', 'm', 0",
     "'http://h', 'm', null, -5"],
)  # fmt: skip
def test_wrong_limits_are_refused(database: Database, call: str) -> None:
    """With a hint that says what was given."""
    with pytest.raises(psycopg.Error, match="a limit is of") as caught:
        database.execute(f"select wikiembed.set_limit({call})")
    assert (caught.value.sqlstate, bool(caught.value.diag.message_hint)) == ("WE010", True)


def test_old_slots_are_deleted(limited: psycopg.Connection[Any]) -> None:
    """Those of more than two windows ago, within a window of leases."""
    limited.execute(
        "insert into wikiembed_private.limit_slots"
        " select id, n, 1, 0, 0, 0 from wikiembed_private.limits, generate_series(1, 50) as n"
    )
    spread(limited, 1.2)
    for _ in range(2000):
        lease(limited, 0)
        left = limited.execute(
            "select count(*) from wikiembed_private.limit_slots where slot <= 50"
        ).fetchone()
        if left == (0,):
            break
    assert left == (0,)
