"""Where a client gets its connections: a pool of its own, the application's, or one connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from wikiembed.db.connect import SESSION, connect_options, sentence_of, translate_errors
from wikiembed.db.pooler import is_shared, is_shared_async
from wikiembed.errors import (
    DatabaseError,
    DatabaseUnreachable,
    InvalidArgument,
    SchemaMismatch,
    WrongUsage,
)
from wikiembed.search.plan import Statement

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

POOL_SIZE = 4


class Connections(Protocol):
    """What a `Client` needs of a pool: psycopg's has it, and an ORM's in five lines."""

    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection for one statement, which is given back."""
        ...


class AsyncConnections(Protocol):
    """The same for an `AsyncClient`."""

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """A connection for one statement, which is given back."""
        ...


class OneConnection:
    """A connection that is open already in the place of a pool; one thread at a time.

    A transaction that is open goes on after a search, also after one that was refused. None is
    left open where there was none.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """The connection; within a transaction, behind a savepoint."""
        status = self._connection.info.transaction_status
        if self._connection.autocommit and status == TransactionStatus.IDLE:
            yield self._connection
            return
        with self._connection.transaction():
            yield self._connection


def open_pool(url: str) -> ConnectionPool[Any]:
    """A pool of connections to `url`, after a first one that says what is wrong.

    Raises: psycopg.Error.
    """
    from psycopg_pool import ConnectionPool  # which a command, with one connection, does without

    # A pool would try for 30 s and then say only that it has no connection.
    options = connect_options(url)
    with psycopg.connect(url, autocommit=True, **options) as first:
        shared = is_shared(first, url, options)
    return ConnectionPool(
        url, open=True, min_size=1, max_size=POOL_SIZE, configure=None if shared else _configure,
        check=ConnectionPool.check_connection, kwargs=_connecting(options, shared=shared),
    )  # fmt: skip


async def open_async_pool(url: str) -> AsyncConnectionPool[Any]:
    """The same in an event loop.

    Raises: psycopg.Error.
    """
    from psycopg_pool import AsyncConnectionPool

    options = connect_options(url)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, **options) as first:
        shared = await is_shared_async(first, url, options)
    pool = AsyncConnectionPool(
        url, open=False, min_size=1, max_size=POOL_SIZE,
        configure=None if shared else _configure_async,
        check=AsyncConnectionPool.check_connection, kwargs=_connecting(options, shared=shared),
    )  # fmt: skip
    await pool.open()
    return pool


def fetch(connection: psycopg.Connection[Any], statement: Statement) -> list[tuple[Any, ...]]:
    """The rows as tuples, whatever rows and cursors the application's connection makes."""
    cursor = psycopg.Cursor(connection, row_factory=tuple_row)
    cursor.execute(statement.sql.encode(), statement.parameters)
    return cursor.fetchall()


async def fetch_async(
    connection: psycopg.AsyncConnection[Any], statement: Statement
) -> Sequence[tuple[Any, ...]]:
    """The rows as tuples, whatever rows and cursors the application's connection makes."""
    cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
    await cursor.execute(statement.sql.encode(), statement.parameters)
    return await cursor.fetchall()


@contextmanager
def translate_search_errors() -> Iterator[None]:
    """Raise one of `wikiembed.errors` for every error of Postgres or of a pool."""
    try:
        with translate_errors(), _translate_pool_errors():
            yield
    except (pg.UndefinedTable, pg.UndefinedFunction, pg.UndefinedColumn) as error:
        raise SchemaMismatch(
            f"{sentence_of(error)[:-1]}; this database has no schema of wikiembed or another"
            " version of it: run `wikiembed migrate`."
        ) from error
    except psycopg.DataError as error:
        raise InvalidArgument(sentence_of(error)) from error
    except psycopg.Error as error:
        raise DatabaseError(sentence_of(error)) from error


@contextmanager
def _translate_pool_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

        if isinstance(error, (PoolTimeout, TooManyRequests)):
            raise DatabaseUnreachable(
                f"No connection of the pool is free, {error}: Postgres is out of reach, or the pool"
                " is too small for the searches and transactions of this process."
            ) from error
        if isinstance(error, PoolClosed):
            raise WrongUsage(
                f"No connection, {error}: open the pool before a search, and close it after the"
                " last."
            ) from error
        raise


def _connecting(options: dict[str, Any], *, shared: bool) -> dict[str, Any]:
    """Options of the pool's connections; behind a pooler in transaction mode, without a session.

    There a setting would reach other clients, and a prepared statement is lost.
    """
    made = {"autocommit": True, "application_name": "wikiembed search", **options}
    return {**made, "prepare_threshold": None} if shared else made


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.execute(SESSION)


async def _configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(SESSION)
