"""What people see: tables, sentences, and JSON where a machine asks."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
import psycopg
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from wikiembed.config import Settings, load_settings
from wikiembed.db import version
from wikiembed.db.connect import connect, translate_errors

PLAIN_WIDTH = 200
LONGEST_PAIR = 40
UNBOUNDED = 10_000
NUMBERS = (int, float, Decimal)


def console() -> Console:
    """Standard output; wide and plain when nobody watches."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=PLAIN_WIDTH)


def complain(sentence: str) -> None:
    """Say what is wrong on standard error, in one sentence."""
    Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty()).print(
        f"[bold red]Error:[/] {_escaped(sentence)}" if sys.stderr.isatty() else sentence,
        markup=sys.stderr.isatty(),
    )


def warn(sentence: str) -> None:
    """Say on standard error what somebody should know of what was done all the same."""
    Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty()).print(
        f"Warning: {sentence}", markup=False
    )


def say(sentence: str) -> None:
    """Say one sentence on standard output."""
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(sentence, markup=False)


LEVEL_STYLES = {"ok": "green", "warning": "yellow", "fault": "bold red"}
LEVEL_WIDTH = 9


def print_finding(level: str, sentence: str) -> None:
    """Print one line of an examination at once; on a terminal it wraps beside its level."""
    if sys.stdout.isatty():
        grid = Table.grid()
        grid.add_column(width=LEVEL_WIDTH)
        grid.add_row(Text(level, style=LEVEL_STYLES[level]), Text(sentence, overflow="fold"))
        console().print(grid)
    else:
        sys.stdout.write(f"{level:<{LEVEL_WIDTH}}{sentence}\n")
    sys.stdout.flush()


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


def count(n: int, noun: str) -> str:
    """``1 job``, ``2 jobs``, ``1,000 jobs``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


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
    """Print rows as a table; on a terminal too narrow for it, as paragraphs that wrap."""
    out = console()
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
    unbounded = out.options.update(max_width=UNBOUNDED)
    if out.is_terminal and Measurement.get(out, unbounded, table).maximum > out.width:
        _print_paragraphs(out, rows, columns, title)
    else:
        out.print(table)


def _print_paragraphs(
    out: Console, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str | None
) -> None:
    """The first column is a heading, the others are name and value, broken between pairs only."""
    if title:
        out.print(Text(title, style="italic"))
    first, *others = columns
    for row in rows:
        pairs = []
        for name in others:
            value = cell(row[name])
            if value != "–":
                pair = f"{name.replace('_', ' ')} {value}"
                pairs.append(pair if len(pair) > LONGEST_PAIR else pair.replace(" ", "\N{NBSP}"))
        out.print(Text(cell(row[first]), style="bold"))
        # textwrap breaks at plain spaces only; rich would break at no-break ones too.
        wrapped = textwrap.wrap(" · ".join(pairs), width=out.width - 2)
        out.print(Text("\n".join("  " + line.replace("\N{NBSP}", " ") for line in wrapped)))
    out.print()


@contextlib.contextmanager
def database(
    settings: Settings | None = None,
) -> Iterator[tuple[psycopg.Connection[Any], Settings]]:
    """A connection to a database of this wikiembed's schema version, and the settings.

    Raises: SchemaMismatch, ConfigurationError, DatabaseUnreachable.
    """
    settings = settings or load_settings()
    with connect(settings) as connection, translate_errors():
        version.require_head(version.current(connection))
        yield connection, settings
