"""`backfill`: progress by batches, failures, stops, pauses, two at once, and its limits."""

from __future__ import annotations

import signal
from itertools import pairwise

import pytest

from tests.support.chunks import add_chunks, clear_jobs, jobs_by_status, without_vector
from tests.support.cli import Call, Result, RunCli, StartCli
from tests.support.commands import assert_done, assert_refused, complaints, json_lines, served
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.standin.faults import BadText

FIELDS = {
    *("event", "what", "done", "total", "missing", "failed", "chunks_per_s", "eta_s"),
    *("documents", "documents_split", "documents_waiting", "documents_failed", "chunks_expected"),
}


def lines_of(result: Result, event: str) -> list[dict[str, object]]:
    """The JSON lines of one event."""
    return [line for line in json_lines(result) if line["event"] == event]


def numbers(lines: list[dict[str, object]], name: str) -> list[int]:
    """One field of each line."""
    return [int(str(line[name])) for line in lines]


def test_backfill_reports_as_json_lines(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """--max-chunks bounds what is queued, every line is JSON, the last is the summary."""
    add_chunks(docs_table, 100)
    clear_jobs(docs_table)
    options = ("--max-chunks", "30", "--batch-size", "10", "--report-every", "1")
    result = run_cli("backfill", "docs", *options, env=served(standin))
    assert_done(result)
    lines = json_lines(result)
    assert lines[0].pop("database")
    assert lines[0] == {"event": "queued", "source": "docs", "jobs": 3, "chunks": 30}
    assert {line["event"] for line in lines[1:-1]} == {"progress"}
    assert lines[-1]["event"] == "backfilled"
    assert (lines[-1]["embedded"], lines[-1]["missing"]) == (30, 70)
    assert complaints(result) == []


@pytest.mark.parametrize(("every", "least", "most"), [(1, 4, 12), (5, 2, 3)])
def test_backfill_reports_progress_by_batches(
    run_cli: RunCli, docs_table: Database, standin: StandIn, every: int, least: int, most: int
) -> None:
    """Ten sequential batches: a line after each one or each five, and a last line."""
    add_chunks(docs_table, 100)
    clear_jobs(docs_table)
    standin.controls.latency_s = 0.35
    options = ("--batch-size", "10", "--concurrency", "1", "--report-every", str(every))
    result = run_cli("backfill", *options, env=served(standin))
    assert_done(result)
    printed = lines_of(result, "progress")
    assert least <= len(printed) <= most
    assert {frozenset(line) for line in printed} == {frozenset(FIELDS)}
    done = numbers(printed, "done")
    assert done == sorted(done)
    assert (done[-1], printed[-1]["missing"], printed[-1]["eta_s"]) == (100, 0, 0)
    assert [a for a, b in pairwise(done[:-1]) if b - a < 10 * every - 10] == []


def test_backfill_reports_each_failed_chunk(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """Key, class and reason, without its text; also for chunks that Postgres refuses."""
    docs_table.execute("alter table public.docs add check (id <> 3 or vec is null)")
    add_chunks(docs_table, 20)
    standin.controls.bad_texts = [BadText(contains="body 6", status=500)]
    result = run_cli("backfill", "docs", env=served(standin))
    assert assert_refused(result, 1) == (
        "2 chunks are missing (docs 1 rejected, 1 write_refused): see `wikiembed failures docs`;"
        " --allow-failures exits with 0 anyway."
    )
    failed = lines_of(result, "chunk_failed")
    printed = {(line["source"], line["key"], line["error_class"]) for line in failed}
    assert printed == {("docs", "7", "rejected"), ("docs", "3", "write_refused")}
    assert len(failed) == 2
    by_key = {str(line["key"]): line for line in failed}
    assert (by_key["7"]["http_status"], by_key["7"]["attempts"]) == (500, 3)
    assert str(by_key["7"]["message"]).startswith("The embedding server")
    assert "check constraint" in str(by_key["3"]["message"])
    assert "body 6" not in result.stdout
    done = lines_of(result, "backfilled")[0]
    assert (done["failed"], done["failed_by_class"]) == (2, {"rejected": 1, "write_refused": 1})


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_backfill_continues_after_a_stop(
    start_cli: StartCli,
    run_cli: RunCli,
    docs_table: Database,
    standin: StandIn,
    sent: signal.Signals,
    code: int,
) -> None:
    """Batches in flight are written, the rest waits, and no text is embedded twice."""
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 640)
    running = start_cli("backfill", "--concurrency", "2", env=served(standin))
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 2)
    result = running.stop(sent)
    output = assert_refused(result, code)
    left = without_vector(docs_table)
    assert 0 < left < 640
    assert output == (f"Stopped; {640 - left} of 640 embedded. Continue: `wikiembed backfill`.")
    assert json_lines(result)[-1] == {"event": "stopped", "signal": sent.name, "chunks_left": left}
    assert (jobs_by_status(docs_table)["doing"], 64 * jobs_by_status(docs_table)["todo"]) == (
        0,
        left,
    )
    standin.controls.latency_s = 0
    again = run_cli("backfill", env=served(standin))
    assert_done(again)
    assert json_lines(again)[-1]["missing"] == 0
    assert (without_vector(docs_table), standin.stats.repeated) == (0, 0)
    docs_table.check_invariants()


def test_backfill_releases_its_jobs_on_the_second_signal(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """A second signal ends a backfill whose server never answers."""
    standin.controls.latency_s = 50
    add_chunks(docs_table, 64)
    running = start_cli("backfill", env=served(standin))
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 1)
    running.process.send_signal(signal.SIGINT)
    running.wait_for(lambda: "stop_requested" in running.stderr)
    assert "Stopped; 0 of 64 embedded" in assert_refused(running.stop(signal.SIGINT), 130)
    assert (jobs_by_status(docs_table), without_vector(docs_table)) == ({"todo": 1}, 64)
    docs_table.check_invariants()


def test_backfill_interrupted_while_it_queues_prints_no_traceback(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """Ctrl-C before the worker starts: exit 130, and nothing is queued."""
    add_chunks(docs_table, 3)
    clear_jobs(docs_table)
    with docs_table.connect() as other:
        other.autocommit = False
        other.execute("select wikiembed_private.lock_source('docs')")
        running = start_cli("backfill", env=served(standin))
        running.wait_for(lambda: docs_table.advisory_waits() == 1)
        result = running.stop(signal.SIGINT)
    assert (result.returncode, result.stdout) == (130, "")
    assert "Traceback" not in result.stderr
    assert (jobs_by_status(docs_table)["todo"], without_vector(docs_table)) == (0, 3)


def test_backfill_continues_after_a_kill(
    start_cli: StartCli, run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """kill -9: its jobs are released once its heartbeat is stale, and embedded then."""
    standin.controls.latency_s = 0.5
    add_chunks(docs_table, 640)
    running = start_cli("backfill", "--concurrency", "2", env=served(standin))
    running.wait_for(lambda: jobs_by_status(docs_table)["doing"] == 2)
    running.stop(signal.SIGKILL)
    docs_table.execute("update wikiembed_queue.procrastinate_workers set last_heartbeat = 'epoch'")
    standin.controls.latency_s = 0
    again = run_cli("backfill", env=served(standin))
    assert_done(again)
    assert without_vector(docs_table) == 0
    docs_table.check_invariants()


def test_backfill_runs_twice_concurrently(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """Two processes share the work, both exit 0, and no chunk is embedded twice."""
    add_chunks(docs_table, 640)
    clear_jobs(docs_table)
    standin.controls.latency_s = 0.2
    both = [
        start_cli("backfill", "docs", "--concurrency", "2", env=served(standin)) for _ in range(2)
    ]
    results = [running.wait() for running in both]
    for result in results:
        assert_done(result)
        assert json_lines(result)[-1]["missing"] == 0
        assert '"chunks":0}' not in result.stderr  # each had a share
    assert sum(numbers([lines_of(r, "queued")[0] for r in results], "chunks")) == 640
    assert (without_vector(docs_table), standin.stats.repeated) == (0, 0)
    docs_table.check_invariants()


def test_backfill_ends_at_a_pause(
    start_cli: StartCli, run_cli: RunCli, call: Call, docs_table: Database, standin: StandIn
) -> None:
    """In mid-run: batches in flight are written, exit 1 names role and reason; then it resumes."""
    standin.controls.latency_s = 0.4
    add_chunks(docs_table, 640)
    running = start_cli("backfill", "docs", "--concurrency", "2", env=served(standin))
    running.wait_for(lambda: without_vector(docs_table) < 640)
    assert_done(call("pause", "docs", "--why", "the GPU is being moved"))
    output = assert_refused(running.wait(), 1)
    who = docs_table.one("select paused_by from wikiembed.sources where name = 'docs'")
    assert output.startswith(f"Source 'docs' was paused by {who} at ")
    assert "the GPU is being moved" in output
    assert "`wikiembed resume docs`" in output
    left = without_vector(docs_table)
    assert (jobs_by_status(docs_table)["doing"], 64 * jobs_by_status(docs_table)["todo"]) == (
        0,
        left,
    )
    assert left > 0
    assert_done(call("resume", "docs"))
    standin.controls.latency_s = 0
    assert_done(run_cli("backfill", "docs", env=served(standin)))
    assert (without_vector(docs_table), standin.stats.repeated) == (0, 0)


def test_backfill_makes_no_estimate_during_an_outage(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """Its lines say what it waits for until it times out."""
    add_chunks(docs_table, 640)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id <= 320")
    standin.controls.down = True
    result = run_cli("backfill", "docs", env=served(standin, outage_limit_s="0.5"))
    assert "out of reach" in assert_refused(result, 3)
    last = lines_of(result, "progress")[-1]
    assert (last["waits_for"], last["eta_s"]) == ("server", None)
    assert float(str(last["chunks_per_s"])) > 0


def test_backfill_of_one_source_ignores_the_others(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """A pause or jobs of another source do not delay it, and it runs none of those jobs."""
    docs_table.execute("create table public.more (id int primary key, body text, vec vector(4))")
    docs_table.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    docs_table.execute("insert into public.more (id, body) values (1, 'text')")
    add_chunks(docs_table, 3)
    assert_done(run_cli("backfill", "docs", env=served(standin)))
    assert without_vector(docs_table) == 0
    assert docs_table.one("select count(*) from public.more where vec is null") == 1
    docs_table.execute("select wikiembed.pause('more', 'costs')")
    add_chunks(docs_table, 3)
    assert_done(run_cli("backfill", "docs", env=served(standin)))
    assert without_vector(docs_table) == 0
    assert "was paused by" in assert_refused(run_cli("backfill", env=served(standin)), 1)


def test_backfill_of_at_most_n_ends_before_a_full_queue_is_dry(
    run_cli: RunCli, docs_table: Database, standin: StandIn
) -> None:
    """The triggers have queued everything: the batch in flight finishes, the rest waits."""
    standin.controls.latency_s = 0.6
    add_chunks(docs_table, 640)
    options = ("--max-chunks", "100", "--concurrency", "1")
    result = run_cli("backfill", "docs", *options, env=served(standin))
    assert_done(result)
    assert 640 - without_vector(docs_table) in (128, 192)
    assert 64 * jobs_by_status(docs_table)["todo"] == without_vector(docs_table)
    assert lines_of(result, "backfilled")[0]["missing"] == without_vector(docs_table)
