"""Users of the database who act beside a worker: threads with connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg


def sizes_of(count: int, parts: int) -> list[int]:
    """`count` in `parts` that differ by one at most."""
    return [count // parts + (i < count % parts) for i in range(parts)]


def run_all(pool: ThreadPoolExecutor, tasks: list[Callable[[], int]]) -> Callable[[], bool]:
    """Start every task; the answer says whether all have ended, and raises what one raised."""
    running: list[Future[int]] = [pool.submit(task) for task in tasks]

    def ended() -> bool:
        for one in running:
            if one.done():
                one.result()
        return all(one.done() for one in running)

    return ended


def set_limits(connection: psycopg.Connection) -> psycopg.Connection:
    """No statement of a user takes longer than a minute, so that a hang is an error."""
    connection.execute("set statement_timeout = '60s'")
    return connection
