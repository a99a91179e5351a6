"""The asynchronous pool that tasks use, and vectors as a binary parameter of a statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg_pool import AsyncConnectionPool

from wikiembed.db.connect import translate_errors
from wikiembed.errors import ConfigurationError
from wikiembed.vectors import Matrix, encode_vector, encode_vector_array

Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
APPLICATION = "wikiembed worker"


@dataclass(frozen=True, slots=True)
class VectorArray:
    """An `(n, dim) float32` matrix, sent as ``vector[]``."""

    matrix: Matrix


@dataclass(frozen=True, slots=True)
class VectorValue:
    """A `(1, dim) float32` matrix, sent as one ``vector``."""

    matrix: Matrix


OIDS_OF_VECTOR = """
select t.oid::bigint, t.typarray::bigint
  from pg_catalog.pg_extension as e
  join pg_catalog.pg_type as t on t.typnamespace = e.extnamespace and t.typname = 'vector'
 where e.extname = 'vector'
"""


def register_vectors(connection: psycopg.BaseConnection[Any], oid: int, array_oid: int) -> None:
    """Teach `connection` to send `VectorArray` and `VectorValue` in binary."""

    class VectorArrayDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: VectorArray) -> Buffer | None:
            return encode_vector_array(obj.matrix, oid)

    class VectorValueDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: VectorValue) -> Buffer | None:
            return encode_vector(obj.matrix[0])

    VectorArrayDumper.oid = array_oid
    VectorValueDumper.oid = oid
    connection.adapters.register_dumper(VectorArray, VectorArrayDumper)
    connection.adapters.register_dumper(VectorValue, VectorValueDumper)


async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
    """Prepare a new connection: autocommit, a path without users' schemas, vectors."""
    await connection.set_autocommit(True)
    await connection.execute(sql.SQL("set search_path = wikiembed_queue, pg_catalog"))
    row = await (await connection.execute(OIDS_OF_VECTOR)).fetchone()
    if row is None:
        raise ConfigurationError("The database has no extension vector: run `wikiembed migrate`.")
    register_vectors(connection, row[0], row[1])


async def open_pool(url: str, *, size: int) -> Pool:
    """Open a pool of at most `size` connections.

    Raises: DatabaseUnreachable, ConfigurationError.
    """
    with translate_errors():
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=10)
        async with connection:
            await configure(connection)
    pool: Pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        configure=configure,
        check=AsyncConnectionPool.check_connection,
        kwargs={"application_name": APPLICATION, "connect_timeout": 10},
        timeout=15,
        reconnect_timeout=15,
    )
    await pool.open()
    return pool
