"""Users of the database beside a worker: threads with their own connections."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg


def sizes_of(count: int, parts: int) -> list[int]:
    """`count` split into `parts` that differ by one at most."""
    return [count // parts + (i < count % parts) for i in range(parts)]


def run_all(pool: ThreadPoolExecutor, tasks: list[Callable[[], int]]) -> Callable[[], bool]:
    """Start every task; returns a function that reports whether all ended, and reraises errors."""
    running: list[Future[int]] = [pool.submit(task) for task in tasks]

    def ended() -> bool:
        for one in running:
            if one.done():
                one.result()
        return all(one.done() for one in running)

    return ended


def set_limits(connection: psycopg.Connection) -> psycopg.Connection:
    """Limit a user's statements to a minute, so that a hang is an error."""
    connection.execute("set statement_timeout = '60s'")
    return connection
