"""Changes that bypass the triggers: dumps, replication, manual SQL; reconcile repairs them."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.final_counts import check_final_counts
from tests.faults.report import Report
from tests.support.chunks import (
    add,
    add_chunks,
    clear_jobs,
    counts,
    coverage,
    embed,
    fail,
    jobs,
    queued,
    read,
)
from tests.support.cli import Cli, RunCli, environment
from tests.support.database import DIMENSIONS, Database, create_database
from tests.support.server import VERSION, TestServer
from tests.support.standin import StandIn
from tests.support.workers import drain, prove, settings_of, working
from wikiembed.db.embedded_files import binaries

HARM = "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, args) values"
MALFORMED = [
    '{"source": "docs", "keys": "1"}',
    '{"source": "docs", "keys": {"1": "2"}}',
    '{"source": "docs", "keys": 7}',
    '{"source": "docs", "keys": null}',
    '{"source": "docs", "keys": [null, {}, true]}',
    '{"source": "docs", "keys": ["no number", "1"]}',
    '{"source": "docs", "keys": ["99999999999999999999"]}',
    '{"source": "docs", "keys": ["1"], "attempt": "x", "rescues": "y", "more": 1}',
    '{"source": "docs", "keys": ["1"], "attempt": 1e30, "rescues": -1e30}',
    '{"source": 5, "keys": ["1"]}',
    '{"source": "none", "keys": ["1"]}',
    '{"source": "docs", "keys": ["1"], "self": 1, "context": 2}',
    "{}",
    "[1]",
    '"x"',
    "7",
    "null",
]

UPKEEP = [
    ("rescue", '{"timestamp": "now"}'),
    ("fold_ledger", '{"timestamp": 1, "more": 1}'),
    ("expire_pauses", '{"source": "docs"}'),
    ("reconcile", '{"sources": ["docs"]}'),
    ("reconcile", '{"source": ["docs"]}'),
    ("reconcile", '{"source": "docs", "recount": "yes"}'),
    ("reconcile", '{"timestamp": null}'),
    ("reconcile", '{"self": 1}'),
    ("reconcile", '["docs"]'),
    ("rescue", "null"),
    ("fold_ledger", "7"),
    ("expire_pauses", '"x"'),
]


def run_tool(name: str, *arguments: str) -> None:
    """Run one of Postgres's own programs to its end."""
    program = str(binaries(int(os.environ.get(VERSION) or "18")) / name)
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def heal(database: Database) -> tuple[int, ...]:
    """Reconcile all: orphans enqueued, dead jobs, ledger drift; then every invariant holds."""
    (found,) = database.rows(
        "select orphans_enqueued, dead_jobs, ledger_drift from wikiembed.reconcile()"
    )
    database.check_invariants()
    return found


@pytest.fixture
def restored(postgres: TestServer) -> Iterator[Database]:
    """An empty database, to restore into."""
    with create_database(postgres, "template0") as made:
        yield made


async def test_dump_and_restore_give_a_working_system(
    docs_table: Database,
    restored: Database,
    standin: StandIn,
    tmp_path: Path,
    report: Report,
) -> None:
    """Sources, jobs, failures and vectors are restored; a worker continues the work."""
    prove(docs_table)
    add_chunks(docs_table, 100)
    await drain(settings_of(docs_table, standin.url))
    keys = add(docs_table, "failed", "waits", "waits too")
    fail(docs_table, {keys[0]: read(docs_table, keys)[keys[0]]})
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs')")
    run_tool("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", docs_table.url)
    run_tool("pg_restore", f"--dbname={restored.url}", str(tmp_path / "dump"))
    settings = environment(
        database_url=restored.url, dimensions=str(DIMENSIONS), data_dir=str(tmp_path / "data")
    )
    reconciled = Cli(env=settings, folder=tmp_path / "cli").run("reconcile")
    assert (reconciled.returncode, reconciled.stderr) == (0, "")
    restored.check_invariants()
    before = standin.stats.texts
    add(restored, "new")
    restored.execute("update public.docs set body = 'changed' where id = 1")
    await drain(settings_of(restored, standin.url))
    assert counts(restored) == (103, 1, 1, 0)
    assert standin.stats.texts - before == 4
    restored.check_invariants()
    check_final_counts(restored, report, "dump and restore", stats=standin.stats)
    restored.execute("truncate public.docs")
    restored.execute("select wikiembed.detach('docs')")


async def test_data_restored_into_a_live_schema_is_found(
    docs_table: Database, postgres: TestServer, template: str, standin: StandIn, tmp_path: Path
) -> None:
    """pg_restore also leaves the row trigger disabled for replicas: reconcile fixes that."""
    prove(docs_table)
    add(docs_table, "1", "2", "3")
    dumped = ["--data-only", "--table=public.docs", f"--file={tmp_path / 'dump'}"]
    run_tool("pg_dump", "--format=custom", *dumped, docs_table.url)
    docs_table.execute("truncate public.docs")
    clear_jobs(docs_table)
    loaded = ["--data-only", "--disable-triggers", f"--dbname={docs_table.url}"]
    run_tool("pg_restore", *loaded, str(tmp_path / "dump"))
    assert heal(docs_table) == (3, 0, 3)
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (3, 0, 0, 0)
    docs_table.execute_without_triggers("update public.docs set body = 'behind' where id = 1")
    assert heal(docs_table) == (1, 0, 1)
    docs_table.check_invariants()


def test_replicated_inserts_and_deletes_are_healed_both_ways(
    docs_table: Database, run_cli: RunCli
) -> None:
    """Orphans are queued, jobs without a row deleted, counts corrected, and all is reported."""
    embed(docs_table, add(docs_table, "1", "2")[:1])
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs')")
    docs_table.execute_without_triggers(
        "delete from public.docs",
        "insert into public.docs (body) values ('a'), ('b'), ('c')",
    )
    output = run_cli("reconcile")
    assert output.returncode == 0
    for words in ("3", "1"):
        assert words in output.stdout
    docs_table.check_invariants()
    assert (coverage(docs_table)["total"], len(queued(docs_table))) == (3, 3)
    assert heal(docs_table) == (0, 0, 0)


async def test_everything_damaged_at_once_is_healed(
    docs_table: Database, standin: StandIn, report: Report
) -> None:
    """Deleted jobs, a wrong ledger, failures without a row, no triggers: one reconcile."""
    prove(docs_table)
    keys = add(docs_table, *[f"text {i}" for i in range(50)])
    fail(docs_table, {key: v for key, v in read(docs_table, keys).items() if int(key) <= 5})
    docs_table.execute("drop event trigger if exists wikiembed_on_ddl")
    docs_table.execute("drop trigger wikiembed_docs_update on public.docs")
    docs_table.execute("alter table public.docs disable trigger all")
    clear_jobs(docs_table)
    docs_table.execute(
        "delete from public.docs where id in (1, 50);"
        "insert into public.docs (body) values ('behind');"
        "insert into wikiembed.failures (source, key, error_class) values ('docs', '777', 'x');"
        "insert into wikiembed.ledger (source, total, embedded, failed, skipped)"
        " values ('docs', 11, -7, 3, 2), ('gone', 5, 5, 5, 5);"
        f'{HARM} (\'embed_gone\', \'wikiembed.embed\', \'{{"source": "gone", "keys": ["1"]}}\')'
    )
    orphans, dead, drift = heal(docs_table)
    assert (orphans, dead) == (45, 1)
    assert drift > 0
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (45, 4, 4, 0)
    assert heal(docs_table) == (0, 0, 0)
    check_final_counts(docs_table, report, "damage by hand", stats=standin.stats)


@pytest.mark.parametrize("jump_ms", [-(10**11), 10**11, 10**17])
def test_clock_that_jumped_still_notifies_the_workers(docs_table: Database, jump_ms: int) -> None:
    """The sequence may be far in the future or in the past: the next job notifies."""
    now_ms = docs_table.one("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
    for clock in ('wikiembed_private."clock_embed_docs"', "wikiembed_private.clock"):
        docs_table.execute("select setval(%s, %s)", [clock, now_ms + jump_ms])
    with docs_table.connect() as listener:
        listener.execute('listen "procrastinate_queue_v1#embed_docs"')
        add(docs_table, "wakes")
        assert len(list(listener.notifies(timeout=10, stop_after=1))) == 1
    read_back = docs_table.one("select last_value from wikiembed_private.clock_embed_docs")
    assert abs(read_back - now_ms) < 10**9


async def test_malformed_jobs_block_nothing(docs_table: Database, standin: StandIn) -> None:
    """Not enqueue, the invariants, rescue, reconcile or a worker; and the valid jobs are done."""
    prove(docs_table)
    put = f"{HARM} ('embed_docs', 'wikiembed.embed', %s)"
    for arguments in MALFORMED:
        docs_table.execute(put, [arguments])
    add(docs_table, "good", "better")
    docs_table.execute("select * from wikiembed.enqueue('docs')")
    docs_table.execute("select * from wikiembed.check_invariants()")
    await drain(settings_of(docs_table, standin.url))
    assert (counts(docs_table).embedded, jobs(docs_table)) == (2, [])
    for arguments in MALFORMED:
        docs_table.execute(put, [arguments])
    for _ in range(4):
        docs_table.execute("update wikiembed_queue.procrastinate_jobs set status = 'doing'")
        docs_table.execute("select * from wikiembed.rescue_jobs()")
    clear_jobs(docs_table)
    for arguments in MALFORMED:
        docs_table.execute(put, [arguments])
    assert heal(docs_table) == (0, len(MALFORMED), 0)
    assert (counts(docs_table), queued(docs_table)) == ((2, 0, 0, 0), [])


async def test_malformed_upkeep_ends(
    docs_table: Database, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with a warning: it is not retried forever, and has no effect."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    put = f"{HARM} ('wikiembed_upkeep', %s, %s)"
    for task, arguments in UPKEEP:
        docs_table.execute(put, [f"wikiembed.{task}", arguments])
    docs_table.execute(put, ["wikiembed.reconcile", '{"source": "docs", "recount": true}'])
    docs_table.execute("insert into wikiembed.ledger (source, total) values ('docs', 7)")
    left = (
        "select task_name, args from wikiembed_queue.procrastinate_jobs"
        " where queue_name = 'wikiembed_upkeep' and queueing_lock is null"
    )
    async with working(settings_of(docs_table, standin.url), poll_s=0.1) as worker:
        await worker.wait_for(lambda: docs_table.rows(left) == [])
    output = [one.getMessage() for one in caplog.records]
    assert output.count("job_malformed") == len(UPKEEP)
    docs_table.check_invariants()
