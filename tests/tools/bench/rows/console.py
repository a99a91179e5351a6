"""The console: its first screen over a long queue and history, and many open pages."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg

from tests.support.chunks import attach_sql, table_sql
from tests.tools.bench.memory import memory_mb
from tests.tools.bench.place import Base, Place
from tests.tools.bench.result import Form, Measured, middle
from wikiembed.control.glance import glance

RUNS = 21
WARM = 6
"""psycopg prepares a statement at its sixth execution."""
VISITS = 7
LISTENERS = 200
START_S = 30.0
SOURCES = ("docs", "two", "three", "four")
# Each hour of 90 days, and each minute of the last one, of each source.
HISTORY = """
insert into wikiembed_private.throughput_history (source, at, chunks)
select %(source)s, date_trunc('hour', now()) - interval '1 day' - i * interval '1 hour', 1000
  from generate_series(1, 89 * 24) as i
 union all
select %(source)s, date_trunc('minute', now()) - i * interval '1 minute', 20
  from generate_series(1, 24 * 60) as i
"""
LEDGER = """
insert into wikiembed.ledger (source, at, total, embedded, gained)
select %(source)s, now() - interval '1 hour', %(chunks)s, %(embedded)s, 0
 union all
select %(source)s, now() - i * interval '100 ms', 0, 20, 20 from generate_series(1, 600) as i
"""
JOBS = """
insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
select 'embed_' || (%(sources)s::text[])[1 + i %% 4], 'wikiembed.embed', -(i %% 3),
       jsonb_build_object('source', (%(sources)s::text[])[1 + i %% 4],
                          'keys', jsonb_build_array(i::text))
  from generate_series(1, %(jobs)s) as i
"""
INDEXES = """
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index as i
 where i.indrelid = 'wikiembed_queue.procrastinate_jobs'::regclass and not i.indisprimary
"""
_DURATION = re.compile(r"duration: ([\d.]+) ms")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def fill(base: Base, jobs: int) -> None:
    """Four sources of 10 million chunks by the ledger's counts, 90 days, and `jobs` that wait.

    One of them is held back, as after an enqueue with a bound.
    """
    for name in SOURCES[1:]:
        base.execute(f"{table_sql(name, key='bigint', vector='vector(768)')}; {attach_sql(name)}")
    base.execute("set session_replication_role = replica")  # no notification per job
    for name in SOURCES:
        given = {"source": name, "chunks": 2_500_000, "embedded": 1_500_000}
        base.connection.execute(HISTORY.encode(), given)
        base.connection.execute(LEDGER.encode(), given)
    indexes = base.execute(INDEXES).fetchall()
    for name, _ in indexes:
        base.execute(f"drop index {name}")
    base.connection.execute(JOBS.encode(), {"sources": list(SOURCES), "jobs": jobs})
    base.execute("set maintenance_work_mem = '256MB'")
    for _, definition in indexes:
        base.execute(definition)
    base.execute("set session_replication_role = origin")
    base.execute("select wikiembed_private.correct_queue(s.queue_name) from wikiembed.sources as s")
    base.execute("update wikiembed.sources set held_back_at = now() where name = 'two'")
    base.settle()


def postgres_ms(base: Base) -> list[float]:
    """What Postgres reports for all steps of all statements of a first screen, several times.

    In one session, as those of the console's pool: what it has planned is kept.
    """
    with psycopg.connect(base.url, autocommit=True) as connection:
        found: list[float] = []
        connection.add_notice_handler(
            lambda notice: found.extend(map(float, _DURATION.findall(notice.message_primary or "")))
        )
        connection.execute("set client_min_messages = log; set log_min_duration_statement = 0")
        times = []
        for _ in range(WARM + RUNS):
            found.clear()
            glance(connection)
            times.append(sum(found))
        return times[WARM:]


@contextlib.contextmanager
def served(base: Base) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A `wikiembed serve` of this database, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "wikiembed", "serve", "--port", str(port)]
    environment = os.environ | {"WIKIEMBED_DATABASE_URL": base.url}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                asyncio.run(_listen(port, 0))
                break
            if time.monotonic() > until:
                raise TimeoutError("the console does not answer")
            time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


def console(place: Place, form: Form) -> Iterator[Measured]:
    """The first screen's cost in Postgres, until it is painted, and the memory of open pages."""
    jobs = form.of(400_000, 4_000_000)
    with place.base() as base:
        began = time.perf_counter()
        fill(base, jobs)
        built_s = time.perf_counter() - began
        times = postgres_ms(base)
        yield Measured(
            row="console",
            what=f"Postgres for the first screen: {jobs:,} jobs, 10,000,000 chunks, 90 days",
            value=middle(times),
            unit="ms",
            better="less",
            goal=20.0,
            detail={"ms": times, "built_s": built_s},
        )
        looks = [1000 * base.seconds("select * from wikiembed.queue") for _ in range(RUNS)]
        yield Measured(
            row=f"queue {jobs:,}",
            what=f"select from queue with {jobs:,} jobs of four sources",
            value=middle(looks),
            unit="ms",
            better="less",
            goal=50.0,
            detail={"ms": looks},
        )
        with served(base) as (_, port):
            paints = _paints(port)
        if paints:
            yield Measured(
                row="console paint",
                what="the same, until Chromium has painted it",
                value=middle(paints),
                unit="ms",
                better="less",
                goal=300.0,
                detail={"ms": paints},
            )
        else:
            print("no row: console paint needs chromium and playwright", file=sys.stderr)


def listeners(place: Place, form: Form) -> Iterator[Measured]:
    """The memory of the console's process with many open pages."""
    with place.base() as base, served(base) as (process, port):
        alone = memory_mb(process.pid)
        mb = asyncio.run(_listen(port, LISTENERS, process.pid))
    yield Measured(
        row="listeners",
        what=f"memory of `wikiembed serve` with {LISTENERS} open pages that receive changes",
        value=mb,
        unit="MB",
        better="less",
        goal=150.0,
        detail={"without_mb": alone},
    )


async def _listen(port: int, n: int, pid: int | None = None) -> float:
    """Open `n` streams of changes until each has received one; the memory of `pid` then, in MB."""
    head = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with contextlib.AsyncExitStack() as stack:
        readers = []
        for _ in range(max(n, 1)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            if n:
                writer.write(head)
                readers.append(reader)
        await asyncio.gather(*(reader.readuntil(b"event: changed") for reader in readers))
        return memory_mb(pid) if pid is not None else 0.0


def _paints(port: int) -> list[float]:
    """Milliseconds until the first paint with content, of several visits."""
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        return []
    from playwright.sync_api import sync_playwright

    found: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        for _ in range(VISITS + 1):
            page.goto(f"http://127.0.0.1:{port}/")
            found.append(
                page.evaluate(
                    "() => new Promise((resolve) => new PerformanceObserver((list) => {"
                    " const at = list.getEntriesByName('first-contentful-paint')[0];"
                    " if (at) resolve(at.startTime);"
                    "}).observe({type: 'paint', buffered: true}))"
                )
            )
            page.wait_for_timeout(1100)  # the console keeps a result for a second
        browser.close()
    return found[1:]  # the first visit loads scripts and opens the console's connections
