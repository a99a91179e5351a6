"""Retry writes, so that vectors that were paid for are not lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
from psycopg_pool import PoolClosed

from wikiembed.backoff import Backoff
from wikiembed.db.sqlstate import Kind, kind_of_error
from wikiembed.errors import DatabaseReadOnly, DatabaseUnreachable, LockNotAvailable
from wikiembed.telemetry import emit

RETRY_LOST_S = 120.0
"""How long a write is retried while Postgres is out of reach."""
RETRY_PASSING_S = 4.0
"""How long it is retried after a transient error: a cancel, a deadlock, a lock."""
BACKOFF = Backoff(first_s=0.05, longest_s=2.0, factor=3.0)

Answer = TypeVar("Answer")


def retry_for_s(error: Exception) -> float:
    """Seconds for which a statement that failed with `error` may be retried; 0: not at all."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, PoolClosed):
        return 0.0  # this process closed it: no job may wait any longer
    if isinstance(error, DatabaseReadOnly):
        return RETRY_PASSING_S  # now a standby, and this connection stays one to a standby
    if isinstance(error, DatabaseUnreachable):
        return RETRY_LOST_S
    if cause is not None and kind_of_error(cause) in (Kind.LOST, Kind.PASSING):
        return RETRY_PASSING_S
    return RETRY_PASSING_S if isinstance(error, LockNotAvailable) else 0.0


async def retry_write(call: Callable[[], Awaitable[Answer]], *, job_id: int | None) -> Answer:
    """Call, and retry for as long as `retry_for_s` returns; `call` must be idempotent.

    Raises: what the last call raised.
    """
    began = time.monotonic()
    tries = 0
    while True:
        try:
            return await call()
        except (psycopg.Error, DatabaseUnreachable, LockNotAvailable) as error:
            if time.monotonic() - began >= retry_for_s(error):
                raise
            wait_s = BACKOFF.wait_s(tries)
            tries += 1
            emit("write_held", level=10, job_id=job_id, tries=tries, error=type(error).__name__)
            await asyncio.sleep(wait_s)
