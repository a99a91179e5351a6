"""One statement on the tasks' pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wikiembed.db.connect import translate_errors
from wikiembed.db.pool import Pool


async def fetch_all(pool: Pool, statement: str, parameters: Sequence[object]) -> list[Any]:
    """Run one prepared statement in a transaction of its own; return its rows.

    Raises: WikiembedError, psycopg.Error.
    """
    with translate_errors():
        async with pool.connection() as connection:
            cursor = await connection.execute(statement, parameters, prepare=True)
            return await cursor.fetchall()
