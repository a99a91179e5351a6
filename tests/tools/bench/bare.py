"""The loop to compare with: four coroutines that select, post, parse and update, and no queue.

``python -m tests.tools.bench.bare URL SERVER`` does what a careful developer writes by
hand: binary vectors in one statement, a kept-alive client, orjson. Nothing is checked.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import orjson
import psycopg

from wikiembed.db.pool import VectorArray, configure

COROUTINES = 4
BATCH = 64


async def run(url: str, server: str) -> None:
    """Embed every row of ``bare`` that has no vector."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (
            await connection.execute("select min(id), max(id) from public.bare where vec is null")
        ).fetchone()
    assert row is not None
    low, high = row
    starts = iter(range(low, high + 1, BATCH))
    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(loop(url, server, client, starts) for _ in range(COROUTINES)))


async def loop(url: str, server: str, client: httpx.AsyncClient, starts: Iterator[int]) -> None:
    """One of the coroutines."""
    connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(url)
    async with connection:
        await configure(connection)
        for start in starts:
            found = await (
                await connection.execute(
                    "select id, body from public.bare where id between %s and %s and vec is null",
                    (start, start + BATCH - 1),
                    prepare=True,
                )
            ).fetchall()
            payload = {"model": "bench", "input": [body for _, body in found]}
            answer = await client.post(f"{server}/v1/embeddings", content=orjson.dumps(payload))
            rows = [item["embedding"] for item in orjson.loads(answer.content)["data"]]
            matrix = np.array(rows, dtype=np.float32)
            await connection.execute(
                "update public.bare as t set vec = n.vec"
                " from unnest(%s::bigint[], %b) as n (id, vec) where t.id = n.id",
                ([key for key, _ in found], VectorArray(matrix)),
                prepare=True,
            )


def main() -> None:
    """Parse arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("server")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.url, arguments.server))


if __name__ == "__main__":
    main()
