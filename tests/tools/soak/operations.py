"""Faults of a soak: of workers, of Postgres, and by operators."""

from __future__ import annotations

import contextlib
import signal
import time

import psycopg

from tests.tools.soak.field import PATIENCE_S, Field


def kill_worker(field: Field) -> None:
    """kill -9, and a new worker."""
    worker = field.workers.pop(0)
    worker.kill()
    worker.wait()
    field.start_worker()


def end_worker(field: Field) -> None:
    """SIGTERM, and a new worker."""
    worker = field.workers.pop(0)
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=2 * PATIENCE_S)
    field.start_worker()


def end_worker_twice(field: Field) -> None:
    """SIGTERM, a second one while batches are in flight, and a new worker."""
    worker = field.workers.pop(0)
    worker.send_signal(signal.SIGTERM)
    time.sleep(field.random.uniform(0, 0.2))
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=2 * PATIENCE_S)
    field.start_worker()


def restart_postgres(field: Field) -> None:
    """Fast or immediate, and down for a while."""
    mode = field.random.choice(["fast", "immediate"])
    postgres = field.postgres
    done = postgres._run("pg_ctl", "-w", "-m", mode, "-D", str(postgres.cluster), "stop")
    assert done.returncode == 0, done.stdout
    time.sleep(field.random.uniform(0, 3))
    with postgres.control():
        postgres._ensure_running()
    field.url = postgres.url("postgres")


def end_some_backends(field: Field) -> None:
    """Terminate some connections of the workers."""
    field.end_backends(0.3)


def low_statement_timeout(field: Field) -> None:
    """A timeout that every statement exceeds, for a while."""
    field.sql("alter database postgres set statement_timeout = '2ms'")
    field.end_backends()
    time.sleep(field.random.uniform(0.5, 2))
    field.sql("alter database postgres reset statement_timeout")
    field.end_backends()


def too_many_clients(field: Field) -> None:
    """Take every connection of Postgres, and terminate the workers' own."""
    with contextlib.ExitStack() as held:
        own = held.enter_context(field.connect())
        end = time.monotonic() + field.random.uniform(0.5, 2)
        while time.monotonic() < end:
            own.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name like 'wikiembed%'"
            )
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(field.connect())
            time.sleep(0.1)


def pause_and_resume(field: Field) -> None:
    """Pause one source or all in mid-run, and resume."""
    name = field.random.choice(["'docs'", "null"])
    field.sql(f"select wikiembed.pause({name}, 'soak')")
    time.sleep(field.random.uniform(0, 2))
    field.sql(f"select wikiembed.resume({name})")


def pause_until(field: Field) -> None:
    """A pause that ends by itself."""
    seconds = field.random.uniform(0.2, 2)
    field.sql(f"select wikiembed.pause('more', 'soak', now() + interval '{seconds:.3f} s')")
    time.sleep(seconds)


def retry(field: Field) -> None:
    """Retry all failures."""
    field.sql(
        "select wikiembed.retry_failures('docs'), wikiembed.retry_failures('more'),"
        " wikiembed.retry_failures('articles')"
    )


WORKERS_AND_OPERATORS = (
    kill_worker, kill_worker, end_worker, end_worker_twice, retry,
)  # fmt: skip
OUTAGES = (
    restart_postgres, end_some_backends, low_statement_timeout, too_many_clients,
    pause_and_resume, pause_until,
)  # fmt: skip
