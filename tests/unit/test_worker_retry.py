"""When a job is retried, for every exception."""

from __future__ import annotations

import asyncio
import datetime as dt

import psycopg
import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from psycopg import errors as pg

from wikiembed.errors import (
    ConfigurationError,
    DatabaseUnreachable,
    EmbedderMisconfigured,
    LockNotAvailable,
    ModelMismatch,
)
from wikiembed.servers.classify import BudgetInFlight, OutageTooLong, Stopping
from wikiembed.worker.retry import AlwaysRetry, is_out_of_memory, is_transient, wait_s


def job(*, attempts: int = 0, queueing_lock: str | None = None) -> Job:
    return Job(
        id=1,
        queue="embed_docs",
        lock=None,
        queueing_lock=queueing_lock,
        task_name="wikiembed.embed",
        attempts=attempts,
    )


@pytest.mark.parametrize(
    "error",
    [
        Stopping("stop"),
        OutageTooLong("held"),
        EmbedderMisconfigured("401"),
        JobAborted(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_retry_of_an_interrupted_job_is_immediate(error: BaseException) -> None:
    """However often it was interrupted before; a cancelled job too."""
    assert wait_s(error, 40) == 0
    decision = AlwaysRetry().get_retry_decision(exception=error, job=job(attempts=40))
    assert decision is not None
    assert decision.retry_at is not None
    assert decision.retry_at <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("error", [ModelMismatch("other"), ConfigurationError("no key")])
def test_retry_of_a_job_that_this_worker_cannot_run_waits(error: Exception) -> None:
    """The same worker must not fetch it in a loop."""
    assert wait_s(error, 0) == wait_s(error, 9) == 2


@pytest.mark.parametrize(
    "error",
    [
        pg.DeadlockDetected("deadlock"),
        pg.SerializationFailure("serialisation"),
        pg.QueryCanceled("cancelled"),
        LockNotAvailable("55P03"),
        BudgetInFlight("reserved"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_transient_database_error_waits_seconds_however_often(error: Exception) -> None:
    """Half a second, doubled, and never minutes."""
    assert [wait_s(error, n) for n in (0, 1, 2, 40)] == [0.5, 1, 2, 4]


def test_transient_errors_are_distinguished_from_defects() -> None:
    """Only errors that another try may not meet are retried without limit."""
    assert is_transient(pg.DeadlockDetected("deadlock"))
    assert is_transient(pg.ReadOnlySqlTransaction("failover"))
    assert not is_transient(pg.UndefinedFunction("defect"))
    assert not is_transient(psycopg.OperationalError("no code"))
    assert not is_transient(ValueError("ours"))


def test_retry_after_a_lost_database_waits_a_second() -> None:
    """The supervisor reconnects; the job need not wait longer."""
    assert wait_s(DatabaseUnreachable("gone"), 12) == 1


def test_unexpected_errors_wait_longer_each_time_up_to_five_minutes() -> None:
    """Exponential backoff."""
    assert [wait_s(ValueError("?"), n) for n in (0, 1, 4, 40)] == [1, 2, 16, 300]


def test_job_with_a_queueing_lock_is_not_requeued() -> None:
    """The next periodic job may wait already, and two would violate the unique index."""
    decision = AlwaysRetry().get_retry_decision(
        exception=ValueError("?"), job=job(queueing_lock="wikiembed.missing")
    )
    assert decision is None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        psycopg.DatabaseError("out of memory for query result"),
        psycopg.OperationalError("cannot allocate memory for input buffer"),
    ],
    ids=str,
)
def test_lack_of_memory_is_not_a_jobs_fault(error: Exception) -> None:
    """libpq reports it in its own words, without an SQLSTATE; the server's error has one."""
    assert is_out_of_memory(error)
    assert is_transient(error)
    assert not is_out_of_memory(pg.OutOfMemory("out of memory"))
