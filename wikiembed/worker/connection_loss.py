"""A loss of Postgres: reported once when it begins and once when it ends."""

from __future__ import annotations

import time

import psycopg

from wikiembed.backoff import Backoff, Waits
from wikiembed.db.connect import sentence_of, translate
from wikiembed.errors import DatabaseUnreachable, LockNotAvailable, WikiembedError
from wikiembed.telemetry import emit
from wikiembed.worker.binding.api import ConnectorException

LOST = (
    *(ConnectorException, psycopg.OperationalError, DatabaseUnreachable, LockNotAvailable),
    psycopg.errors.InvalidSchemaName,
)
"""Errors that a worker gets when Postgres is lost or accepts no statement.

A schema that is gone was uninstalled: the next connection finds no version, and ends the worker.
"""
RECONNECT = Backoff(first_s=0.25, longest_s=5.0)


class ConnectionLoss:
    """The present loss of Postgres, if there is one."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._waits = Waits(RECONNECT)

    @property
    def seconds(self) -> float:
        """Seconds since it began; 0 while Postgres is reachable."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def began(self, error: BaseException) -> None:
        """Postgres is lost, or still is."""
        if self._since is None:
            self._since = time.monotonic()
            emit("database_lost", level=30, reason=str(unreachable(error)))

    def over(self) -> None:
        """Postgres answers."""
        if self._since is not None:
            emit("database_back", seconds=round(self.seconds, 1))
        self._since = None
        self._waits.reset()

    def next_wait_s(self) -> float:
        """Seconds until the next try to connect."""
        return self._waits.next_s()


def unreachable(error: BaseException) -> WikiembedError:
    """The WikiembedError for a lost or refused connection."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, WikiembedError):
            return cause
        if isinstance(cause, psycopg.Error):
            return translate(cause) or DatabaseUnreachable(
                f"Postgres is out of reach: {sentence_of(cause)}"
            )
        cause = cause.__cause__
    return DatabaseUnreachable(f"Postgres is out of reach: {str(error).rstrip('.')}.")
