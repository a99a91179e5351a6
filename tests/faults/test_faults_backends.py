"""A worker's backends are terminated or cancelled in the middle of a statement."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.faults.crew import Crew, errors, losses
from tests.faults.report import Report
from tests.support.cli import Running, wait_for
from tests.support.database import Database
from tests.support.long_form import LONG

CHUNKS, BATCH = 800 if LONG else 500, 16
LISTENING = "query ilike 'listen %%'"
# The lock each statement waits for: the table's, the job row's, the worker row's.
WRITING = ("store_docs", "lock table public.docs in share mode")
FINISHING = (
    "wikiembed_private.finish_jobs",
    "select from wikiembed_queue.procrastinate_jobs where status = 'doing' for update",
)
FETCHING = (
    "wikiembed_private.fetch_jobs",
    "select from wikiembed_queue.procrastinate_workers for update",
)


@pytest.fixture
def backfill(crew: Crew) -> Running:
    """A draining worker in mid-run, which logs its retries."""
    crew.attach(batch_size=BATCH)
    crew.standin.control(latency_s=0.15)
    crew.add(CHUNKS)
    worker = crew.worker(env={"WIKIEMBED_LOG_LEVEL": "debug"})
    crew.wait_embedded(64, worker)
    return worker


@contextlib.contextmanager
def held_up(database: Database, lock: str) -> Iterator[None]:
    """Hold a lock within the block."""
    with database.connect(autocommit=False) as connection:
        connection.execute(lock.encode())
        yield
        connection.rollback()


def in_statement(name: str) -> str:
    """The condition of a backend that waits for a lock within the statement."""
    return f"wait_event_type = 'Lock' and query like '%%{name}%%'"


def test_backends_terminated_in_a_statement_are_replaced(
    crew: Crew, backfill: Running, report: Report
) -> None:
    """Those that write, finish, listen and fetch: no text is embedded twice.

    A job's statement is retried on another connection, and the two that listen do so again;
    only a fetch has an unknown outcome, so the worker reconnects and releases its jobs.
    """
    for (name, lock), noticed in ((WRITING, "write_held"), (FINISHING, "finish_repeated")):
        with held_up(crew.database, lock):
            wait_for(lambda name=name: crew.terminate(in_statement(name)), backfill)  # type: ignore[misc]
            wait_for(lambda noticed=noticed: errors(backfill, noticed), backfill)  # type: ignore[misc]
        assert errors(backfill, noticed) <= {"DatabaseUnreachable", "AdminShutdown"}
    before = listening(crew)
    assert (len(before), crew.terminate(LISTENING)) == (2, 2)
    wait_for(lambda: len(listening(crew) - before) == 2, backfill)
    assert losses(backfill) == []
    name, lock = FETCHING
    with held_up(crew.database, lock):
        wait_for(lambda: crew.terminate(in_statement(name)), backfill)
        wait_for(lambda: losses(backfill), backfill)
    found = crew.settle(report, "backends ended in their statements", backfill, tried=5)
    assert losses(backfill) == ["database_lost", "database_back"]
    assert found.repeated == 0


def listening(crew: Crew) -> set[int]:
    """The backends that listen."""
    rows = crew.database.rows(
        "select pid from pg_stat_activity where datname = current_database()"
        f" and {LISTENING.replace('%%', '%')}"
    )
    return {row[0] for row in rows}


def test_statement_timeout_is_survived(crew: Crew, backfill: Running, report: Report) -> None:
    """Blocked writes and finishes are cancelled, then every statement is: all is retried."""
    with set_low(crew.database, "statement_timeout", "300ms"):
        crew.terminate()
        for statement, noticed in ((WRITING, "write_held"), (FINISHING, "finish_repeated")):
            with held_up(crew.database, statement[1]):
                wait_for(lambda n=noticed: "QueryCanceled" in errors(backfill, n), backfill)  # type: ignore[misc]
    with set_low(crew.database, "statement_timeout", "1ms"):
        crew.terminate()
        wait_for(lambda: losses(backfill), backfill)
        time.sleep(1)
        assert backfill.process.poll() is None, backfill.stderr
    crew.terminate()
    crew.settle(report, "statement_timeout of 300 ms, then 1 ms", backfill, tried=3)


def test_no_worker_idles_in_a_transaction(crew: Crew, report: Report) -> None:
    """Under a timeout of 1 ms no session of a worker is ended; one that does idle is."""
    crew.attach(batch_size=BATCH)
    crew.add(320)
    with set_low(crew.database, "idle_in_transaction_session_timeout", "1ms"):
        before = fatal_ends(crew.database)
        worker = crew.worker()
        crew.settle(report, "idle_in_transaction_session_timeout of 1 ms", worker)
        assert losses(worker) == []
        ended = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
        with contextlib.suppress(*ended):  # often as soon as it starts
            crew.database.connect(autocommit=False).execute("select 1")
        wait_for(lambda: fatal_ends(crew.database) > before)
        assert fatal_ends(crew.database) == before + 1


def fatal_ends(database: Database) -> int:
    """Sessions that Postgres ended by a fatal error, as these timeouts are."""
    n: int = database.one(
        "select sessions_fatal from pg_stat_database where datname = current_database()"
    )
    return n


@contextlib.contextmanager
def set_low(database: Database, setting: str, value: str) -> Iterator[None]:
    """A setting of the database, for connections made within the block."""
    names = sql.Identifier(database.name), sql.Identifier(setting)
    database.execute(sql.SQL("alter database {} set {} = {}").format(*names, sql.Literal(value)))
    try:
        yield
    finally:
        database.execute(sql.SQL("alter database {} reset {}").format(*names))
