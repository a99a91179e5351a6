"""One statement on the tasks' pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from wikiembed.db.connect import translate_errors

if TYPE_CHECKING:
    from wikiembed.db.pool import Pool

Row = TypeVar("Row")


async def fetch_all(
    pool: Pool, statement: str, parameters: Sequence[object] | Mapping[str, object]
) -> list[Any]:
    """Run one prepared statement in a transaction of its own; return its rows.

    Raises: WikiembedError, psycopg.Error.
    """
    with translate_errors():
        async with pool.connection() as connection:
            cursor = await connection.execute(statement, parameters, prepare=True)
            return await cursor.fetchall()


async def read_valid(
    read: Callable[[Sequence[str]], Awaitable[list[Row]]],
    keys: Sequence[str],
    *,
    on_invalid: Callable[[], None],
) -> list[Row]:
    """Read rows; if a key is not of the key column's type, read each alone and skip that one.

    `on_invalid` is called for each key that is skipped.
    """
    try:
        return await read(keys)
    except psycopg.DataError:
        if len(keys) == 1:
            on_invalid()
            return []
    return [row for key in keys for row in await read_valid(read, [key], on_invalid=on_invalid)]
