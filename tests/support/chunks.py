"""Chunks, their source and its jobs: the one home of this SQL in the tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from tests.support.database import DIMENSIONS, Database, Params
from tests.support.eventually import eventually

VECTOR = "[1,0,0,0]"
OTHER = "[0,1,0,0]"
IDENTITY = "bigint generated always as identity"


class Job(NamedTuple):
    """One job of a source, as procrastinate holds it."""

    id: int
    status: str
    priority: int
    keys: list[str]
    attempt: int
    delay_s: float | None


class Counts(NamedTuple):
    """The numbers of the view ``wikiembed.coverage``."""

    embedded: int
    missing: int
    failed: int
    skipped: int


def table_sql(
    name: str = "docs", *, key: str = IDENTITY, vector: str = f"vector({DIMENSIONS})"
) -> str:
    """The statement that creates table ``public.NAME`` (id, body, vec)."""
    return f"create table public.{name} (id {key} primary key, body text, vec {vector})"


def attach_sql(name: str = "docs", *, batch_size: int | None = None) -> str:
    """The statement that attaches ``public.NAME`` as the source of the same name."""
    size = "" if batch_size is None else f", p_batch_size => {batch_size}"
    return f"select wikiembed.attach('public.{name}', 'id', 'body', 'vec', '{name}'{size})"


def make_table(
    database: Database, *, key: str = IDENTITY, vector: str = f"vector({DIMENSIONS})"
) -> None:
    """Create ``public.docs``, without a source."""
    database.execute(table_sql(key=key, vector=vector))


def make_source(
    database: Database,
    *,
    key: str = IDENTITY,
    vector: str = f"vector({DIMENSIONS})",
    batch_size: int | None = None,
) -> None:
    """Create ``public.docs`` and attach it as source ``docs``."""
    make_table(database, key=key, vector=vector)
    database.execute(attach_sql(batch_size=batch_size))


def vector_schema(database: Database) -> str:
    """The schema of pgvector, quoted."""
    return str(database.one("select quote_ident(wikiembed_private.pgvector_schema()::text)"))


def add(database: Database, *texts: str | None, vector: str | None = None) -> list[str]:
    """Insert one row into ``public.docs`` per text, in one statement; returns the keys."""
    rows = database.rows(
        "insert into public.docs (body, vec) select t, %s from unnest(%s::text[]) as t"
        " returning id::text",
        [vector, list(texts)],
    )
    return [row[0] for row in rows]


def add_chunks(database: Database, n: int, *, begin: int = 0) -> None:
    """Insert `n` chunks, ``body 0`` and so on, in one statement."""
    database.execute(
        "insert into public.docs (body)"
        " select 'body ' || i from generate_series(%s::int, %s::int) as i",
        [begin, begin + n - 1],
    )


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
    schema = vector_schema(database)
    rows = database.rows(
        f"select key, outcome from wikiembed.write_embeddings(%s, %s::text[], %s::bigint[],"
        f" %s::{schema}.vector[], %s)",
        [source, list(versions), list(versions.values()), [vector] * len(versions), attempt],
    )
    return dict(rows)


def write_cut(
    database: Database, versions: dict[str, int], *, source: str = "docs", kept: int | None = 2
) -> dict[str, str]:
    """Outcomes by key of one write of vectors of beginnings, of `kept` of 4 characters."""
    schema = vector_schema(database)
    n = len(versions)
    rows = database.rows(
        f"select key, outcome from wikiembed.write_truncated(%s, %s::text[], %s::bigint[],"
        f" %s::{schema}.vector[], %s::int[], %s::int[])",
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
    message: str = "",
    state: str = "failed",
    source: str = "docs",
) -> dict[str, str]:
    """Outcomes by key of recording one failure for every version."""
    rows = database.rows(
        "select key, outcome from wikiembed.record_failures(%s, %s::text[], %s::bigint[], %s,"
        " %s, p_state => %s)",
        [source, list(versions), list(versions.values()), error_class, message, state],
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


def jobs_by_status(database: Database, task: str = "wikiembed.embed") -> Counter[str]:
    """The number of jobs of a task by status, of all sources; one without jobs is left out."""
    rows = database.rows(
        "select status::text, count(*)::int from wikiembed_queue.procrastinate_jobs"
        " where task_name = %s group by status",
        [task],
    )
    return Counter(dict(rows))


def queued(database: Database, source: str = "docs") -> list[str]:
    """Keys in jobs, sorted; a key in two jobs is listed twice."""
    return sorted(key for job in jobs(database, source) for key in job.keys)


def clear_jobs(database: Database) -> None:
    """Delete every job directly in the queue's table."""
    database.execute("delete from wikiembed_queue.procrastinate_jobs")


def coverage(database: Database, source: str = "docs") -> dict[str, Any]:
    """The row of the view ``wikiembed.coverage``."""
    return dict(
        database.one(
            "select to_jsonb(c) from wikiembed.coverage as c where c.source = %s", [source]
        )
    )


def counts(database: Database, source: str = "docs") -> Counts:
    """Coverage in numbers."""
    row = coverage(database, source)
    return Counts(*(int(row[name]) for name in Counts._fields))


def without_vector(database: Database) -> int:
    """The number of rows of ``public.docs`` without a vector, counted in the table itself."""
    return int(database.one("select count(*) from public.docs where vec is null"))


def settled(database: Database) -> bool:
    """Whether every missing chunk has a failure."""
    found = counts(database)
    return found.missing == found.failed


def failures(database: Database) -> list[tuple[str, str, str, int | None]]:
    """Failures in order: the chunk's text, state, class, HTTP status."""
    rows = database.rows(
        "select d.body, f.state, f.error_class, f.http_status from wikiembed.failures as f"
        " join public.docs as d on d.id::text = f.key where f.source = 'docs' order by d.id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def pause_reason(database: Database) -> str | None:
    """Why source ``docs`` is paused; None if it is not."""
    reason: str | None = database.one(
        "select case when paused_at is not null then coalesce(pause_reason, '') end"
        " from wikiembed.sources where name = 'docs'"
    )
    return reason


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
    """Run `query` in a thread for 20 s at most; the result is its rows, or None without any."""

    def run() -> Any:
        connection.execute("set statement_timeout = '20s'")
        cursor = connection.execute(query.encode(), params)
        return cursor.fetchall() if cursor.description else None

    return pool.submit(run)


def wait_until_blocked(database: Database, connection: psycopg.Connection) -> None:
    """Wait until `connection` waits for a lock that another session holds."""
    eventually(
        lambda: database.one("select pg_blocking_pids(%s)", [connection.info.backend_pid]),
        within_s=10,
        message="no session waits for a lock",
    )
