"""Shared by the tests of faulty servers and texts: small jobs, and the final counts."""

from __future__ import annotations

import time

from tests.faults.report import Report
from tests.support.chunks import add_chunks, counts
from tests.support.database import Database
from tests.support.standin.stats import Stats
from tests.support.workers import Working, prove

RECOVERY_LIMIT_S = 60.0


def prepare(database: Database, chunks: int, *, batch_size: int = 64) -> None:
    """Queue `chunks` chunks, whose vectors check_invariants verifies."""
    prove(database)
    database.execute("update wikiembed.sources set batch_size = %s", [batch_size])
    add_chunks(database, chunks)


async def recovery_s(database: Database, worker: Working) -> float:
    """Seconds from now, when the server is back, to the first stored vector."""
    before, began = counts(database).embedded, time.monotonic()
    await worker.wait_for(lambda: counts(database).embedded > before, RECOVERY_LIMIT_S)
    return time.monotonic() - began


def failed(database: Database) -> dict[str, tuple[str, int | None, int]]:
    """Failures by the chunk's text: class, status, attempts; each with a message and a chunk."""
    rows = database.rows(
        "select d.body, f.error_class, f.http_status, f.attempts, f.message"
        " from wikiembed.failures as f left join public.docs as d on d.id::text = f.key"
        " where f.state = 'failed'"
    )
    assert all(row[0] is not None and row[4] for row in rows)
    found = {row[0]: (row[1], row[2], row[3]) for row in rows}
    assert len(found) == len(rows)
    return found


def count(database: Database) -> tuple[int, int, int]:
    """Numbers of chunks, of lost chunks, and of stale vectors."""
    chunks, lost, stale = database.rows(
        "select count(*), count(*) filter (where d.vec is null and not exists"
        " (select from wikiembed.failures as f where f.key = d.id::text)),"
        " count(*) filter (where d.vec is not null and not public.proves(d.body, d.vec))"
        " from public.docs as d"
    )[0]
    return int(chunks), int(lost), int(stale)


def check_final_counts(
    database: Database,
    report: Report,
    fault: str,
    *,
    stats: Stats,
    tried: int = 1,
    seconds: float | None = None,
) -> None:
    """Assert that no chunk is lost or stale and that every invariant holds; report the fault."""
    chunks, lost, stale = count(database)
    report(
        fault,
        tried=tried,
        chunks=chunks,
        lost=lost,
        stale=stale,
        repeated=stats.repeated,
        texts=stats.distinct,
        seconds=seconds,
    )
    assert (lost, stale) == (0, 0)
    database.check_invariants()
