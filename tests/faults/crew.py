"""A crew of real workers on one database, and the reckoning after a fault."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.faults.report import Report
from tests.faults.standin_process import StandInProcess
from tests.integration.workshop import add_chunks, counts, jobs, prove
from tests.support.cli import Cli, Result, Running, environment
from tests.support.database import DIMENSIONS, Database

LIMIT_S = 120.0
"""Within which everything is to happen; generous, since nothing here is a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What is left of a run: all but `chunks` and `repeated` are to be zero."""

    chunks: int
    lost: int
    stale: int
    repeated: int


class Crew:
    """Workers of source ``docs``, whose vectors the stand-in makes and check_invariants proves."""

    def __init__(self, database: Database, standin: StandInProcess, folder: Path) -> None:
        self.database = database
        self.standin = standin
        self.cli = Cli(
            env=environment(
                database_url=database.url,
                dimensions=str(DIMENSIONS),
                data_dir=str(folder / "data"),
                embedder="openai",
                embedder_url=standin.url,
                model="standin-model",
                log_format="json",
            ),
            folder=folder / "crew",
        )

    def attach(self, *, batch_size: int) -> None:
        """Make ``public.docs`` and attach it, with vectors that prove their text."""
        self.database.execute(
            "create table public.docs (id bigint generated always as identity primary key,"
            f" body text, vec vector({DIMENSIONS}))"
        )
        self.database.execute(
            "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs',"
            " p_batch_size => %s)",
            [batch_size],
        )
        prove(self.database)

    def add(self, n: int) -> None:
        """Insert `n` chunks, whose triggers queue them."""
        begin = self.database.one("select count(*) from public.docs")
        add_chunks(self.database, n, begin=begin)

    def worker(
        self, *, concurrency: int = 4, drain: bool = True, env: dict[str, str] | None = None
    ) -> Running:
        """Start a worker; `env` adds to its environment."""
        mode = ["--drain"] if drain else []
        return self.cli.start("worker", *mode, "--concurrency", str(concurrency), env=env)

    def stock_worker(self) -> Running:
        """Start procrastinate's own worker."""
        return self.cli.launch(
            [sys.executable, "-m", "procrastinate", "--app=wikiembed.app.app", "worker",
             "--concurrency=4"]
        )  # fmt: skip

    def terminate(self, where: str = "true") -> int:
        """End the workers' backends that meet an SQL condition on pg_stat_activity: how many."""
        ended: int = self.database.one(
            "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            f" and application_name like 'wikiembed%%' and {where}) as ended"
        )
        return ended

    def backends(self) -> list[int]:
        """Process numbers of the workers' backends."""
        rows = self.database.rows(
            "select pid from pg_stat_activity where datname = current_database()"
            " and application_name like 'wikiembed%'"
        )
        return [int(row[0]) for row in rows]

    def embedded(self) -> int:
        """Chunks that have their vector; -1 while Postgres does not answer."""
        try:
            return counts(self.database)[0]
        except psycopg.OperationalError:
            return -1

    def wait_embedded(self, n: int, *beside: Running) -> None:
        """Wait until `n` chunks have their vector, while the workers `beside` run."""
        until(lambda: self.embedded() >= n, *beside)

    def age_dead(self, *alive: Running) -> None:
        """Let the heartbeats of workers that were killed be old, to save the wait of 30 s."""
        assert not alive, "a living worker's heartbeat must not be touched"
        until(lambda: self.embedded() >= 0)  # a connection of the test's own may be lost as well
        self.database.execute(
            "update wikiembed_queue.procrastinate_workers"
            " set last_heartbeat = last_heartbeat - interval '1 hour'"
        )

    def drained(self, *workers: Running) -> float:
        """Wait for each worker's own end with exit code 0; answers the seconds that it took."""
        began = time.monotonic()
        for worker in workers:
            assert worker.wait(LIMIT_S).returncode == 0, worker.stderr
        return time.monotonic() - began

    def reckon(self) -> Reckoning:
        """Assert that nothing is lost, stale, or left doing, and say what was wasted."""
        until(lambda: self.embedded() >= 0)  # a connection of the test's own may be lost as well
        self.database.check_invariants()
        rows = self.database.rows(
            "select count(*), count(*) filter (where vec is null),"
            " count(*) filter (where vec is not null and not public.proves(body, vec))"
            " from public.docs"
        )
        chunks, lost, stale = (int(n) for n in rows[0])
        assert (lost, stale) == (0, 0)
        assert counts(self.database) == (chunks, 0, 0, 0)
        assert jobs(self.database) == []
        stats = self.standin.stats()
        assert stats["distinct"] == chunks
        return Reckoning(chunks=chunks, lost=lost, stale=stale, repeated=stats["repeated"])

    def settle(self, report: Report, fault: str, *workers: Running, tried: int = 1) -> Reckoning:
        """Wait for the drains' own ends, reckon, report."""
        seconds = self.drained(*workers)
        found = self.reckon()
        report(
            fault,
            tried=tried,
            chunks=found.chunks,
            lost=found.lost,
            stale=found.stale,
            repeated=found.repeated,
            seconds=seconds,
        )
        return found

    def close(self) -> None:
        """Kill what still runs."""
        self.cli.close()


def events(result: Running | Result, *names: str) -> list[str]:
    """The named events that a worker logged, in order."""
    said = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    return [line["event"] for line in said if line.get("event") in names]


def errors(worker: Running, name: str) -> set[str]:
    """Classes of the errors that events `name` of a worker tell of."""
    said = [json.loads(line) for line in worker.stderr.splitlines() if line.startswith("{")]
    return {line["error"] for line in said if line.get("event") == name}


def losses(worker: Running) -> list[str]:
    """What a worker said of losses of Postgres."""
    return events(worker, "database_lost", "database_back")


def until(happened: Callable[[], object], *beside: Running, limit_s: float = LIMIT_S) -> None:
    """Wait until `happened()`, while the workers `beside` run."""
    deadline = time.monotonic() + limit_s
    while not happened():
        for worker in beside:
            assert worker.process.poll() is None, worker.stderr
        assert time.monotonic() < deadline, [worker.stderr for worker in beside]
        time.sleep(0.05)


def kill(worker: Running) -> None:
    """``kill -9``."""
    worker.process.send_signal(signal.SIGKILL)
    assert worker.process.wait(10) == -signal.SIGKILL
