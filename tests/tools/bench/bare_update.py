"""A client that only writes: ``python -m tests.tools.bench.bare_update URL CONNECTIONS``.

It updates every row of ``public.written`` with vectors that it has already, 64 rows per statement
and per transaction, on so many connections at once. It reads nothing and checks nothing. Prints the
seconds that it took, without the start of the process and of its connections.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg

from wikiembed.db.pool import VectorArray, configure

BATCH = 64
UPDATE = (
    "update public.written as t set vec = n.vec"
    " from unnest(%s::bigint[], %b) as n (id, vec) where t.id = n.id"
)


async def run(url: str, connections: int, *, dimensions: int) -> float:
    """Update every row; returns seconds."""
    opened = [await psycopg.AsyncConnection.connect(url) for _ in range(connections)]
    for connection in opened:
        await configure(connection)
    row = await (await opened[0].execute("select max(id) from public.written")).fetchone()
    assert row is not None
    matrix = np.random.default_rng(1).normal(size=(BATCH, dimensions)).astype(np.float32)
    starts = iter(range(1, row[0] + 1, BATCH))
    began = time.perf_counter()
    await asyncio.gather(*(_update(one, starts, matrix, row[0]) for one in opened))
    took = time.perf_counter() - began
    for connection in opened:
        await connection.close()
    return took


async def _update(
    connection: psycopg.AsyncConnection[Any], starts: Iterator[int], matrix: Any, last: int
) -> None:
    for start in starts:
        keys = list(range(start, min(start + BATCH, last + 1)))
        await connection.execute(UPDATE, (keys, VectorArray(matrix[: len(keys)])), prepare=True)


def main() -> None:
    """Parse arguments, run, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("--dimensions", type=int, default=768)
    arguments = parser.parse_args()
    print(asyncio.run(run(arguments.url, arguments.connections, dimensions=arguments.dimensions)))


if __name__ == "__main__":
    main()
