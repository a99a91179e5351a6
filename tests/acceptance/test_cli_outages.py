"""`status` and `doctor` during an outage, after it, and when no worker observes it."""

from __future__ import annotations

import json
import signal
from typing import Any

from tests.support.chunks import add_chunks, without_vector
from tests.support.cli import Call, StartCli
from tests.support.commands import json_lines, served
from tests.support.database import DIMENSIONS, Database
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
    docs_table.execute("update wikiembed_queue.procrastinate_workers set last_heartbeat = 'epoch'")
    assert outage_lines(call)[0].endswith(" s ago, no worker is retrying it.")
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


def test_outage_of_one_of_several_servers_is_a_warning(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """While a worker's other server answers: nothing waits, and the lines say so."""
    away = "http://127.0.0.1:9"
    add_chunks(docs_table, 10)
    docs_table.execute(
        "select wikiembed.report_outage(%s, 2, 'no_answer', null, 'Nothing listens there.')", [away]
    )
    worker_id = docs_table.one(
        "select worker_id from wikiembed_queue.procrastinate_register_worker_v1()"
    )
    docs_table.execute(
        "select wikiembed.register_worker(%s, gen_random_uuid(), 'h', 1, '1', 'm', now())",
        [worker_id],
    )

    def report(out: str | None) -> None:
        servers = [
            {"server": away, "model": "m", "out": "Nothing listens there."},
            {"server": standin.url, "model": "m", "out": out},
        ]
        docs_table.execute(
            "select wikiembed.report_requests(%s, %s)", [worker_id, json.dumps(servers)]
        )

    report("It is away, too.")
    assert findings(call, standin)[0][0] == "fault"
    assert outage_lines(call)[0].endswith("workers retry automatically.")
    assert "out of reach" in call("ready").stdout
    report(None)
    ((level, sentence),) = findings(call, standin)
    assert level == "warning"
    assert sentence.endswith("they retry automatically; its other servers take the work.")
    assert outage_lines(call)[0].endswith("automatically; its other servers take the work.")
    assert "out of reach" not in call("ready").stdout
    (outage,) = outages(call)
    assert outage["partial"] is True


def test_doctor_probes_each_of_several_servers(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """One that is away or runs another model is a warning while another is right, else a fault."""

    def embedder(*urls: str) -> list[tuple[str, str]]:
        env = served(standin, embedder_url=" ".join(urls))
        output = json.loads(call("doctor", "--json", env=env).stdout)
        return [(f["level"], f["sentence"]) for f in output if f["name"] == "embedder"]

    with StandIn(dimensions=DIMENSIONS, salt="another model's") as other:
        found = embedder(standin.url, other.url, "http://127.0.0.1:9")
        assert [level for level, _ in found] == ["ok", "warning", "warning"]
        assert found[0][1] == f"Embedder openai m at {standin.url}: {DIMENSIONS} dimensions."
        assert found[1][1].startswith(f"Workers leave out {other.url}. Its vectors are another")
        assert "Embedder openai m at http://127.0.0.1:9: " in found[2][1]
        other.controls.down = True
        assert [level for level, _ in embedder(other.url, "http://127.0.0.1:9")] == ["fault"] * 2
