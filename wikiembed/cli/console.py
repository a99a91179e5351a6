"""What people see: tables, sentences, and JSON where a machine asks."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from wikiembed.config import Settings, load_settings
from wikiembed.db import migrate
from wikiembed.db.connect import connect, translate_errors

PLAIN_WIDTH = 200
NUMBERS = (int, float, Decimal)


def console() -> Console:
    """Standard output; wide and plain when nobody watches."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=PLAIN_WIDTH)


def complain(sentence: str) -> None:
    """Say what is wrong on standard error, in one sentence."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"[bold red]Error:[/] {_escaped(sentence)}" if sys.stderr.isatty() else sentence,
        markup=sys.stderr.isatty(),
    )


def say(sentence: str) -> None:
    """Say one sentence on standard output."""
    Console(highlight=False, soft_wrap=True).print(sentence, markup=False)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)


def print_json(value: object) -> None:
    """Print one JSON value on one line."""
    sys.stdout.write(orjson.dumps(value, default=_plain).decode() + "\n")
    sys.stdout.flush()


def cell(value: object) -> str:
    """A value for a table: numbers with separators, times in local time, no fractions of µs."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float() | Decimal():
            return f"{value:,.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
        case dt.datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return str(value)


def duration(seconds: float | None) -> str:
    """``2 d 3 h``, ``4 min 5 s``: the two largest units; – when unknown."""
    if seconds is None:
        return "–"
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str | None = None
) -> None:
    """Print rows as a table; numbers stand to the right."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        right = bool(rows) and all(
            isinstance(row[name], NUMBERS) or row[name] is None for row in rows
        )
        table.add_column(
            name.replace("_", " "), justify="right" if right else "left", no_wrap=right
        )
    for row in rows:
        table.add_row(*(_escaped(cell(row[name])) for name in columns))
    console().print(table)


@contextlib.contextmanager
def database(
    settings: Settings | None = None,
) -> Iterator[tuple[psycopg.Connection[Any], Settings]]:
    """A connection to a database of this wikiembed's schema version, and the settings.

    Raises: SchemaMismatch, ConfigurationError, DatabaseUnreachable.
    """
    settings = settings or load_settings()
    with connect(settings) as connection, translate_errors():
        migrate.require_head(migrate.current(connection))
        yield connection, settings
