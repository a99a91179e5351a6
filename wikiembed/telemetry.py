"""Events: a static name plus fields, as JSON lines for machines or short text for people.

Fields are ids and counts; never a chunk's text, its key, or the API key.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from typing import TextIO

import orjson

from wikiembed.times import from_clock, local, utc
from wikiembed.words import printable

ROOT = "wikiembed"
DATABASE: ContextVar[str | None] = ContextVar("database", default=None)
"""Of the present task, where one process works for several: field `database` of its events."""


def emit(name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log event `name` with its fields (see docs/reference/events.md)."""
    if (database := DATABASE.get()) is not None:
        fields.setdefault("database", database)
    logging.getLogger(ROOT).log(level, name, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """One JSON object per line: at, level, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            **getattr(record, "fields", {}),
            "at": utc(from_clock(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        # Event first, for people who read the JSON.
        line = {name: line.pop(name) for name in ("at", "level", "event")} | line
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # half a surrogate pair, a huge number: Python's own takes them
            return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """``2031-05-01 20:15:03+09:00 batch_embedded chunks=64``, for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of text."""
        at = local(from_clock(record.created))
        fields = " ".join(f"{k}={v}" for k, v in getattr(record, "fields", {}).items())
        mark = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        return printable(f"{at} {mark}{record.getMessage()} {fields}".rstrip())


class StderrHandler(logging.Handler):
    """Writes to the current standard error: a live bar replaces it to print events above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line."""
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


def configure_logging(*, style: str, level: str, stream: TextIO | None = None) -> None:
    """Send wikiembed's events to `stream` (stderr), and other libraries' warnings only.

    procrastinate's INFO lines hold every key of a job, so they stay off. `style` is ``json``,
    ``text`` or ``auto``: text on a terminal.
    """
    out = stream or sys.stderr
    if style == "auto":
        style = "text" if out.isatty() else "json"
    handler = logging.StreamHandler(out) if stream else StderrHandler()
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(ROOT).setLevel(level.upper())
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    for chatty in ("procrastinate", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
