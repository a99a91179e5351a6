"""Writing: bisection finds a row that Postgres refuses; other errors are raised."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
from psycopg import errors as pg

from tests.support.pipeline_fakes import FakeStore
from wikiembed.db.sqlstate import is_refusal
from wikiembed.errors import DatabaseUnreachable, LockNotAvailable, WriteRefused
from wikiembed.pipeline import write_retry
from wikiembed.pipeline.write import write_vectors
from wikiembed.store.chunks import Chunk
from wikiembed.store.outcome import Outcome

REFUSED = pg.CheckViolation("violates check constraint")


async def written(store: FakeStore, n: int) -> list[str]:
    chunks = [Chunk(str(i), f"text {i}", i) for i in range(n)]
    matrix = np.arange(n * 4, dtype=np.float32).reshape(n, 4)
    stale = await write_vectors(store, "docs", chunks, matrix, attempt=0, job_id=7)
    for key, row in store.written.items():
        np.testing.assert_array_equal(row, matrix[int(key)])
    return stale


async def test_batch_is_written_in_one_call() -> None:
    """Nothing refused: one statement, nothing stale, nothing recorded."""
    store = FakeStore()
    assert await written(store, 64) == []
    assert (store.writes, len(store.written), store.recorded) == (1, 64, [])


async def test_write_finds_a_refused_row_by_bisection() -> None:
    """One row of 64 is refused: it is recorded, the others are written, in 2 log2(n) calls."""
    store = FakeStore()
    store.refuses = {"20": REFUSED}
    await written(store, 64)
    assert [(key, word) for key, word, _ in store.recorded] == [("20", "write_refused")]
    assert sorted(store.written, key=int) == [str(i) for i in range(64) if i != 20]
    assert store.writes == 1 + 2 * 6


async def test_write_that_a_trigger_discards_is_a_refusal() -> None:
    """WE012 arrives as an error of ours, without diagnostics from Postgres."""
    store = FakeStore()
    store.refuses = {"1": WriteRefused("A trigger keeps a vector from being written.")}
    await written(store, 2)
    assert store.recorded == [
        ("1", "write_refused", "A trigger keeps a vector from being written.")
    ]


async def test_stale_keys_of_all_parts_are_returned() -> None:
    """Stale keys on either side of a refused row are read again, and a stale refused row too."""
    store = FakeStore()
    store.refuses = {"3": REFUSED}
    store.outcomes = dict.fromkeys(("0", "3", "7"), Outcome.STALE) | {"5": Outcome.LOCKED}
    assert sorted(await written(store, 8)) == ["0", "3", "7"]


@pytest.mark.parametrize(
    "error",
    [
        pg.DeadlockDetected("deadlock"),
        pg.SerializationFailure("serialisation"),
        pg.AdminShutdown("shutdown"),
        pg.QueryCanceled("cancelled"),
        pg.DiskFull("full"),
        pg.ReadOnlySqlTransaction("read-only after a failover"),
        pg.InternalError_("internal"),
        psycopg.OperationalError("the connection is lost"),
        LockNotAvailable("The lock is not available."),
        DatabaseUnreachable("Postgres is out of reach."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_error_that_is_not_a_rows_fault_requeues_the_job(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither bisected nor recorded: one call without a retry, then the exception."""
    monkeypatch.setattr(write_retry, "retry_for_s", lambda _: 0.0)
    store = FakeStore()
    store.refuses = {"1": error}
    with pytest.raises(type(error)):
        await written(store, 4)
    assert (store.writes, store.recorded) == (1, [])


@pytest.mark.parametrize(
    "error",
    [
        pg.CheckViolation("check"),
        pg.NotNullViolation("not null"),
        pg.NumericValueOutOfRange("range"),
        pg.UndefinedTable("a user's trigger names a table that is gone"),
        pg.RaiseException("a user's trigger raises"),
        pg.ProgramLimitExceeded("index row size exceeds the maximum"),
        pg.TriggeredDataChangeViolation("a trigger changed the row"),
        pg.ObjectNotInPrerequisiteState("currval is not yet defined"),
        psycopg.DataError("a NUL"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_refusals_are_distinguished_from_transient_errors(error: Exception) -> None:
    """Constraints, values, limits and users' triggers concern the row."""
    assert is_refusal(error)
    assert not is_refusal(ValueError("ours"))


def test_user_defined_sqlstate_is_a_refusal() -> None:
    """A user's trigger may raise any code."""

    class Custom(psycopg.DatabaseError):
        sqlstate = "MY001"

    assert is_refusal(Custom("mine"))


async def test_message_never_quotes_the_text() -> None:
    """For a trigger that quotes the row's text, the message is the SQLSTATE alone."""
    store = FakeStore()
    error = pg.RaiseException("refused: the secret plan of the emperor")
    store.refuses = {"0": error}
    chunk = Chunk("0", "Here is the secret plan of the emperor, in full.", 1)
    await write_vectors(store, "docs", [chunk], np.ones((1, 4), np.float32), attempt=0, job_id=None)
    assert [message for _, _, message in store.recorded] == [
        "Postgres refuses the row (SQLSTATE P0001)."
    ]
    store.recorded.clear()
    store.refuses = {"0": pg.RaiseException("no vectors on Sundays")}
    await write_vectors(store, "docs", [chunk], np.ones((1, 4), np.float32), attempt=0, job_id=None)
    assert [message for _, _, message in store.recorded] == ["no vectors on Sundays"]
