"""One time format for all commands: local with offset, UTC in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.chunks import add_chunks, clear_jobs, fail, read
from tests.support.cli import Call
from tests.support.commands import assert_refused, json_lines
from tests.support.database import Database
from tests.support.refused import NO_SERVER
from tests.support.timezone import timezone

LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+09:00")
JSON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
ANY = re.compile(r"\d{4}-\d\d-\d\d.|\d\d:\d\d")


@pytest.fixture
def troubled(docs_table: Database) -> Iterator[Database]:
    """In Seoul: a failure, a pause with an end, an outage, and a partly queued source."""
    add_chunks(docs_table, 3)
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.enqueue('docs', 1)")
    fail(docs_table, read(docs_table, ["1"]), error_class="rejected")
    docs_table.execute("select wikiembed.report_outage('http://host', 1, 'no_answer', 503, 'No.')")
    docs_table.execute("select wikiembed.report_outage('http://old', 1, 'no_answer', 503, 'No.')")
    docs_table.execute(
        "update wikiembed.outages set last_seen_at = now() - interval '1 h' where server ~ 'old'"
    )
    with timezone("Asia/Seoul"):
        yield docs_table


def strays(text: str, way: re.Pattern[str]) -> list[str]:
    """Substrings that look like a time in another format."""
    return ANY.findall(way.sub("", text))


def test_times_have_one_format(call: Call, troubled: Database) -> None:
    """`status` shows exactly what `pause` printed, and JSON has UTC."""
    (until,) = LOCAL.findall(call("pause", "docs", "--until", "2h").stdout)
    shown = call("status").stdout
    assert f"until {until}" in shown
    for command, least in (("status", 5), ("failures", 1), ("ready", 2), ("doctor", 3)):
        text = call(command).stdout
        assert len(LOCAL.findall(text)) >= least, text
        assert strays(text, LOCAL) == []
    for command in ("status", "failures"):
        text = call(command, "--json").stdout
        assert JSON.findall(text)
        assert strays(text, JSON) == []
    (state,) = json_lines(call("status", "--json"))
    pauses = state["pauses"]
    assert isinstance(pauses, list)
    assert pauses[0]["resume_at"][:13] != until[:13].replace(" ", "T")


def test_printed_time_is_valid_input(call: Call, docs_table: Database) -> None:
    """A time copied from `status` is valid input; one without an offset is local."""
    with timezone("Asia/Seoul"):
        printed = "2031-05-01 08:00:00+09:00"
        for typed in (printed, "2031-05-01T08:00", "2031-04-30T23:00Z"):
            assert call("pause", "--until", typed).stdout.endswith(f" until {printed}.\n")
        assert docs_table.one(
            "select resume_at = timestamptz '2031-04-30 23:00Z' from wikiembed.sources limit 1"
        )
        output = assert_refused(call("pause", "--until", "2001-01-01"), 2)
    assert output.startswith("The pause would end at 2001-01-01 00:00:00+09:00, which is past")
    assert assert_refused(call("pause", "--until", "9" * 400 + "d"), 2).count("not a valid time")


def test_refused_drain_prints_the_time_of_the_pause(call: Call, troubled: Database) -> None:
    """In the message of a worker whose source is paused."""
    call("pause", "docs", "--why", "the GPU is moved")
    env = {"WIKIEMBED_EMBEDDER": "openai", "WIKIEMBED_EMBEDDER_URL": NO_SERVER}
    output = assert_refused(call("worker", "--drain", env=env), 1)
    assert LOCAL.search(output)
    assert strays(output, LOCAL) == []
