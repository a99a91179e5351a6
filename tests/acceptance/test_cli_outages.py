"""`status` and `doctor` during an outage, after it, and when no worker observes it."""

from __future__ import annotations

import json
import signal
from typing import Any

from tests.support.chunks import add_chunks, without_vector
from tests.support.cli import Call, StartCli
from tests.support.commands import json_lines, served
from tests.support.database import Database
from tests.support.eventually import eventually
from tests.support.standin import StandIn


def outage_lines(call: Call) -> list[str]:
    """The lines of `status` on servers out of reach."""
    return [line for line in call("status").stdout.splitlines() if line.startswith("Out of reach")]


def outages(call: Call) -> list[dict[str, Any]]:
    """The outages of `status --json`."""
    (state,) = json_lines(call("status", "--json"))
    found: list[dict[str, Any]] = state["outages"]  # type: ignore[assignment]
    return found


def findings(call: Call, standin: StandIn) -> list[tuple[str, str]]:
    """Level and sentence of `doctor`'s findings on outages."""
    output = json.loads(call("doctor", "--json", env=served(standin)).stdout)
    return [(f["level"], f["sentence"]) for f in output if f["name"] == "outage"]


def test_outage_is_reported_while_it_lasts_and_not_after(
    call: Call, start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """Start, reason, and that workers retry; without the key or the password of the URL."""
    url = standin.url.replace("//", "//user:s3cr-et@")
    standin.controls.down = True
    add_chunks(docs_table, 3)
    worker = start_cli("worker", env=served(standin, embedder_url=url, log_format="json"))
    rows = "select count(*) from wikiembed.outages where ended_at is null"
    worker.wait_for(lambda: docs_table.one(rows) == 1)
    (line,) = outage_lines(call)
    assert line.startswith(f"Out of reach: {standin.url} since 20")
    reason = (
        f"The embedding server at {standin.url} broke off the connection;"
        " or it speaks TLS: then set WIKIEMBED_EMBEDDER_URL to https://…"
    )
    assert line.endswith(f" s): {reason}; workers retry automatically.")
    (found,) = outages(call)
    assert (found["server"], found["error_class"], found["reason"], found["stale"]) == (
        standin.url,
        "no_answer",
        f"{reason}.",
        False,
    )
    assert found["times"] == 1
    assert 0 <= found["unseen_s"] <= found["lasted_s"]
    ((level, sentence),) = findings(call, standin)
    assert (level, f"({reason})" in sentence) == ("fault", True)

    standin.controls.down = False
    worker.wait_for(lambda: without_vector(docs_table) == 0)
    worker.wait_for(lambda: docs_table.one(rows) == 0)
    assert (outage_lines(call), outages(call), findings(call, standin)) == ([], [], [])
    kept = docs_table.one("select string_agg(o::text, '') from wikiembed.outages as o")
    for output in (worker.stop().stderr, kept):
        assert standin.url in output
        assert "s3cr-et" not in output


def test_outage_without_an_observer_is_not_reported_as_current(
    call: Call, start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """A killed worker leaves it open; the next one that gets an answer ends it."""
    standin.controls.down = True
    add_chunks(docs_table, 3)
    worker = start_cli("worker", env=served(standin))
    worker.wait_for(lambda: docs_table.one("select count(*) from wikiembed.outages") == 1)
    worker.stop(signal.SIGKILL)
    docs_table.execute(
        "update wikiembed.outages set since = since - interval '2 hours',"
        " last_seen_at = last_seen_at - interval '1 hour'"
    )
    (line,) = outage_lines(call)
    assert " (2 h" in line
    assert "; last seen 1 h" in line
    assert line.endswith(" ago, no worker is retrying it.")
    assert [found["stale"] for found in outages(call)] == [True]
    ((level, sentence),) = findings(call, standin)
    assert level == "warning"
    assert f"select wikiembed.end_outage('{standin.url}')" in sentence

    standin.controls.down = False
    docs_table.execute("update wikiembed_queue.procrastinate_workers set last_heartbeat = 'epoch'")
    start_cli("worker", env=served(standin))
    eventually(lambda: outages(call) == [], within_s=60)
    assert docs_table.one("select ended_at > last_seen_at from wikiembed.outages")
