"""Commands on several databases: each has its turn, also when one of them is away."""

from __future__ import annotations

import json
import re
import signal
import socket

import pytest

from tests.support.chunks import add_chunks, jobs_by_status, without_vector
from tests.support.cli import Call, Cli, StartCli
from tests.support.commands import (
    assert_done,
    assert_refused,
    complaints,
    events,
    json_lines,
    served,
)
from tests.support.database import Database
from tests.support.refused import no_database
from tests.support.standin import StandIn
from tests.support.terminal import run_on_terminal

AWAY = no_database("away")


def of(*databases: Database | str, **settings: str) -> dict[str, str]:
    """The setting that names these databases, beside other ones."""
    urls = [one if isinstance(one, str) else one.url for one in databases]
    return {"WIKIEMBED_DATABASE_URL": ", ".join(urls), **settings}


def paused(database: Database) -> bool:
    """Whether its source is paused."""
    return bool(
        database.one("select paused_at is not null from wikiembed.sources where name='docs'")
    )


def test_a_worker_embeds_what_is_queued_in_each(
    cli: Cli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """With events that say which database they are of."""
    add_chunks(docs_table, 64)
    add_chunks(other, 128)
    result = cli.run("worker", "--drain", env=of(docs_table, other, **served(standin)))
    assert_done(result)
    assert (without_vector(docs_table), without_vector(other)) == (0, 0)
    ended = [e for e in events(result) if e["event"] == "worker_stopped"]
    assert {str(e["database"]).split()[0] for e in ended} == {docs_table.name, other.name}


def test_a_drain_has_one_bar_for_all(
    cli: Cli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """With the chunks of all databases."""
    add_chunks(docs_table, 64)
    add_chunks(other, 128)
    env = of(docs_table, other, **served(standin))
    code, seen = run_on_terminal(cli, "worker", "--drain", env=env)
    assert code == 0
    assert "192/192" in seen


def test_a_drain_ends_with_the_others_when_one_is_away(
    cli: Cli, docs_table: Database, standin: StandIn
) -> None:
    """What is in reach is embedded; then exit 3 with a sentence that names the one."""
    add_chunks(docs_table, 64)
    result = cli.run("worker", "--drain", env=of(AWAY, docs_table, **served(standin)))
    assert without_vector(docs_table) == 0
    sentence = assert_refused(result, 3)
    assert sentence.startswith("1 of 2 databases failed: away on 127.0.0.1:")
    assert "Postgres is out of reach" in sentence


def test_a_drain_says_which_database_is_paused(
    cli: Cli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """Exit 1, after the other one is done."""
    add_chunks(docs_table, 64)
    add_chunks(other, 64)
    other.execute("select wikiembed.pause('docs', 'maintenance')")
    result = cli.run("worker", "--drain", env=of(docs_table, other, **served(standin)))
    assert (without_vector(docs_table), without_vector(other)) == (0, 64)
    assert f"1 of 2 databases failed: {other.name} on " in assert_refused(result, 1)


def test_a_worker_goes_on_while_one_is_away_and_takes_it_when_it_is_back(
    start_cli: StartCli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """One that refuses the login at the start, as when its server is being set up."""
    add_chunks(docs_table, 64)
    add_chunks(other, 64)
    other.disconnect()
    with docs_table.connect() as connection:
        connection.execute(f"alter database {other.name} allow_connections false")
    running = start_cli("worker", env=of(docs_table, other, **served(standin)))
    running.wait_for(lambda: without_vector(docs_table) == 0)
    running.wait_for(lambda: "database_left_out" in running.stderr)
    left_out = [e for e in events_of(running.stderr) if e["event"] == "database_left_out"]
    assert [str(e["database"]).split()[0] for e in left_out] == [other.name]
    docs_table.execute(f"alter database {other.name} allow_connections true")
    running.wait_for(lambda: without_vector(other) == 0)
    assert_done(running.stop())


def test_a_worker_keeps_one_database_while_it_loses_another(
    start_cli: StartCli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """The connections to one are ended and refused for some seconds in mid-run."""
    standin.controls.latency_s = 0.1
    add_chunks(docs_table, 640)
    add_chunks(other, 640)
    running = start_cli(
        "worker", "--concurrency", "2", env=of(docs_table, other, **served(standin))
    )
    running.wait_for(lambda: without_vector(docs_table) < 640 and without_vector(other) < 640)
    other.disconnect()
    docs_table.execute(f"alter database {other.name} allow_connections false")
    docs_table.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [other.name]
    )
    running.wait_for(lambda: without_vector(docs_table) == 0)
    docs_table.execute(f"alter database {other.name} allow_connections true")
    running.wait_for(lambda: without_vector(other) == 0)
    assert_done(running.stop())
    for one in (docs_table, other):
        assert jobs_by_status(one)["doing"] == 0
        one.check_invariants()


def test_the_limit_of_a_server_is_of_all_databases_together(
    start_cli: StartCli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """`--concurrency 2` sends two requests at a time, not two per database."""
    standin.controls.latency_s = 0.1
    for one in (docs_table, other):
        add_chunks(one, 640)
    both = (docs_table, other)
    running = start_cli("worker", "--concurrency", "2", env=of(*both, **served(standin)))
    running.wait_for(lambda: all(without_vector(one) < 640 for one in both))
    standin.stats.max_concurrent = 0  # those before are of the first, small requests
    running.wait_for(lambda: all(without_vector(one) == 0 for one in both))
    assert standin.stats.max_concurrent == 2
    assert_done(running.stop())


def test_a_second_signal_ends_all_at_once(
    start_cli: StartCli, docs_table: Database, other: Database, standin: StandIn
) -> None:
    """The jobs of each return to its queue."""
    standin.controls.latency_s = 50
    for one in (docs_table, other):
        add_chunks(one, 64)
    running = start_cli("worker", env=of(docs_table, other, **served(standin)))
    running.wait_for(lambda: all(jobs_by_status(one)["doing"] == 1 for one in (docs_table, other)))
    running.process.send_signal(signal.SIGTERM)
    running.wait_for(lambda: "stop_requested" in running.stderr)
    assert_done(running.stop())
    assert [jobs_by_status(one) for one in (docs_table, other)] == [{"todo": 1}] * 2


def test_a_worker_with_no_database_in_reach_exits_at_once(cli: Cli, standin: StandIn) -> None:
    """Exit 3, as with one."""
    second = no_database("second")
    result = cli.run("worker", env=of(AWAY, second, **served(standin)))
    assert assert_refused(result, 3).startswith("2 of 2 databases failed: away on ")


def test_a_database_that_hangs_does_not_delay_the_others(
    start_cli: StartCli, docs_table: Database, standin: StandIn
) -> None:
    """A server that takes the connection and says nothing, named first, keeps no one waiting."""
    add_chunks(docs_table, 64)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/hangs?connect_timeout=60"
        running = start_cli("worker", env=of(hangs, docs_table, **served(standin)))
        running.wait_for(lambda: without_vector(docs_table) == 0, within_s=40)
        assert_done(running.stop())


def test_pause_and_resume_act_on_all(cli: Cli, docs_table: Database, other: Database) -> None:
    """Each is named; one that is away is said at the end, with exit 3."""
    env = of(docs_table, AWAY, other)
    result = cli.run("pause", "docs", "--why", "maintenance", env=env)
    assert result.stdout.splitlines() == [
        f"{one.name}: Paused source 'docs'." for one in (docs_table, other)
    ]
    assert assert_refused(result, 3).startswith("1 of 3 databases failed: away on ")
    assert (paused(docs_table), paused(other)) == (True, True)
    result = cli.run("resume", env=of(docs_table, other))
    assert_done(result)
    assert result.stdout.splitlines() == [
        f"{one.name}: Resumed 1 source." for one in (docs_table, other)
    ]
    assert (paused(docs_table), paused(other)) == (False, False)


def test_pause_takes_the_databases_that_have_the_source(
    call: Call, docs_table: Database, other: Database
) -> None:
    """One without it is no failure; none with it is."""
    other.execute("select wikiembed.detach('docs')")
    result = call("pause", "docs", env=of(docs_table, other))
    assert (result.returncode, complaints(result)) == (0, [])
    assert paused(docs_table)
    refused = assert_refused(call("pause", "nothing", env=of(docs_table, other)), 2)
    assert refused.startswith("2 of 2 databases failed: ")


def test_status_shows_each_database(call: Call, docs_table: Database, other: Database) -> None:
    """Those that answer in full, beside the one that is away."""
    add_chunks(other, 3)
    result = call("status", env=of(docs_table, AWAY, other))
    heads = [line for line in result.stdout.splitlines() if line.startswith("Database ")]
    assert [head.split()[1] for head in heads] == [docs_table.name, "away", other.name]
    assert assert_refused(result, 3).startswith("1 of 3 databases failed: away on ")


def test_status_in_json_has_a_line_for_each(
    call: Call, docs_table: Database, other: Database
) -> None:
    """With its error in place of its state, for one that is away."""
    result = call("status", "--json", env=of(docs_table, AWAY, other))
    lines = json_lines(result)
    assert [one["database"]["name"] for one in lines] == [docs_table.name, "away", other.name]  # type: ignore[index]
    assert [sorted(one) == ["database", "error"] for one in lines] == [False, True, False]
    assert result.returncode == 3


def test_status_watch_shows_all(cli: Cli, docs_table: Database, other: Database) -> None:
    """On a terminal, also the one that is away, until Ctrl-C."""
    add_chunks(other, 3)
    code, seen = run_on_terminal(
        cli,
        "status",
        "--watch",
        env=of(docs_table, AWAY, other),
        stop_when=lambda seen: "Ctrl-C ends" in seen,
    )
    assert code == 0
    seen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)
    assert "3 databases, 1 without an answer" in seen
    assert "away: No answer for" in seen
    assert f"{other.name}" in seen


def test_status_watch_prints_lines_into_a_pipe(
    start_cli: StartCli, docs_table: Database, other: Database
) -> None:
    """Each begins with the name of its database; JSON lines have it as a field."""
    for form in ([], ["--json"]):
        running = start_cli("status", "--watch", "--every", "0.2", *form, env=of(docs_table, other))
        running.wait_for(lambda: running.stdout.count("\n") > 5)  # noqa: B023
        result = running.stop(signal.SIGINT)
        assert result.returncode == 0
        for one in (docs_table, other):
            mark = f'"name":"{one.name}"' if form else f"{one.name}: "
            assert mark in result.stdout


@pytest.mark.parametrize("command", [["ready"], ["enqueue"], ["doctor"], ["sources"], ["migrate"]])
def test_other_commands_refuse_several(
    call: Call, docs_table: Database, other: Database, command: list[str]
) -> None:
    """In one sentence, before they do anything."""
    refused = call(*command, env=of(docs_table, other))
    assert refused.returncode == 2
    assert "names 2 databases, and this works on one" in refused.stdout + refused.stderr


def events_of(stderr: str) -> list[dict[str, object]]:
    """The events up to now."""
    return [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
