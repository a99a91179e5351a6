"""The asynchronous pool that tasks use, and vectors as binary parameters."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector.psycopg.vector import register_vector_info
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo
from psycopg_pool import AsyncConnectionPool

from wikiembed.db.connect import SESSION, connect_options, translate_errors
from wikiembed.errors import ConfigurationError
from wikiembed.vectors import Matrix, encode_vector_array

APPLICATION = "wikiembed worker"
Connection = psycopg.AsyncConnection[Any]
POOL_TIMEOUT_S = 10.0
"""How long a call waits for a connection, and how long a pool tries to open one."""
IDLE_S = 1.0
"""A connection that was idle for longer is checked before use: a firewall or a proxy may have
dropped it silently."""


class Pool(AsyncConnectionPool[Connection]):
    """A pool that replaces all idle connections when it finds one dead: the others are dead too.

    psycopg_pool itself tries them one by one, and waits 1, 2, 4 s in between. A recently used one
    is checked by polling its socket, with no round trip. And where psycopg_pool leaves connections
    in use alone when it is closed, this pool closes them: a hanging statement gets an error.
    """

    def __init__(
        self, url: str, *, configure: Callable[[Connection], Awaitable[None]], **options: Any
    ) -> None:
        self._used_at: weakref.WeakKeyDictionary[Connection, float] = weakref.WeakKeyDictionary()

        async def configure_and_note(connection: Connection) -> None:
            self._used_at[connection] = time.monotonic()
            await configure(connection)

        super().__init__(
            url,
            open=False,
            configure=configure_and_note,
            check=self._check_or_drain,
            timeout=POOL_TIMEOUT_S,
            reconnect_timeout=POOL_TIMEOUT_S,
            **options,
        )

    async def _check_or_drain(self, connection: Connection) -> None:
        now = time.monotonic()
        if now - self._used_at.get(connection, 0.0) > IDLE_S or _has_input(connection):
            try:
                await self.check_connection(connection)
            except psycopg.OperationalError:
                await self.drain()
                raise
        self._used_at[connection] = now

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - psycopg_pool's own
        """Close all connections, those in use as well; wait `timeout` s for the pool's tasks."""
        for connection in list(self._used_at):
            with contextlib.suppress(OSError, psycopg.Error):
                _shut(connection.pgconn.socket)
        await super().close(timeout)


def _has_input(connection: Connection) -> bool:
    """Whether unread input is on the socket since the last answer: usually its close."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _shut(descriptor: int) -> None:
    """Shut a socket down both ways without closing the owner's descriptor: waiting reads return."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class VectorArray:
    """An `(n, dim) float32` matrix, sent as ``vector[]``."""

    matrix: Matrix


OIDS_OF_VECTOR = """
select t.oid::bigint, t.typarray::bigint
  from pg_catalog.pg_extension as e
  join pg_catalog.pg_type as t on t.typnamespace = e.extnamespace and t.typname = 'vector'
 where e.extname = 'vector'
"""


def register_vectors(connection: psycopg.BaseConnection[Any], oid: int, array_oid: int) -> None:
    """Register pgvector's adapters for one `Vector`, and our own encoding of a `VectorArray`.

    pgvector would send an array as a list of `Vector`: 0.157 ms for 64 of 768 dimensions against
    0.018 ms, more than 3 % of what a batch costs at a fast server.
    """

    class VectorArrayDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: VectorArray) -> Buffer | None:
            return encode_vector_array(obj.matrix, oid)

    VectorArrayDumper.oid = array_oid
    connection.adapters.register_dumper(VectorArray, VectorArrayDumper)
    register_vector_info(connection, TypeInfo("vector", oid, array_oid))


async def configure_session(connection: Connection) -> None:
    """Prepare a new connection: autocommit, read committed, a search path without users' schemas.

    Two workers that fetch at once would fail in a database whose default is serializable.
    """
    await connection.set_autocommit(True)
    await connection.execute(SESSION)
    await connection.execute(sql.SQL("set search_path = wikiembed_queue, pg_catalog"))


async def configure(connection: Connection) -> None:
    """Prepare a new connection, and register vectors."""
    await configure_session(connection)
    row = await (await connection.execute(OIDS_OF_VECTOR)).fetchone()
    if row is None:
        raise ConfigurationError("The database has no extension vector: run `wikiembed migrate`.")
    register_vectors(connection, row[0], row[1])


async def open_pool(url: str, *, size: int) -> Pool:
    """Open a pool of at most `size` connections.

    Raises: DatabaseUnreachable, ConfigurationError.
    """
    with translate_errors():
        connection = await psycopg.AsyncConnection.connect(url, **connect_options(url))
        async with connection:
            await configure(connection)
    pool = Pool(
        url,
        min_size=1,
        max_size=size,
        configure=configure,
        kwargs={"application_name": APPLICATION, **connect_options(url)},
    )
    await pool.open()
    return pool
