"""What a person sees on 80 columns, and what a machine reads."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.acceptance.wiki import Call, add, assert_done, json_lines, served, write_pages
from tests.harness.cli import Cli
from tests.harness.database import Database
from tests.standin import StandIn

WIDTH = 80


def watch(cli: Cli, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
    """The lines that a command draws on a terminal of 80 columns; it must exit 0."""
    ours, theirs = pty.openpty()
    given = {**cli.env, **(env or {}), "TERM": "xterm", "COLUMNS": str(WIDTH)}
    cli.folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "wikiembed", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env=given, cwd=cli.folder,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while data := os.read(ours, 65536):
            seen += data
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    assert process.wait(30) == 0, seen.decode()
    return seen.decode().replace("\r", "\n").splitlines()


def test_output_status_fits_80_columns(cli: Cli, docs_table: Database) -> None:
    """A long name and large numbers neither are cut off nor break the frame."""
    docs_table.execute(
        "insert into wikiembed.ledger (source, total, embedded) values ('docs', 12345678, 1234567)"
    )
    docs_table.execute("select wikiembed.pause('docs', 'the server moves to another rack today')")
    lines = watch(cli, "status")
    assert [line for line in lines if len(line) > WIDTH] == []
    text = " ".join(" ".join(lines).split())
    for words in ("docs", "12,345,678", "1,234,567", "9.99 %", "another rack today"):
        assert words in text
    assert "…" not in text


def test_output_events_stand_above_the_bar(
    cli: Cli, docs_table: Database, standin: StandIn
) -> None:
    """On a terminal an event is a line of its own, and no bar stands before it."""
    add(docs_table, 1)
    lines = watch(cli, "worker", "--drain", env=served(standin))
    told = [line for line in lines if "worker_started" in line or "worker_stopped" in line]
    assert [words in line for words, line in zip(("started", "stopped"), told, strict=True)]
    assert [line for line in told if "━" in line] == []


def test_output_load_draws_a_bar_on_a_terminal(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    """A person sees a bar that ends full, a machine does not."""
    file = write_pages(tmp_path / "pages.jsonl", {f"P{n}": "Text." for n in range(3)})
    text = "\n".join(watch(cli, "load", str(file)))
    assert "━" in text
    assert "3 added" in text
    piped = cli.run("load", str(file))
    assert_done(piped)
    assert "━" not in piped.stdout


def test_output_drain_draws_a_bar_on_a_terminal(
    cli: Cli, docs_table: Database, standin: StandIn
) -> None:
    """The bar of a drain counts chunks."""
    add(docs_table, 200)
    standin.controls.latency_s = 0.3
    text = "\n".join(watch(cli, "worker", "--drain", env=served(standin)))
    assert "━" in text
    assert "200/200" in text


def test_output_json_is_one_line_and_nothing_else(call: Call, docs_table: Database) -> None:
    """`status --json` and `sources --json` are one JSON value; coverage has two digits."""
    add(docs_table, 3)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id = 1")
    (state,) = json_lines(call("status", "--json"))
    assert set(state) == {
        "coverage",
        "queue",
        "failures",
        "pauses",
        "held_back",
        "replaced",
        "workers",
        "outages",
    }
    assert len(json_lines(call("sources", "--json"))) == 1
    result = call("status")
    assert_done(result)
    assert "33.33 %" in result.stdout
    assert "–" in result.stdout
    assert "Workers: none alive" in result.stdout


def test_output_status_tells_of_what_a_bound_left(call: Call, docs_table: Database) -> None:
    """Till everything is queued: else nobody would know why coverage stands still."""
    add(docs_table, 3)
    docs_table.execute("delete from wikiembed_queue.procrastinate_jobs")
    assert_done(call("enqueue", "docs", "--max-chunks", "1"))
    told = call("status").stdout
    assert "docs: 2 chunks wait for `wikiembed enqueue docs`." in told
    assert_done(call("enqueue", "docs"))
    assert "wait for" not in call("status").stdout


def test_output_status_makes_no_estimate_of_what_stands_still(
    call: Call, docs_table: Database
) -> None:
    """While it is paused, or its server is out of reach; again when it goes on."""
    add(docs_table, 640)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id <= 320")

    def told() -> tuple[object, object, str]:
        (state,) = json_lines(call("status", "--json"))
        coverage = state["coverage"]
        assert isinstance(coverage, list)
        return coverage[0]["waits_for"], coverage[0]["eta_s"], call("status").stdout

    waits, eta_s, text = told()
    assert waits is None
    assert isinstance(eta_s, float)
    assert "waiting for the server" not in text
    docs_table.execute("select wikiembed.report_outage('http://host', 1, 'no_answer')")
    assert told()[:2] == ("server", None)
    assert "waiting for the server" in told()[2]
    docs_table.execute("select wikiembed.pause('docs')")
    assert told()[:2] == ("resume", None)
    assert " paused " in told()[2]


def test_output_status_says_that_no_server_is_out_of_reach(
    call: Call, docs_table: Database
) -> None:
    """As living workers report; without one nobody would know."""
    assert "Servers:" not in call("status").stdout
    docs_table.execute(
        "insert into wikiembed_queue.procrastinate_workers (last_heartbeat) values (now())"
    )
    assert "Servers: none is out of reach" in call("status").stdout
    docs_table.execute("select wikiembed.report_outage('http://host', 1, 'no_answer')")
    told = call("status").stdout
    assert "Servers:" not in told
    assert "Out of reach: http://host" in told
