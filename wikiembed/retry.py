"""When a job goes back to the queue, and when it comes again: decided here for every exception.

What is recorded in failures and what stops the line is decided in wikiembed.pipeline.verdict.
"""

from __future__ import annotations

import asyncio
import datetime as dt

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job

from wikiembed.errors import (
    DatabaseUnreachable,
    EmbedderMisconfigured,
    LockNotAvailable,
    ModelMismatch,
)
from wikiembed.pipeline.verdict import HeldTooLong, Stopping

LONGEST_WAIT_S = 300.0
UNEXPECTED_BEFORE_BLAME = 5
"""After so many unexpected errors of one job its chunks go into failures (internal_error)."""


def wait_s(exception: BaseException, attempts: int) -> float:
    """Seconds until the job may be fetched again; `attempts` counts its earlier runs."""
    if isinstance(
        exception,
        Stopping
        | HeldTooLong
        | EmbedderMisconfigured
        | ModelMismatch
        | JobAborted
        | asyncio.CancelledError,
    ):
        return 0.0
    if isinstance(exception, DatabaseUnreachable):
        return 1.0
    if isinstance(exception, LockNotAvailable):
        return float(min(LONGEST_WAIT_S, 0.5 * 2 ** min(attempts, 12)))
    return float(min(LONGEST_WAIT_S, 1.0 * 2 ** min(attempts, 12)))


class BackToTheQueue(BaseRetryStrategy):
    """No embed job ever ends as failed: what is wrong with a chunk stands in failures."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Retry, at once or after the wait that fits the exception."""
        at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s(exception, job.attempts))
        return RetryDecision(retry_at=at)
