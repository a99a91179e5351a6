"""procrastinate's own worker does the same work; and no secret is stored or logged."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chunks import add_chunks, counts, jobs_by_status
from tests.support.cli import Result, Running, launch
from tests.support.database import Database
from tests.support.standin import BadText, StandIn
from tests.support.workers import KEY, drain, environment_of, prove, refuse_to_finish, settings_of
from wikiembed.config import Settings

STOCK = [
    sys.executable,
    "-W",
    "error",
    "-m",
    "procrastinate",
    "--app=wikiembed.app.app",
    "worker",
    "--concurrency=4",
]


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[list[Running]]:
    """Stock workers of this test, stopped at its end."""
    started: list[Running] = []
    yield started
    for running in started:
        running.stop()


def start(stock: list[Running], settings: Settings, folder: Path, *options: str) -> Running:
    """Start a stock worker."""
    stock.append(launch([*STOCK, *options], env=environment_of(settings), folder=folder))
    return stock[-1]


def test_stock_worker_embeds_everything(
    docs_table: Database, standin: StandIn, tmp_path: Path, stock: list[Running]
) -> None:
    """One shot: 300 chunks, one of them bad, and its exit code is 0."""
    prove(docs_table)
    add_chunks(docs_table, 300)
    standin.controls.bad_texts = [BadText(contains="body 77")]
    settings = settings_of(docs_table, standin.url, api_key=KEY)
    result = start(stock, settings, tmp_path, "--one-shot").wait(60)
    assert result.returncode == 0, result.stderr
    assert counts(docs_table) == (299, 1, 1, 0)
    assert "body" not in result.stdout + result.stderr
    assert KEY not in result.stdout + result.stderr
    assert jobs_by_status(docs_table) == {}
    docs_table.check_invariants()


def test_pause_gate_holds_for_a_stock_worker(
    docs_table: Database, standin: StandIn, tmp_path: Path, stock: list[Running]
) -> None:
    """It fetches nothing of a paused source, and everything after resume."""
    docs_table.execute("select wikiembed.pause('docs', 'not yet')")
    add_chunks(docs_table, 100)
    running = start(stock, settings_of(docs_table, standin.url), tmp_path)
    running.wait_for(lambda: docs_table.one("select max(host) from wikiembed.workers") is not None)
    time.sleep(1)
    assert (standin.stats.texts, jobs_by_status(docs_table)) == (0, {"todo": 2})
    docs_table.execute("select wikiembed.resume('docs')")
    running.wait_for(lambda: counts(docs_table).embedded == 100)
    assert running.stop().returncode == 0


def test_stock_worker_stops_during_an_outage(
    docs_table: Database, standin: StandIn, tmp_path: Path, stock: list[Running]
) -> None:
    """SIGTERM returns jobs that wait for the server to the queue."""
    standin.controls.down = True
    add_chunks(docs_table, 300)
    running = start(stock, settings_of(docs_table, standin.url), tmp_path)
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 4)
    time.sleep(0.5)
    result: Result = running.stop(timeout=10)
    assert result.returncode == 0, result.stderr
    assert jobs_by_status(docs_table) == {"todo": 5}
    docs_table.check_invariants()


def rescue_now(database: Database) -> None:
    """Queue the upkeep task of each minute, in its slot and with its defaults."""
    database.execute(
        "select wikiembed_queue.procrastinate_defer_jobs_v1(array[row('wikiembed_upkeep',"
        " 'wikiembed.rescue', 100, null, null, '{\"timestamp\": 0}', null)"
        "::wikiembed_queue.procrastinate_job_to_defer_v1])"
    )


@pytest.mark.parametrize("died", [True, False], ids=["died", "finish failed"])
def test_rescue_task_releases_jobs_of_a_stock_worker(
    docs_table: Database, standin: StandIn, tmp_path: Path, stock: list[Running], *, died: bool
) -> None:
    """A worker without a heartbeat for 30 s, or a job that is doing for 1800 s."""
    settings = settings_of(docs_table, standin.url)
    first = start(stock, settings, make(tmp_path / "1"))
    if died:
        standin.controls.latency_s = 60
        add_chunks(docs_table, 3)
        first.wait_for(lambda: jobs_by_status(docs_table) == {"doing": 1})
        first.stop(signal.SIGKILL)
        standin.controls.latency_s = 0
        aged = "procrastinate_workers set last_heartbeat = last_heartbeat - interval '31 s'"
    else:
        refuse_to_finish(docs_table, "P0001")
        add_chunks(docs_table, 3)
        first.wait_for(lambda: docs_table.one("select last_value from public.refused") >= 1)
        first.wait_for(lambda: jobs_by_status(docs_table) == {"doing": 1})
        docs_table.execute("drop trigger refuse on wikiembed_queue.procrastinate_jobs")
        aged = "procrastinate_jobs set started_at = started_at - interval '1801 s'"
    rescuer = start(stock, settings, make(tmp_path / "2")) if died else first
    docs_table.execute(f"update wikiembed_queue.{aged}")
    rescue_now(docs_table)
    rescuer.wait_for(lambda: jobs_by_status(docs_table) == {} and counts(docs_table).embedded == 3)
    docs_table.check_invariants()


def make(folder: Path) -> Path:
    """A new folder for a worker's output."""
    folder.mkdir()
    return folder


def test_rescue_runs_each_minute_and_requires_a_heartbeat_of_30_s() -> None:
    """So a killed worker's jobs are rescued within 30 s + 60 s; the heartbeat is every 10 s."""
    from wikiembed.app import app

    cron = {name: task.cron for (name, _), task in app.periodic_registry.periodic_tasks.items()}
    assert cron["wikiembed.rescue"] == "* * * * *"
    assert app.new_worker().update_heartbeat_interval == 10


async def test_no_key_and_no_text_is_logged_or_stored(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """In no log line of any level and no table of ours, after a run with many faults."""
    secret = "the secret plan of the emperor"
    caplog.set_level(logging.DEBUG, logger="wikiembed")
    standin.controls.api_key = KEY
    standin.controls.record = True
    standin.controls.bad_texts = [
        BadText(contains="plan of the emperor 3", body=f'{{"error": "{secret} 3 is {KEY}"}}'),
        BadText(contains="plan of the emperor 5", effect="nan"),
    ]
    standin.controls.latency_s = 0.01
    docs_table.execute("alter table public.docs alter id drop identity")
    docs_table.execute(
        "alter table public.docs add constraint c check (id <> 7777001 or vec is null)"
    )
    docs_table.execute(
        "insert into public.docs (id, body) select 7777000 + i, %s || ' ' || i"
        " from generate_series(1, 60) as i",
        [secret],
    )
    await drain(settings_of(docs_table, standin.url, api_key=KEY))
    assert counts(docs_table).failed > 10
    lines = [f"{r.getMessage()} {getattr(r, 'fields', '')}" for r in caplog.records]
    assert any("chunk_failed" in line for line in lines)
    assert not [line for line in lines if "secret" in line or KEY in line or "77770" in line]
    for table in ("failures", "action_log", "sources", "ledger"):
        rows = str(docs_table.rows(f"select t::text from wikiembed.{table} as t"))
        assert "secret" not in rows
        assert KEY not in rows
