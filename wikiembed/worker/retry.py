"""Whether a job is retried, and after how long: decided here for every exception.

wikiembed.servers.classify decides what is recorded in failures and what is an outage.
"""

from __future__ import annotations

import asyncio
import datetime as dt

import psycopg

from wikiembed.backoff import Backoff
from wikiembed.db.sqlstate import Kind, kind_of_error
from wikiembed.errors import (
    DatabaseUnreachable,
    EmbedderMisconfigured,
    LockNotAvailable,
    WrongUsage,
)
from wikiembed.servers.classify import BudgetInFlight, OutageTooLong, PausedMeanwhile, Stopping
from wikiembed.worker.binding.api import BaseRetryStrategy, Job, JobAborted, RetryDecision

UNEXPECTED = Backoff(first_s=1.0, longest_s=300.0)
TRANSIENT = Backoff(first_s=0.5, longest_s=4.0)
UNEXPECTED_BEFORE_BLAME = 5
"""After so many unexpected errors of one job its chunks go into failures (internal_error)."""


def is_out_of_memory(exception: BaseException) -> bool:
    """True when this process is out of memory; which job gets the error is chance.

    libpq reports it with neither a class nor an SQLSTATE of its own ("cannot allocate memory for
    input buffer", "out of memory for query result"); nor can a thread be started then.
    """
    if isinstance(exception, psycopg.Error):
        return exception.sqlstate is None and " memory" in str(exception)
    return isinstance(exception, MemoryError) or (
        isinstance(exception, RuntimeError) and "can't start new thread" in str(exception)
    )


def is_transient(exception: BaseException) -> bool:
    """True for errors that a retry may not hit again: a deadlock, a failover, a cancel."""
    if is_out_of_memory(exception):
        return True
    return kind_of_error(exception) in (Kind.LOST, Kind.PASSING)


def wait_s(exception: BaseException, attempts: int) -> float:
    """Seconds until the job may be fetched again; `attempts` counts its earlier runs."""
    if isinstance(
        exception,
        Stopping
        | OutageTooLong
        | PausedMeanwhile
        | EmbedderMisconfigured
        | JobAborted
        | asyncio.CancelledError,
    ):
        return 0.0
    if isinstance(exception, DatabaseUnreachable):
        return 1.0
    if isinstance(exception, WrongUsage):
        # Another worker may have the right settings; this one must not refetch it in a loop.
        return 2.0
    if isinstance(exception, LockNotAvailable | BudgetInFlight) or is_transient(exception):
        return TRANSIENT.wait_s(attempts)
    return UNEXPECTED.wait_s(attempts)


class AlwaysRetry(BaseRetryStrategy):
    """Retries every embed job, so that none ends as failed: chunk errors are in failures."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Retry, at once or after the exception's backoff.

        A job with a queueing lock is not retried: the next one may hold the lock already.
        """
        if job.queueing_lock is not None:
            return None
        at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s(exception, job.attempts))
        return RetryDecision(retry_at=at)
