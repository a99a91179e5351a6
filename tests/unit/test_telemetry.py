"""Events: one line each, static names, and no log lines of other libraries."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from wikiembed.telemetry import configure_logging, emit


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Restore the loggers afterwards."""
    names = [None, "wikiembed", "procrastinate", "aiohttp", "psycopg"]
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers
    for logger, level in before:
        logger.setLevel(level)


def lines_of(style: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(style=style, level=level, stream=stream)
    return stream


def test_json_line_holds_the_event_and_its_fields() -> None:
    """One object per line, with time, level, event and fields."""
    stream = lines_of("json")
    emit("batch_embedded", source="docs", chunks=64)
    line = json.loads(stream.getvalue())
    assert line.pop("at").endswith("+00:00")
    assert line == {"level": "info", "event": "batch_embedded", "source": "docs", "chunks": 64}


def test_text_line_is_short_and_marks_warnings() -> None:
    """Time, event and fields; the level only where it is not info."""
    stream = lines_of("text")
    emit("outage_ended", probes=3)
    emit("outage_began", level=30, reason="gone")
    first, second = stream.getvalue().splitlines()
    assert first[26:] == "outage_ended probes=3"
    assert second[26:] == "warning: outage_began reason=gone"


def test_auto_is_json_without_a_terminal() -> None:
    """A stream that is not a terminal gets JSON lines."""
    stream = lines_of("auto")
    emit("worker_started")
    assert json.loads(stream.getvalue())["event"] == "worker_started"


def test_level_hides_lesser_events() -> None:
    """Events below the configured level are not logged."""
    stream = lines_of("json", level="warning")
    emit("worker_started")
    emit("outage_began", level=30)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "outage_began"
    ]


def test_lines_of_other_libraries_are_left_out() -> None:
    """procrastinate's lines hold the keys of a job: none is printed, not even its errors."""
    stream = lines_of("json", level="debug")
    quiet = ("procrastinate", "procrastinate.worker", "aiohttp.client", "httpx", "psycopg.pool")
    for name in quiet:
        logging.getLogger(name).info("Starting job embed[1](keys=['secret'])")
    logging.getLogger("procrastinate.worker").error("Job embed[1](keys=['secret']) ended")
    for name in ("aiohttp.client", "aiohttp.internal", "psycopg", "psycopg.pool"):
        logging.getLogger(name).warning("Can not load %s of http://host", "what a server said")
    assert stream.getvalue() == ""


def test_exception_is_named_without_its_traceback() -> None:
    """Only the type: a message or a frame may hold a text."""
    for style in ("json", "text"):
        stream = lines_of(style)
        try:
            raise ValueError("the text of a chunk")
        except ValueError:
            logging.getLogger("wikiembed").exception("job_failed")
        assert "the text" not in stream.getvalue()
        assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_value_breaks_a_line_or_the_logging(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Line breaks, half surrogate pairs, huge numbers and odd types stay on one line."""
    stream = lines_of(style)
    emit("outage_began", reason="first\nlevel=error second \x1b[31m", odd="\ud800", huge=2**70)
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert capsys.readouterr().err == ""


def test_field_never_replaces_the_event() -> None:
    """A field of the same name does not hide the event."""
    stream = lines_of("json")
    emit("source_paused", event="other", at="never")
    line = json.loads(stream.getvalue())
    assert line["event"] == "source_paused"
    assert line["at"] != "never"
