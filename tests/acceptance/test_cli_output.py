"""What a terminal of 80 columns shows, and what a pipe gets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from tests.support.chunks import add_chunks, clear_jobs
from tests.support.cli import Call, Cli
from tests.support.commands import assert_done, assert_refused, json_lines, served, write_pages
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.terminal import WIDTH, run_on_terminal


def watch(cli: Cli, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
    """The output lines of a command on a terminal of 80 columns; it must exit 0."""
    code, seen = run_on_terminal(cli, *arguments, env=env)
    assert code == 0, seen
    return re.sub(r"\x1b\[[0-9;]*m", "", seen).replace("\r", "\n").splitlines()


def test_output_status_fits_80_columns(cli: Cli, docs_table: Database) -> None:
    """A long name and large numbers are not cut off and do not break the frame."""
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


KOREAN = "한국어위키문서본문"
LONG = "a_source_with_a_name_of_32_bytes"


def attach_many(database: Database, *names: str) -> None:
    """Tables of one row, each a source."""
    for name in names:
        database.execute(
            f'create table public."{name}" (id int primary key, body text, vec vector(4));'
            f" select wikiembed.attach('public.\"{name}\"', 'id', 'body', 'vec', '{name}');"
            f" insert into public.\"{name}\" values (1, 'body of {name}')"
        )


def test_output_status_of_14_sources_is_a_table_of_80_columns(
    cli: Cli, docs_table: Database
) -> None:
    """One line each, aligned by display width, and at most 24 lines in total."""
    attach_many(docs_table, KOREAN, LONG, *(f"source_{n}" for n in range(10)))
    docs_table.execute("select wikiembed.pause(null, 'the server moves')")
    lines = watch(cli, "status")
    _, head, rule, *rest = [line.rstrip() for line in lines if line.strip()]
    rows = {line.split()[0]: line for line in rest[:14]}
    assert set(rows) == {"docs", "wiki", KOREAN, LONG, *(f"source_{n}" for n in range(10))}
    assert head.startswith("source ")
    assert set(rule) == {"─"}
    end = cell_len(head[: head.index(" missing")] + " missing")
    for line in rows.values():
        cells = [character for character in line for _ in range(cell_len(character))]
        assert "".join(cells[:end]).rstrip()[-1].isdigit()
        assert cells[end : end + 1] in ([" "], [])
    assert len(rest) + 2 < 24
    assert max(map(cell_len, lines)) <= WIDTH
    (paused,) = (line for line in rest if line.startswith("Paused: "))
    assert paused.startswith(
        "Paused: a_source_with_a_name_of_32_bytes, docs, source_0 and 11 more by"
    )


def test_output_in_a_pipe_has_no_blank_at_a_line_end(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """And no line is wrapped, whatever its length."""
    add_chunks(docs_table, 2)
    docs_table.execute("insert into public.docs (body) values ('')")
    docs_table.execute(
        "insert into public.docs (body, vec)"
        " values ('Title' || e'\\n' || repeat('word ', 90), '[1,0,0,0]')"
    )
    env = served(standin)
    assert_done(call("worker", "--drain", env=env))
    searched = call("search", "word", "--source", "docs", env=env).stdout
    assert ("word " * 30).strip() in searched
    outputs = [
        searched,
        *(call(c, env=env).stdout for c in ("status", "sources", "failures", "doctor")),
    ]
    for output in outputs:
        assert output.strip() != ""
        assert [line for line in output.splitlines() if line != line.rstrip()] == []


def test_output_status_lists_each_worker_process(call: Call, docs_table: Database) -> None:
    """One as a sentence, more as a table; one that did not register is listed too."""
    docs_table.execute(
        "insert into wikiembed_queue.procrastinate_workers default values;"
        " insert into wikiembed_queue.procrastinate_workers default values;"
        " select wikiembed.register_worker(id, '00000000-0000-4000-8000-000000000001', 'gpu-1',"
        " 12345, '1.2', 'ollama m', '2031-05-01T08:00Z')"
        " from wikiembed_queue.procrastinate_workers"
    )
    told = call("status").stdout
    assert "Workers: 1 alive, 0 jobs running: gpu-1 pid 12345, wikiembed 1.2, ollama m, " in told
    docs_table.execute("insert into wikiembed_queue.procrastinate_workers default values")
    told = call("status").stdout
    assert "Workers: 2 alive, 0 jobs running.\n" in told
    assert re.search(r"^gpu-1 +12345 +1\.2 +ollama m +20", told, re.MULTILINE)
    assert re.search(r"^unknown +– +– +– +– ", told, re.MULTILINE)
    state: Any
    (state,) = json_lines(call("status", "--json"))
    assert [(w["host"], w["pid"], len(w["worker_ids"])) for w in state["workers"]] == [
        ("gpu-1", 12345, 2),
        (None, None, 1),
    ]


def test_output_search_limit_holds_for_all_sources(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """The nearest of all sources come first, each with its source and a labelled similarity."""
    attach_many(docs_table, "other")
    add_chunks(docs_table, 2)
    env = served(standin)
    assert_done(call("worker", "--drain", env=env))
    hit: Any
    before = standin.stats.requests
    (hit,) = json_lines(call("search", "body of other", "--limit", "1", "--json", env=env))
    assert standin.stats.requests == before + 1, "one for the question, whatever the sources"
    assert {"source", "key", "content", "similarity", "distance", "score", "is_current"} < set(hit)
    assert (hit["source"], hit["content"]) == ("other", "body of other")
    assert round(hit["similarity"] + hit["distance"], 6) == 1
    text = call("search", "body of other", "--limit", "2", env=env).stdout.splitlines()
    assert text[0] == "1. key 1  similarity 1.00  source other"
    assert [line[:2] for line in text if not line.startswith(" ")] == ["1.", "2."]
    alone = call("search", "body of other", "--limit", "1", "--source", "other", env=env).stdout
    assert alone.startswith("1. key 1  similarity 1.00\n")


def test_output_search_compares_no_models(
    call: Call, docs_table: Database, standin: StandIn
) -> None:
    """With different models it asks for a source."""
    attach_many(docs_table, "other")
    add_chunks(docs_table, 1)
    docs_table.execute("update wikiembed.sources set model = 'elsewhere' where name = 'other'")
    env = served(standin)
    assert_done(call("worker", "--drain", env=env))
    printed = assert_refused(call("search", "x", env=env), 2)
    assert printed.startswith("The sources have vectors of 2 different models")
    assert "--source docs (openai m)" in printed
    assert_done(call("search", "x", "--source", "other", env=env))


def test_output_events_are_above_the_bar(cli: Cli, docs_table: Database, standin: StandIn) -> None:
    """On a terminal an event has a line of its own, without a bar before it."""
    add_chunks(docs_table, 1)
    lines = watch(cli, "worker", "--drain", env=served(standin))
    printed = [line for line in lines if "worker_started" in line or "worker_stopped" in line]
    assert [words in line for words, line in zip(("started", "stopped"), printed, strict=True)]
    assert [line for line in printed if "━" in line] == []


def test_output_load_draws_a_bar_on_a_terminal(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    """A terminal shows a bar that ends full, a pipe none."""
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
    add_chunks(docs_table, 200)
    standin.controls.latency_s = 0.3
    text = "\n".join(watch(cli, "worker", "--drain", env=served(standin)))
    assert "━" in text
    assert "200/200" in text


def test_output_json_is_one_line_and_nothing_else(call: Call, docs_table: Database) -> None:
    """`status --json` and `sources --json` are one JSON value; coverage has two digits."""
    add_chunks(docs_table, 3)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id = 1")
    (state,) = json_lines(call("status", "--json"))
    assert set(state) == {
        "database",
        "coverage",
        "queue",
        "failures",
        "pauses",
        "held_back",
        "budgets",
        "schedules",
        "limits",
        "replaced",
        "truncation",
        "switched",
        "documents",
        "workers",
        "outages",
    }
    assert len(json_lines(call("sources", "--json"))) == 1
    result = call("status")
    assert_done(result)
    assert "33.33 %" in result.stdout
    assert "–" in result.stdout
    assert "Workers: none alive" in result.stdout


def test_output_status_reports_what_a_bound_left(call: Call, docs_table: Database) -> None:
    """Until everything is queued: it explains why coverage does not grow."""
    add_chunks(docs_table, 3)
    clear_jobs(docs_table)
    assert_done(call("enqueue", "docs", "--max-chunks", "1"))
    printed = call("status").stdout
    assert "docs: 2 chunks wait for `wikiembed enqueue docs`." in printed
    assert_done(call("enqueue", "docs"))
    assert "wait for" not in call("status").stdout


def test_output_status_makes_no_estimate_during_a_standstill(
    call: Call, docs_table: Database
) -> None:
    """While it is paused or its server is out of reach; again once it continues."""
    add_chunks(docs_table, 640)
    docs_table.execute("update public.docs set vec = '[1,0,0,0]' where id <= 320")

    def printed() -> tuple[object, object, str]:
        (state,) = json_lines(call("status", "--json"))
        coverage = state["coverage"]
        assert isinstance(coverage, list)
        return coverage[0]["waits_for"], coverage[0]["eta_s"], call("status").stdout

    waits, eta_s, text = printed()
    assert waits is None
    assert isinstance(eta_s, float)
    assert "waiting for the server" not in text
    docs_table.execute("select wikiembed.report_outage('http://host', 1, 'no_answer')")
    assert printed()[:2] == ("server", None)
    assert "waiting for the server" in printed()[2]
    docs_table.execute("select wikiembed.pause('docs')")
    assert printed()[:2] == ("resume", None)
    assert " paused " in printed()[2]


def test_output_status_reports_that_no_server_is_out_of_reach(
    call: Call, docs_table: Database
) -> None:
    """As living workers report; without a worker it is unknown."""
    assert "Servers:" not in call("status").stdout
    docs_table.execute(
        "insert into wikiembed_queue.procrastinate_workers (last_heartbeat) values (now())"
    )
    assert "Servers: the workers report none out of reach" in call("status").stdout
    docs_table.execute("select wikiembed.report_outage('http://host', 1, 'no_answer')")
    printed = call("status").stdout
    assert "Servers:" not in printed
    assert "Out of reach: http://host" in printed
