"""Times: local with their offset for people, UTC for machines, and as people enter them."""

from __future__ import annotations

import ast
import datetime as dt
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.timezone import timezone
from wikiembed import times
from wikiembed.cli.console import cell, print_json
from wikiembed.errors import InvalidArgument
from wikiembed.telemetry import TextFormatter
from wikiembed.times import brief, duration, local, read_span, read_time, utc

AT = dt.datetime(2031, 4, 30, 23, 0, 0, 123456, tzinfo=dt.UTC)
PACKAGE = Path(times.__file__).parent


@pytest.fixture(autouse=True)
def seoul() -> Iterator[None]:
    """Nine hours ahead of UTC, without summer time."""
    with timezone("Asia/Seoul"):
        yield


def test_times_are_local_with_their_offset_for_people() -> None:
    """In a sentence and in a table cell, whatever zone the database returned."""
    assert local(AT) == cell(AT) == "2031-05-01 08:00:00+09:00"
    assert local(AT.astimezone(dt.timezone(dt.timedelta(hours=-5)))) == local(AT)
    assert local(dt.datetime.max.replace(tzinfo=dt.UTC)).startswith("9999-12-31")


def test_times_are_utc_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """ISO 8601, in nested values too."""
    seoul = AT.astimezone(dt.timezone(dt.timedelta(hours=9)))
    print_json({"at": seoul, "rows": [{"at": AT}]})
    assert orjson.loads(capsys.readouterr().out) == {
        "at": "2031-04-30T23:00:00.123+00:00",
        "rows": [{"at": utc(AT)}],
    }


def test_times_of_events_are_local_on_a_terminal() -> None:
    """The text format of the log."""
    record = logging.LogRecord("wikiembed", logging.INFO, "", 0, "worker_started", None, None)
    record.created = AT.timestamp()
    assert TextFormatter().format(record) == "2031-05-01 08:00:00+09:00 worker_started"


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("2031-05-01T08:00", AT.replace(microsecond=0)),
        ("2031-05-01 08:00:00+09:00", AT.replace(microsecond=0)),
        ("2031-05-01T01:00+02:00", AT.replace(microsecond=0)),
        ("2031-04-30T23:00Z", AT.replace(microsecond=0)),
        (" 2031-05-01 ", dt.datetime(2031, 4, 30, 15, tzinfo=dt.UTC)),
    ],
)
def test_read_time_accepts_iso_8601(typed: str, at: dt.datetime) -> None:
    """Local time unless it has an offset; the output of `local` can be read back."""
    assert read_time(typed) == at
    assert read_time(local(at)) == at


@pytest.mark.parametrize(
    ("typed", "minutes"), [("90min", 90), ("2h", 120), ("1h30m", 90), ("1 d 2 h", 1560), ("60s", 1)]
)
def test_read_time_accepts_spans(typed: str, minutes: int) -> None:
    """From now, in several units together."""
    ahead = read_time(typed) - times.now()
    assert round(ahead.total_seconds() / 60) == minutes


@pytest.mark.parametrize(
    "typed",
    ["soon", "", "2", "h", "-2h", "1.5h", "2031-13-01", "99999999999999d", "0001-01-01", "9" * 400],
)
def test_read_time_refuses_an_invalid_time(typed: str) -> None:
    """In one sentence, however large the number."""
    with pytest.raises(InvalidArgument, match="is not a valid time: give a span such as 2h"):
        read_time(typed)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0, "0 s"), (59.6, "1 min"), (3700, "1 h 1 min"), (200_000, "2 d 7 h")],
)
def test_duration_has_two_units(seconds: float | None, shown: str) -> None:
    """The two largest units are enough."""
    assert duration(seconds) == shown


def test_no_other_module_formats_a_time() -> None:
    """Neither by strftime nor isoformat nor in an f-string."""
    own = Path(times.__file__)
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        names = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
        if path != own and (names & {"strftime", "isoformat"} or re.search(r":%[HYmd]", text)):
            found.append(path.name)
    assert found == []


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0354, "35 ms"), (1.0, "1 s"), (1.24, "1.2 s"), (59.9, "59.9 s"), (125, "2 min 5 s")],
)
def test_brief_is_exact_enough_for_short_times(seconds: float, expected: str) -> None:
    """Milliseconds below a second, tenths below a minute."""
    assert brief(seconds) == expected


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30.0), (" 1h30min ", 5400.0), ("1m", 60.0)])
def test_span_is_read_in_seconds(text: str, seconds: float) -> None:
    """As pause --until takes it."""
    assert read_span(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "-1s", "0s", "99999999d", "2031-05-01", "٣s"])
def test_impossible_span_is_refused(text: str) -> None:
    """No unit, no time, a point in time, or longer than a life."""
    with pytest.raises(InvalidArgument, match="is not a span of time"):
        read_span(text)
