"""One table that grows to a size: its disk space, write-ahead log and time.

The chunks are embedded by the SQL functions that a worker calls, on one connection and
without a worker. Autovacuum is off for what is measured, so that all dead rows of a whole backfill
are seen, and are removed by one vacuum that is measured itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tests.support.chunks import attach_sql, table_sql
from tests.tools.bench.place import DIMENSIONS, TEXT, Base
from tests.tools.bench.result import middle
from wikiembed.db.pool import OIDS_OF_VECTOR, VectorArray, register_vectors
from wikiembed.vectors import Matrix
from wikiembed.worker.binding.job_manager import FETCH

Numbers = dict[str, float]
"""Name of a quantity → its total: bytes, seconds, or rows; see tests.tools.bench.rows.growth."""

STATEMENT = 10_000
"""Rows that one insert brings."""
KINDS = ("vector", "halfvec")
AT_ONCE = 8
"""Jobs that one fetch brings and one statement finishes, as with a worker at a fast server."""
AGAIN = 10
"""One in so many chunks is embedded a second time."""
TABLE = "public.grown"
JOBS = "wikiembed_queue.procrastinate_jobs"
EVENTS = "wikiembed_queue.procrastinate_events"
LEDGER = "wikiembed.ledger"
OFF = "autovacuum_enabled = off, toast.autovacuum_enabled = off"
PARTS = """
select pg_relation_size(c.oid), coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0),
       (select sum(pg_relation_size(i.indexrelid)) from pg_index as i
         where i.indrelid = c.oid and i.indisprimary),
       (select sum(pg_relation_size(i.indexrelid)) from pg_index as i
         where i.indrelid = c.oid and i.indpred is not null)
  from pg_class as c where c.oid = %s::regclass
"""
FINISH = "select wikiembed_private.finish_jobs(%s::bigint[])"
LEDGER_BYTES = """
select sum(pg_total_relation_size(c.oid)) from pg_class as c
 where c.oid = 'wikiembed.ledger'::regclass
    or c.oid in (select i.inhrelid from pg_inherits as i
                  where i.inhparent = 'wikiembed.ledger'::regclass)
"""
DEAD = """
select s.n_dead_tup, coalesce(t.n_dead_tup, 0)
  from pg_stat_all_tables as s
  join pg_class as c on c.oid = s.relid
  left join pg_stat_all_tables as t on t.relid = c.reltoastrelid
 where s.relid = %s::regclass
"""


def grow(base: Base, n: int, *, dimensions: int) -> Numbers:
    """Insert, queue, embed, vacuum and partly embed again `n` chunks; keeps the table."""
    log = Log(base)
    _make(base, dimensions)
    with log.part("insert"):
        for begin in range(1, n + 1, STATEMENT):
            base.execute(
                f"insert into {TABLE} (body) select rpad('text ' || i || ' ', {TEXT}, 'lorem ')"
                f" from generate_series({begin}, {min(n, begin + STATEMENT - 1)}) as i"
            )
    _sizes(base, log.numbers, "heap before bytes", "", "key index bytes", "missing before bytes")
    base.execute(f"truncate {JOBS} cascade")
    base.execute(f"vacuum analyze {TABLE}")
    with log.part("enqueue"):
        base.execute("select * from wikiembed.enqueue('grown')")
    log.numbers["jobs"] = base.one(f"select count(*) from {JOBS}")
    log.numbers["jobs bytes"] = base.one(f"select pg_table_size('{JOBS}')")
    log.numbers["job indexes bytes"] = base.one(f"select pg_indexes_size('{JOBS}')")
    base.execute(f"vacuum analyze {JOBS}, {EVENTS}, {LEDGER}")
    log.numbers["view queue s"] = _look(base, "select * from wikiembed.queue")
    ledger = base.one(f"select count(*) from {LEDGER}")
    _embed_all(base, log, dimensions)
    log.numbers["ledger rows"] = base.one(f"select count(*) from {LEDGER}") - ledger
    log.numbers["ledger bytes"] = float(base.one(LEDGER_BYTES))
    log.numbers["queue after bytes"] = base.one(
        f"select pg_total_relation_size('{JOBS}') + pg_total_relation_size('{EVENTS}')"
    )
    _sizes(base, log.numbers, "heap bytes", "TOAST bytes", "", "missing after bytes")
    _vacuum(base, log)
    _embed_again(base, log, n, dimensions)
    return log.numbers


class Log:
    """Seconds and bytes of write-ahead log by the part of the work."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.numbers: Numbers = {}

    @contextmanager
    def part(self, name: str, *, fresh: bool = True) -> Iterator[None]:
        """Add the cost of the block to `name`; `fresh`: right after a checkpoint."""
        if fresh:
            self._base.execute("checkpoint")
        before = self._position()
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        for key, value in ((f"{name} s", seconds), (f"{name} WAL", self._position() - before)):
            self.numbers[key] = self.numbers.get(key, 0) + value

    def _position(self) -> float:
        return float(self._base.one("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


def _make(base: Base, dimensions: int) -> None:
    base.execute(f"{table_sql('grown', vector=f'vector({dimensions})')} with ({OFF})")
    base.execute(attach_sql("grown"))
    for table in (JOBS, EVENTS, LEDGER):
        base.execute(f"alter table {table} set (autovacuum_enabled = off)")
    row = base.execute(OIDS_OF_VECTOR).fetchone()
    assert row is not None
    register_vectors(base.connection, *row)


def _sizes(base: Base, numbers: Numbers, *names: str) -> None:
    """Record heap, TOAST, key index and partial index under `names`; an empty name: omit."""
    row = base.execute(PARTS, TABLE).fetchone()
    assert row is not None
    numbers |= {name: float(size) for name, size in zip(names, row, strict=True) if name}


def _embed_all(base: Base, log: Log, dimensions: int, *, into: str = "") -> None:
    """Do what a worker does until no job is left; `into` renames the parts."""
    worker = base.one(
        "insert into wikiembed_queue.procrastinate_workers default values returning id"
    )
    random = np.random.default_rng(1)
    fetches: list[float] = []
    base.execute("checkpoint")
    wanted = {"queues": None, "upkeep": False, "most_jobs": AT_ONCE, "most_chunks": AT_ONCE * 64}
    while True:
        began = time.perf_counter()
        with log.part(into or "fetch", fresh=False):
            jobs = base.connection.execute(FETCH, {**wanted, "worker_id": worker}).fetchall()
        if not jobs:
            break
        fetches.append(time.perf_counter() - began)
        for job in jobs:
            keys = job[6]["keys"]
            vectors = random.standard_normal((len(keys), dimensions), dtype=np.float32)
            with log.part(into or "embed", fresh=False):
                _embed(base, keys, vectors)
        with log.part(into or "finish", fresh=False):
            base.execute(FINISH, [job[0] for job in jobs])
    if not into:
        tenth = max(1, len(fetches) // 10)
        log.numbers["first fetches s"] = sum(fetches[:tenth]) / tenth
        log.numbers["last fetches s"] = sum(fetches[-tenth:]) / tenth


def _embed(base: Base, keys: list[str], vectors: Matrix) -> None:
    chunks = base.execute(
        "select key, version from wikiembed_private.read_grown(%s::text[], 0)", keys
    ).fetchall()
    outcomes = base.execute(
        "select outcome from wikiembed_private.store_grown(%s::text[], %s::bigint[], %b, 0)",
        [key for key, _ in chunks], [version for _, version in chunks], VectorArray(vectors),
    ).fetchall()  # fmt: skip
    assert outcomes == [("written",)] * len(keys)


def _vacuum(base: Base, log: Log) -> None:
    """One vacuum of a fully embedded table, and its findings."""
    log.numbers["ready before vacuum s"] = base.seconds("select wikiembed.is_ready('grown')")
    log.numbers |= _dead(base, TABLE, "dead rows")
    with log.part("vacuum"):
        base.execute(f"vacuum {TABLE}")
    log.numbers["ready after vacuum s"] = _look(base, "select wikiembed.is_ready('grown')")
    with log.part("queue vacuum"):
        base.execute(f"vacuum {JOBS}, {EVENTS}")
    base.execute(f"update {LEDGER} set at = at - interval '3 minutes'")
    with log.part("fold"):
        base.execute("select wikiembed.fold_ledger()")
    log.numbers["ledger rows folded"] = base.one(f"select count(*) from {LEDGER}")
    base.execute(f"vacuum analyze {LEDGER}")
    log.numbers["view coverage s"] = _look(base, "select * from wikiembed.coverage")


def _look(base: Base, query: str) -> float:
    return middle([base.seconds(query) for _ in range(9)])


def _dead(base: Base, table: str, name: str) -> Numbers:
    base.execute("select pg_stat_force_next_flush()")
    base.execute("select pg_stat_clear_snapshot()")
    row = base.execute(DEAD, table).fetchone()
    assert row is not None
    return {name: float(row[0]), f"{name} in TOAST": float(row[1])}


def _embed_again(base: Base, log: Log, n: int, dimensions: int) -> None:
    """Clear the vectors of a part, as a change of text or model does; queue and embed it."""
    before: Numbers = {}
    after: Numbers = {}
    _sizes(base, before, "heap", "TOAST", "", "")
    with log.part("again"):
        base.execute(f"update {TABLE} set vec = null where id % {AGAIN} = 0")
    _embed_all(base, log, dimensions, into="again")
    _sizes(base, after, "heap", "TOAST", "", "")
    log.numbers["again chunks"] = n // AGAIN
    log.numbers["again heap bytes"] = after["heap"] - before["heap"]
    log.numbers["again TOAST bytes"] = after["TOAST"] - before["TOAST"]
    log.numbers |= _dead(base, TABLE, "again dead rows")


def build_indexes(base: Base, n: int, *, memory: str) -> Numbers:
    """Build an HNSW index on `n` vectors of each type, in one process.

    Random vectors are the worst case: none is near another.
    """
    base.execute(f"set maintenance_work_mem = '{memory}'")
    base.execute("set max_parallel_maintenance_workers = 0")
    log = Log(base)
    for kind in KINDS:
        base.execute("drop table if exists public.near")
        base.execute(
            f"create table public.near as select vec::{kind}({DIMENSIONS})"
            f" from {TABLE} order by id limit {n}"
        )
        log.numbers[f"{kind} bytes"] = base.one("select pg_table_size('public.near')")
        with log.part(f"{kind} HNSW"):
            base.execute(
                f"create index near_hnsw on public.near using hnsw (vec {kind}_cosine_ops)"
            )
        log.numbers[f"{kind} HNSW bytes"] = base.one("select pg_relation_size('public.near_hnsw')")
    return log.numbers
