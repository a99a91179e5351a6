"""What the SQL tests do again and again: read, write, look at jobs, and act at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from tests.support.database import Database, Params

VECTOR = "[1,0,0,0]"
OTHER = "[0,1,0,0]"


class Job(NamedTuple):
    """One job of a source, as procrastinate holds it."""

    id: int
    status: str
    priority: int
    keys: list[str]
    attempt: int
    delay_s: float | None


def add(database: Database, *texts: str | None, vector: str | None = None) -> list[str]:
    """Insert one row of ``public.docs`` a text, in one statement; answers the keys."""
    rows = database.rows(
        "insert into public.docs (body, vec) select t, %s from unnest(%s::text[]) as t"
        " returning id::text",
        [vector, list(texts)],
    )
    return [row[0] for row in rows]


def read(
    database: Database, keys: Sequence[str], *, source: str = "docs", attempt: int = 0
) -> dict[str, int]:
    """Versions by key, as a worker reads them."""
    rows = database.rows(
        "select key, version from wikiembed.read_chunks(%s, %s::text[], %s)",
        [source, list(keys), attempt],
    )
    return dict(rows)


def write(
    database: Database,
    versions: dict[str, int],
    *,
    source: str = "docs",
    vector: str = VECTOR,
    attempt: int = 0,
) -> dict[str, str]:
    """Outcomes by key of one write of `vector` for every version."""
    schema = database.one("select wikiembed_private.pgvector_schema()::text")
    rows = database.rows(
        f"select key, outcome from wikiembed.write_embeddings(%s, %s::text[], %s::bigint[],"
        f' %s::"{schema}".vector[], %s)',
        [source, list(versions), list(versions.values()), [vector] * len(versions), attempt],
    )
    return dict(rows)


def write_cut(
    database: Database, versions: dict[str, int], *, source: str = "docs", kept: int | None = 2
) -> dict[str, str]:
    """Outcomes by key of one write of vectors of beginnings, of `kept` of 4 characters."""
    schema = database.one("select wikiembed_private.pgvector_schema()::text")
    n = len(versions)
    rows = database.rows(
        f"select key, outcome from wikiembed.write_truncated(%s, %s::text[], %s::bigint[],"
        f' %s::"{schema}".vector[], %s::int[], %s::int[])',
        [source, list(versions), list(versions.values()), [VECTOR] * n, [4] * n, [kept] * n],
    )
    return dict(rows)


def embed(database: Database, keys: Sequence[str], *, source: str = "docs") -> dict[str, str]:
    """Read and write `keys`."""
    return write(database, read(database, keys, source=source), source=source)


def fail(
    database: Database,
    versions: dict[str, int],
    *,
    error_class: str = "bad_chunk",
    state: str = "failed",
    source: str = "docs",
) -> dict[str, str]:
    """Outcomes by key of recording one failure for every version."""
    rows = database.rows(
        "select key, outcome from wikiembed.record_failures(%s, %s::text[], %s::bigint[], %s,"
        " p_state => %s)",
        [source, list(versions), list(versions.values()), error_class, state],
    )
    return dict(rows)


def jobs(database: Database, source: str = "docs") -> list[Job]:
    """Embed jobs of `source`, oldest first."""
    rows = database.rows(
        "select id, status::text, priority, args -> 'keys', coalesce((args ->> 'attempt')::int, 0),"
        " extract(epoch from scheduled_at - clock_timestamp())::float8"
        " from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.embed' and args ->> 'source' = %s order by id",
        [source],
    )
    return [Job(*row) for row in rows]


def queued(database: Database, source: str = "docs") -> list[str]:
    """Keys that wait in jobs, sorted; a key in two jobs stands twice."""
    return sorted(key for job in jobs(database, source) for key in job.keys)


def clear_jobs(database: Database) -> None:
    """Delete every job behind wikiembed's back."""
    database.execute("delete from wikiembed_queue.procrastinate_jobs")


def coverage(database: Database, source: str = "docs") -> dict[str, Any]:
    """The row of the view ``wikiembed.coverage``."""
    return dict(
        database.one(
            "select to_jsonb(c) from wikiembed.coverage as c where c.source = %s", [source]
        )
    )


def fetch(database: Database, queues: list[str] | None = None) -> int | None:
    """Fetch one job as a stock procrastinate worker does; the worker is alive."""
    worker = database.one(
        "select worker_id from wikiembed_queue.procrastinate_register_worker_v1()"
    )
    found = database.one(
        "select (wikiembed_queue.procrastinate_fetch_job_v2(%s::varchar[], %s)).id",
        [queues, worker],
    )
    return None if found is None else int(found)


@contextmanager
def in_background() -> Iterator[ThreadPoolExecutor]:
    """A pool of threads, for statements that wait for one another."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield pool


def start(
    pool: ThreadPoolExecutor, connection: psycopg.Connection, query: str, params: Params = None
) -> Future[Any]:
    """Run `query` in a thread, 20 s at most; the result is its rows, or None where it has none."""

    def run() -> Any:
        connection.execute("set statement_timeout = '20s'")
        cursor = connection.execute(query.encode(), params)
        return cursor.fetchall() if cursor.description else None

    return pool.submit(run)


def wait_until_blocked(database: Database, connection: psycopg.Connection) -> None:
    """Wait until `connection` waits for a lock that another holds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        blockers = database.one("select pg_blocking_pids(%s)", [connection.info.backend_pid])
        if blockers:
            return
        time.sleep(0.01)
    raise AssertionError("nothing waits for a lock")
