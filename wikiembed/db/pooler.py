"""Whether a pooler gives each transaction of a connection another backend of Postgres.

Then settings of a session reach other clients, and notifications and prepared statements are lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from wikiembed.errors import ConfigurationError

PID = "select pg_catalog.pg_backend_pid()"
ROUNDS = 8
"""How often two connections are asked in turn: other clients may take a backend in between."""
WAIT_S = 2.0
"""How long the second connection may wait for a backend: a pool in session mode may have one."""
REFUSAL = (
    "Postgres is behind a pooler in transaction mode, where sessions have no state: set"
    " WIKIEMBED_DATABASE_URL to a direct address, or to a pool in session mode."
)


def require_own_backend(
    connection: psycopg.Connection[Any], url: str, options: Mapping[str, Any]
) -> None:
    """Require that `connection` to `url` keeps its backend; nothing is set in its session.

    `options`: those of further connections to `url`. Raises: ConfigurationError, psycopg.Error.
    """
    if is_shared(connection, url, options):
        raise ConfigurationError(REFUSAL)


async def require_own_backend_async(
    connection: psycopg.AsyncConnection[Any], url: str, options: Mapping[str, Any]
) -> None:
    """The same in an event loop."""
    if await is_shared_async(connection, url, options):
        raise ConfigurationError(REFUSAL)


def is_shared(connection: psycopg.Connection[Any], url: str, options: Mapping[str, Any]) -> bool:
    """Whether `connection` to `url` gets a backend for each transaction.

    Raises: psycopg.Error.
    """
    return _is_pooled(connection, _pid(connection)) and shares_backends(url, options)


async def is_shared_async(
    connection: psycopg.AsyncConnection[Any], url: str, options: Mapping[str, Any]
) -> bool:
    """The same in an event loop."""
    row = await (await connection.execute(PID)).fetchone()
    pooled = row is not None and _is_pooled(connection, int(row[0]))
    return pooled and await asyncio.to_thread(shares_backends, url, options)


def _pid(connection: psycopg.Connection[Any]) -> int:
    """The process id of the backend that answers now."""
    row = connection.execute(PID).fetchone()
    return int(row[0]) if row else 0


def _is_pooled(connection: psycopg.BaseConnection[Any], pid: int) -> bool:
    """Whether a pooler stands between: it gives each client a cancel key of its own.

    `pid`: of the backend that answers. The key that Postgres gives has it.

    Source: https://www.postgresql.org/docs/current/protocol-message-formats.html, BackendKeyData
    """
    return connection.info.backend_pid != pid


def shares_backends(url: str, options: Mapping[str, Any]) -> bool:
    """Whether two open connections to `url` meet in one backend, or one of them changes it.

    A connection of its own backend never does; so True is certain. False is not, if other clients
    take every backend in between.

    Raises: psycopg.Error.
    """
    with psycopg.connect(url, autocommit=True, **options) as first:
        # Twice: a pooler that deals its backends out in turn gives another one.
        pids = {_pid(first), _pid(first)}
        if len(pids) > 1:
            return True
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(url, autocommit=True, **options) as second,
            _limited(second),
        ):
            for _ in range(ROUNDS):
                if _pid(second) in pids or _pid(first) not in pids:
                    return True
    return False


@contextlib.contextmanager
def _limited(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """End the connection after `WAIT_S`: a statement that waits gets an OperationalError."""

    def end() -> None:
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(connection.pgconn.socket)) as copy,
        ):
            copy.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(WAIT_S, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
