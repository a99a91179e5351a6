"""The cost of views, of queueing and of fetching, at growing sizes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.support.chunks import attach_sql, table_sql
from tests.tools.bench.memory import peak_of
from tests.tools.bench.place import Base, Place
from tests.tools.bench.result import Form, Measured, middle, ratio_of_seconds
from wikiembed.worker.binding.job_manager import FETCH


def enqueue(place: Place, form: Form) -> Iterator[Measured]:
    """Bulk enqueue over inserting the same jobs into a table without triggers."""
    sizes = (100_000, 300_000) if form.short else (1_000_000, 10_000_000)
    peaks: dict[int, list[float]] = {n: [] for n in sizes}
    for n in sizes:
        with place.base() as base:
            base.execute("alter table public.docs disable trigger user")
            base.fill("docs", n, length=40)
            base.execute("alter table public.docs enable trigger user")
            base.execute("alter table public.docs enable always trigger zzz_wikiembed_docs")
            base.settle()
            seconds: list[float] = []
            bare: list[float] = []
            for _ in range(3):
                base.execute("truncate wikiembed_queue.procrastinate_jobs cascade")
                with peak_of(base.connection.info.backend_pid, peaks[n]):
                    seconds.append(base.seconds("select * from wikiembed.enqueue('docs')"))
                base.execute(
                    "drop table if exists public.jobs;"
                    " create table public.jobs (like wikiembed_queue.procrastinate_jobs"
                    " including all)"
                )
                bare.append(
                    base.seconds(
                        "insert into public.jobs (queue_name, task_name, priority, args)"
                        " select 'embed_docs', 'wikiembed.embed', 0,"
                        " jsonb_build_object('source', 'docs', 'keys', jsonb_agg(m.key))"
                        " from (select t.id::text as key,"
                        " (row_number() over (order by t.id) - 1) / 64 as batch"
                        " from public.docs as t where t.vec is null) as m group by m.batch"
                    )
                )
            queued = base.one("select count(*) from wikiembed_queue.procrastinate_jobs")
            assert queued == -(-n // 64)
        yield Measured(
            row=f"enqueue {n:,}",
            what=f"bulk enqueue of {n:,} chunks ÷ inserting the same jobs without triggers",
            value=ratio_of_seconds(seconds, bare),
            unit="ratio",
            better="less",
            goal=1.5,
            detail={"seconds": seconds, "bare_seconds": bare, "peak_mb": peaks[n]},
        )
    yield Measured(
        row="enqueue memory",
        what=f"most memory of the backend that enqueues {sizes[-1]:,} chunks",
        value=max(peaks[sizes[-1]]),
        unit="MB",
        better="less",
        goal=64,
        detail={"mb": {str(n): peak for n, peak in peaks.items()}},
    )


def coverage(place: Place, form: Form) -> Iterator[Measured]:
    """The coverage view by table size, half embedded, and with an unfolded ledger."""
    sizes = (20_000, 200_000) if form.short else (1_000_000, 10_000_000)
    with place.base() as base:
        base.execute(
            "create table public.small (id bigint generated always as identity primary key,"
            " body text, vec vector(3));"
            " select wikiembed.attach('public.small', 'id', 'body', 'vec', 'small')"
        )
        rows = 0
        for n in sizes:
            base.execute(
                "insert into public.small (body, vec)"
                " select 'text ' || i, case when i % 2 = 0 then '[1, 2, 3]'::vector end"
                f" from generate_series({rows + 1}, {n}) as i"
            )
            rows = n
            base.settle()
            yield _look(base, f"coverage {n:,}", f"select from coverage at {n:,} rows")
        base.execute(
            "insert into wikiembed_private.deltas_docs (total) select 1"
            " from generate_series(1, 100000)"
        )
        base.settle()
        yield _look(base, "coverage unfolded", "the same with 100,000 ledger rows not yet folded")


def _look(base: Base, row: str, what: str) -> Measured:
    times = [1000 * base.seconds("select * from wikiembed.coverage") for _ in range(21)]
    return Measured(
        row=row, what=what, value=middle(times), unit="ms", better="less", goal=5.0,
        detail={"ms": times},
    )  # fmt: skip


def fetch(place: Place, form: Form) -> Iterator[Measured]:
    """Fetching one job with many waiting, and with many of a paused source before it."""
    for waiting in (16_000, form.of(100_000, 1_000_000)):
        for paused in (False, True):
            with place.base() as base:
                _second_source(base)
                _jobs(base, "other" if paused else "docs", waiting)
                _jobs(base, "docs", 200)
                if paused:
                    base.execute("select wikiembed.pause('other', 'bench')")
                worker_id = base.one(
                    "insert into wikiembed_queue.procrastinate_workers default values returning id"
                )
                base.settle()
                times = [1000 * _fetch_s(base, worker_id) for _ in range(101)]
            yield Measured(
                row=f"fetch {waiting:,}" + (" paused" if paused else ""),
                what=f"fetch of a job with {waiting:,} waiting"
                + (" of a paused source ahead of it" if paused else ""),
                value=middle(times),
                unit="ms",
                better="less",
                goal=1.0,
                detail={"ms": times[:20]},
            )


def _fetch_s(base: Base, worker_id: int) -> float:
    began = time.perf_counter()
    row = base.connection.execute(
        FETCH,
        {
            "queues": None,
            "upkeep": False,
            "worker_id": worker_id,
            "most_jobs": 1,
            "most_chunks": 64,
        },
    ).fetchone()
    assert row is not None
    assert row[0] is not None
    return time.perf_counter() - began


def _second_source(base: Base) -> None:
    base.execute(f"{table_sql('other', key='bigint', vector='vector(768)')}; {attach_sql('other')}")


def _jobs(base: Base, source: str, n: int) -> None:
    base.execute(
        "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args)"
        f" select 'embed_{source}', 'wikiembed.embed',"
        f" jsonb_build_object('source', '{source}', 'keys', jsonb_build_array(i::text))"
        f" from generate_series(1, {n}) as i"
    )
    time.sleep(0.05)
