"""A crew of real workers on one database, and the final counts after a fault."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.faults.final_counts import count
from tests.faults.report import Report
from tests.support.chunks import add_chunks, counts, jobs_by_status, make_source
from tests.support.cli import Cli, Result, Running, environment, wait_for
from tests.support.database import DIMENSIONS, Database
from tests.support.eventually import eventually
from tests.support.standin_process import StandInProcess
from tests.support.workers import prove

LIMIT_S = 120.0
"""The limit for every wait; generous, since nothing here is a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalCounts:
    """The final counts of a run: all but `chunks` and `repeated` must be zero."""

    chunks: int
    lost: int
    stale: int
    repeated: int


class Crew:
    """Workers of source ``docs``, whose vectors check_invariants verifies."""

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
        """Create ``public.docs`` and attach it, with verifiable vectors."""
        make_source(self.database, batch_size=batch_size)
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
        """Terminate the workers' backends that meet `where`; returns their number."""
        ended: int = self.database.one(
            "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            f" and application_name like 'wikiembed%%' and {where}) as ended"
        )
        return ended

    def backends(self) -> list[int]:
        """Process ids of the workers' backends."""
        rows = self.database.rows(
            "select pid from pg_stat_activity where datname = current_database()"
            " and application_name like 'wikiembed%'"
        )
        return [int(row[0]) for row in rows]

    def embedded(self) -> int:
        """Chunks that have their vector; -1 while Postgres does not answer."""
        try:
            return counts(self.database).embedded
        except psycopg.OperationalError:
            return -1

    def wait_embedded(self, n: int, *beside: Running) -> None:
        """Wait until `n` chunks have their vector, while the workers `beside` run."""
        wait_for(lambda: self.embedded() >= n, *beside)

    def reconnect(self) -> None:
        """Wait until Postgres answers: the test's own connection may be lost as well."""
        eventually(lambda: self.embedded() >= 0, within_s=LIMIT_S)

    def age_dead(self, *alive: Running) -> None:
        """Age the heartbeats of killed workers, to save the wait of 30 s."""
        assert not alive, "a living worker's heartbeat must not be touched"
        self.reconnect()
        self.database.execute(
            "update wikiembed_queue.procrastinate_workers"
            " set last_heartbeat = last_heartbeat - interval '1 hour'"
        )

    def drained(self, *workers: Running) -> float:
        """Wait until each worker exits with 0; returns the seconds."""
        began = time.monotonic()
        for worker in workers:
            assert worker.wait(LIMIT_S).returncode == 0, worker.stderr
        return time.monotonic() - began

    def final_counts(self) -> FinalCounts:
        """Assert that nothing is lost, stale, or left doing; returns the counts."""
        self.reconnect()
        self.database.check_invariants()
        chunks, lost, stale = count(self.database)
        assert (lost, stale) == (0, 0)
        assert counts(self.database) == (chunks, 0, 0, 0)
        assert jobs_by_status(self.database) == {}
        stats = self.standin.stats()
        assert stats["distinct"] == chunks
        return FinalCounts(chunks=chunks, lost=lost, stale=stale, repeated=stats["repeated"])

    def settle(self, report: Report, fault: str, *workers: Running, tried: int = 1) -> FinalCounts:
        """Wait until the drains exit, check the final counts, and report them."""
        seconds = self.drained(*workers)
        found = self.final_counts()
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
        """Kill the workers that still run."""
        self.cli.close()


def events(result: Running | Result, *names: str) -> list[str]:
    """The named events that a worker logged, in order."""
    output = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    return [line["event"] for line in output if line.get("event") in names]


def errors(worker: Running, name: str) -> set[str]:
    """Error classes in a worker's events `name`."""
    output = [json.loads(line) for line in worker.stderr.splitlines() if line.startswith("{")]
    return {line["error"] for line in output if line.get("event") == name}


def losses(worker: Running) -> list[str]:
    """A worker's events about losses of Postgres."""
    return events(worker, "database_lost", "database_back")


def kill(worker: Running) -> None:
    """``kill -9``."""
    worker.process.send_signal(signal.SIGKILL)
    assert worker.process.wait(10) == -signal.SIGKILL
