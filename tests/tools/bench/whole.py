"""One backfill from nothing to ready, watched while it runs: samples, and what they say of tenths.

The program is `wikiembed backfill` itself, on a table of 64 dimensions and an instant server, with
autovacuum on as everywhere: the dead rows of the queue are part of what is measured.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.support.chunks import attach_sql, table_sql
from tests.tools.bench.memory import cpu_s, memory_mb
from tests.tools.bench.place import LIMIT_S, Base, Place, Server
from tests.tools.bench.result import middle

DIMENSIONS = 64
TEXT = 200
STATEMENT = 100_000
"""Rows that one insert brings."""
EVERY_S = 0.2
PARTS = 10
# The functions of all sessions together; each session reports at most once per second.
FETCHES = """
select coalesce(sum(f.calls), 0)::bigint, coalesce(sum(f.total_time), 0)::double precision
  from pg_stat_user_functions as f where f.funcname = 'fetch_jobs'
"""
BACKENDS = """
select a.pid from pg_stat_activity as a
 where a.datname = current_database() and a.backend_type = 'client backend'
   and a.pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was seen at one moment: `at` in s of time.monotonic(), memory in MB.

    `texts`, `fetches`, `fetch_ms` and `cpu_s`, of the program and its backends, are sums since the
    begin; `backend_mb` is the memory of the largest backend.
    """

    at: float
    texts: int
    fetches: int = 0
    fetch_ms: float = 0.0
    cpu_s: float = 0.0
    worker_mb: float = math.nan
    backend_mb: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A tenth of the run: its rate, memory (medians, MB), the mean time of a fetch, and the CPU.

    `cpu_us` is that of the program and its backends per chunk: other load on the machine slows a
    run down far more than it adds to this.

    nan: nothing was seen of it.
    """

    chunks_per_s: float
    worker_mb: float
    backend_mb: float
    fetch_ms: float
    cpu_us: float


def parts_of(samples: Sequence[Sample], parts: int = PARTS) -> list[Part]:
    """Cut a run into parts of as many texts each; what lies between two samples is interpolated.

    `samples` are in order; the first has no texts, the last has all.
    """
    total = samples[-1].texts
    edges = [_at_text(samples, total * i / parts) for i in range(parts + 1)]
    return [_part(samples, begin, end, total / parts) for begin, end in itertools.pairwise(edges)]


def _part(samples: Sequence[Sample], begin: float, end: float, texts: float) -> Part:
    within = [one for one in samples if begin <= one.at <= end]
    fetches = _value(samples, end, "fetches") - _value(samples, begin, "fetches")
    fetch_ms = _value(samples, end, "fetch_ms") - _value(samples, begin, "fetch_ms")
    cpu_s = _value(samples, end, "cpu_s") - _value(samples, begin, "cpu_s")
    return Part(
        chunks_per_s=texts / (end - begin),
        worker_mb=_median([one.worker_mb for one in within]),
        backend_mb=_median([one.backend_mb for one in within]),
        fetch_ms=fetch_ms / fetches if fetches > 0 else math.nan,
        cpu_us=1e6 * cpu_s / texts,
    )


def _median(values: Sequence[float]) -> float:
    seen = [value for value in values if not math.isnan(value)]
    return middle(seen) if seen else math.nan


def _at_text(samples: Sequence[Sample], texts: float) -> float:
    """When so many texts had been embedded."""
    for before, after in itertools.pairwise(samples):
        if before.texts <= texts <= after.texts and after.texts > before.texts:
            share = (texts - before.texts) / (after.texts - before.texts)
            return before.at + share * (after.at - before.at)
    raise ValueError(f"{texts} texts were never reached")


def _value(samples: Sequence[Sample], at: float, name: str) -> float:
    """A sum at a time between two samples."""
    for before, after in itertools.pairwise(samples):
        if before.at <= at <= after.at and after.at > before.at:
            share = (at - before.at) / (after.at - before.at)
            low, high = float(getattr(before, name)), float(getattr(after, name))
            return low + share * (high - low)
    return float(getattr(samples[-1], name))


def backfill(place: Place, base: Base, n: int) -> list[Sample]:
    """Fill a table of `n` chunks, embed it by `wikiembed backfill`, and return what was seen.

    Raises: AssertionError when it ends with another code than 0, or is not ready then; TimeoutError
    when no text was embedded for 15 minutes.
    """
    base.execute(table_sql("whole", vector=f"vector({DIMENSIONS})"))
    for begin in range(1, n + 1, STATEMENT):
        base.execute(
            f"insert into public.whole (body) select rpad('text ' || i || ' ', {TEXT}, 'lorem ')"
            f" from generate_series({begin}, {min(n, begin + STATEMENT - 1)}) as i"
        )
    base.execute(attach_sql("whole"))
    base.execute(f"alter database {base.name} set track_functions = 'pl'")
    base.settle()
    with place.server("instant", "--dimensions", str(DIMENSIONS)) as server:
        process = place.start(base, server, "backfill", "whole")
        try:
            samples = list(watch(base, server, process, progress(n)))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
    assert process.returncode == 0, place.log.read_text()[-2000:]
    assert base.one("select wikiembed.is_ready('whole')")
    return samples


def watch(
    base: Base, server: Server, process: subprocess.Popen[bytes], tell: Callable[[Sample], None]
) -> Iterator[Sample]:
    """Samples of a process until it ends: the first at its first request, the last at its last.

    Raises: TimeoutError.
    """
    last = 0
    spent: dict[int, float] = {}
    moved = time.monotonic()
    while True:
        ended = process.poll() is not None
        stats, at = server.stats(), time.monotonic()
        if stats["texts"] > last:
            if last == 0:
                yield _look(base, process.pid, spent, at=stats["first_begun"], texts=0)
            last, moved = stats["texts"], at
            if ended or at > stats["first_begun"] + stats["seconds"] + 10 * EVERY_S:
                at = stats["first_begun"] + stats["seconds"]
            sample = _look(base, process.pid, spent, at=at, texts=last)
            tell(sample)
            yield sample
        if ended:
            return
        if at - moved > LIMIT_S:
            raise TimeoutError(f"no text for {LIMIT_S:g} s after {last:,}")
        time.sleep(EVERY_S)


def _look(base: Base, pid: int, spent: dict[int, float], *, at: float, texts: int) -> Sample:
    """A sample; `spent` keeps the CPU (s) of each process, also of those that have ended."""
    fetches, fetch_ms = base.execute(FETCHES).fetchone() or (0, 0.0)
    worker = backends = math.nan
    with contextlib.suppress(OSError, ValueError):  # it may have ended
        worker = memory_mb(pid)
        spent[pid] = cpu_s(pid)
    for (backend,) in base.execute(BACKENDS).fetchall():
        with contextlib.suppress(OSError, ValueError):
            one = memory_mb(backend, "RssAnon")
            spent[backend] = cpu_s(backend)
            backends = one if math.isnan(backends) else max(backends, one)
    return Sample(
        at=at, texts=texts, fetches=fetches, fetch_ms=fetch_ms, cpu_s=sum(spent.values()),
        worker_mb=worker, backend_mb=backends,
    )  # fmt: skip


def progress(n: int) -> Callable[[Sample], None]:
    """Print a line to standard error at each tenth of `n` chunks."""
    told = 0
    before: Sample | None = None

    def tell(sample: Sample) -> None:
        nonlocal told, before
        if before is None:
            before = sample
        if sample.texts * PARTS // n > told and sample.at > before.at:
            told = sample.texts * PARTS // n
            rate = (sample.texts - before.texts) / (sample.at - before.at)
            print(
                f"  {sample.texts:,} of {n:,} chunks, {rate:,.0f}/s,"
                f" worker {sample.worker_mb:.0f} MB, backend {sample.backend_mb:.0f} MB",
                file=sys.stderr,
                flush=True,
            )
            before = sample

    return tell
