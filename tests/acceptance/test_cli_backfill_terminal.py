"""What `backfill` shows on a terminal of 80 columns, with a name in wide characters."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from tests.support.cli import Cli, RunCli
from tests.support.commands import complaints, events, json_lines, served
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.standin.faults import BadText
from tests.support.terminal import WIDTH, run_on_terminal
from wikiembed.cli.failed import MOST_SHOWN

SOURCE = "한강문서"
UP_AND_ERASE = "\x1b[1A\x1b[2K"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def lines_of(seen: str) -> list[str]:
    """Its lines, without escape sequences."""
    return _ESCAPE.sub("", seen).replace("\r", "\n").splitlines()


@pytest.fixture
def korean(database: Database) -> Database:
    """A source with 66 chunks that its trigger has queued, of which 20 cannot be embedded."""
    database.execute(
        "create table public.k (id bigint generated always as identity primary key, body text,"
        " vec vector(4))"
    )
    database.execute("select wikiembed.attach('public.k', 'id', 'body', 'vec', %s)", [SOURCE])
    database.execute(
        "insert into public.k (body) select case when g <= 20 then 'bad ' else 'good ' end || g"
        " from generate_series(1, 66) as g"
    )
    return database


def test_terminal_shows_some_failures_and_counts_them_all(
    cli: Cli, korean: Database, standin: StandIn
) -> None:
    """One line each with source, key and class, cut to the width; the rest by class in the bar."""
    standin.controls.bad_texts = [BadText(contains="bad", status=500)]
    code, seen = run_on_terminal(cli, "backfill", env=served(standin))
    lines = lines_of(seen)
    assert code == 1
    assert [line for line in lines if cell_len(line) > WIDTH] == []
    assert f"{SOURCE}: 66 chunks are queued already." in lines
    shown = [line for line in lines if line.startswith(f"{SOURCE} ") and ": rejected: The" in line]
    assert len(shown) == MOST_SHOWN
    assert all(re.match(rf"{SOURCE} \d+: rejected: The .*…$", line) for line in shown)
    assert lines.count("More failures are counted below; list: wikiembed failures") == 1
    assert [line for line in lines if "chunk_failed" in line] == []
    (last,) = [line for line in lines if "━" in line and "20 rejected" in line][-1:]
    assert "46/66" in last
    assert f"{SOURCE}: 46 of 66 chunks embedded, 20 missing (20 rejected)." in lines
    assert any(line.startswith("Error: 20 chunks are missing") for line in lines)


def test_terminal_is_left_clean_after_ctrl_c(cli: Cli, korean: Database, standin: StandIn) -> None:
    """No bar is left, there is no error, and the last line says how to continue."""
    standin.controls.latency_s = 0.5
    options = ("--batch-size", "4", "--concurrency", "1")
    code, seen = run_on_terminal(
        cli, "backfill", SOURCE, *options, env=served(standin), stop_when=lambda seen: "/66" in seen
    )
    assert code == 130
    lines = lines_of(seen)
    embedded = korean.one("select count(vec) from public.k")
    assert [line for line in lines if line.strip()][-1] == (
        f"Stopped; {embedded} of 66 embedded. Continue: `wikiembed backfill '{SOURCE}'`."
    )
    assert [line for line in lines if "Error" in line] == []
    end = seen[seen.rindex("/66") : seen.index("Stopped; ")]
    assert UP_AND_ERASE in end


def test_piped_failures_are_in_one_output_only(
    run_cli: RunCli, korean: Database, standin: StandIn
) -> None:
    """As JSON lines on standard output, and not also as log events."""
    standin.controls.bad_texts = [BadText(contains="bad", status=500)]
    result = run_cli("backfill", env=served(standin))
    printed = [line for line in json_lines(result) if line["event"] == "chunk_failed"]
    assert len(printed) == 20
    assert "chunk_failed" not in {str(event["event"]) for event in events(result)}
    assert len(complaints(result)) == 1
