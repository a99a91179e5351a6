"""Output of the commands: tables and sentences for people, JSON for machines."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
import psycopg
import typer
from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from wikiembed import encodings
from wikiembed.cli.cells import wrap
from wikiembed.command_line import command_line
from wikiembed.config import Settings, load_settings
from wikiembed.db import version
from wikiembed.db.connect import connect, translate_errors
from wikiembed.errors import ConditionNotMet, WrongUsage
from wikiembed.times import duration as duration
from wikiembed.times import local, utc
from wikiembed.words import count as count

Row = Mapping[str, Any]
LONGEST_PAIR = 40
UNBOUNDED = 100_000
NUMBERS = (int, float, Decimal)


def console() -> Console:
    """Standard output; plain and of unlimited width if it is not a terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=UNBOUNDED, no_color=True, force_terminal=False)


@contextlib.contextmanager
def line_ends_stripped() -> Iterator[None]:
    """Buffer what is printed inside, and print it at exit without trailing blanks."""
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            yield
    finally:
        sys.stdout.writelines(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def print_rich(renderable: RenderableType) -> None:
    """Print on standard output; into a pipe without colour, wrapping or trailing blanks."""
    if sys.stdout.isatty():
        console().print(renderable)
        return
    with line_ends_stripped():
        console().print(renderable)


def print_error(sentence: str) -> None:
    """Print an error on standard error, in one sentence."""
    Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty()).print(
        f"[bold red]Error:[/] {_escaped(sentence)}" if sys.stderr.isatty() else sentence,
        markup=sys.stderr.isatty(),
    )


def warn(sentence: str) -> None:
    """Print a warning on standard error."""
    remark(f"Warning: {sentence}")


def remark(sentence: str) -> None:
    """Print a sentence on standard error that is not an error, such as how a command ended."""
    Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty()).print(
        sentence, markup=False
    )


def note(sentence: str) -> None:
    """Print a note on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty()).print(
        f"Note: {sentence}", markup=False
    )


def say(sentence: str) -> None:
    """Print one sentence on standard output."""
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(sentence, markup=False)


def say_command(command: str) -> None:
    """Print a command on a line of its own, which no terminal wraps: it can be copied."""
    Console(highlight=False, soft_wrap=True).print(command, markup=False)


LEVEL_STYLES = {"ok": "green", "warning": "yellow", "fault": "bold red"}
LEVEL_WIDTH = 9


def print_finding(level: str, sentence: str) -> None:
    """Print one finding of doctor and flush; on a terminal it wraps beside its level."""
    if sys.stdout.isatty():
        grid = Table.grid()
        grid.add_column(width=LEVEL_WIDTH)
        grid.add_row(Text(level, style=LEVEL_STYLES[level]), Text(sentence, overflow="fold"))
        print_rich(grid)
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
    if isinstance(value, dt.datetime):
        return utc(value)
    raise TypeError(type(value).__name__)


def print_json(value: object) -> None:
    """Print one JSON value on one line; times in UTC."""
    line = orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    sys.stdout.write(encodings.json_for(sys.stdout.encoding, line.decode()) + "\n")
    sys.stdout.flush()


def cell(value: object) -> str:
    """A value for a table: numbers with separators, times as `times.local`."""
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
            return local(value)
        case _:
            return str(value)


def percent(value: float | Decimal | None) -> str:
    """``99.50 %``; – when there is nothing to embed."""
    return "–" if value is None else f"{value:.2f} %"


def held_back_sentence(source: str, chunks: int) -> str:
    """How many chunks wait to be queued by an operator, and the command."""
    verb = "waits" if chunks == 1 else "wait"
    return f"{source}: {count(chunks, 'chunk')} {verb} for `{command_line('enqueue', source)}`."


def alike(rows: Sequence[Row], names: Sequence[str]) -> list[list[Row]]:
    """Rows grouped by equal values in these columns: one line for twelve sources paused at once."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return list(groups.values())


def listed(names: Sequence[str], *, most: int = 3) -> str:
    """``a, b and c``; of many names the first `most`, and the number of the others."""
    shown = list(names) if len(names) <= most + 1 else list(names[:most])
    more = len(names) - len(shown)
    *first, last = [*shown, f"{more:,} more"] if more else shown
    return f"{', '.join(first)} and {last}" if first else last


def process(worker: Mapping[str, Any]) -> str:
    """Where a worker process runs, its version and model, and since when; from view workers."""
    if worker["host"] is None:
        return f"a process that did not register itself (worker {worker['worker_id']})"
    parts = [
        f"{worker['host']} pid {worker['pid']}",
        f"wikiembed {worker['version']}",
        worker["model"],
        f"started {cell(worker['started_at'])}",
    ]
    return ", ".join(part for part in parts if part)


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    title: str | None = None,
    optional: Sequence[str] = (),
) -> None:
    """Print rows as a table.

    On a terminal too narrow for it, columns of `optional` are left out, first those without any
    value, then in order; if that is not enough, each row is printed as a paragraph.
    """
    out = console()
    shown, hidden = list(columns), [name for name in optional if name in columns]
    hidden.sort(key=lambda name: _has_values(rows, name))
    left_out: list[str] = []
    table = _table(rows, shown)
    while out.is_terminal and not _fits(out, table) and hidden:
        name = hidden.pop(0)
        shown.remove(name)
        if _has_values(rows, name):
            left_out.append(name)
        table = _table(rows, shown)
    if title:
        print_rich(Text(f"\n{title}", style="italic"))
    if out.is_terminal and not _fits(out, table):
        _print_paragraphs(out, rows, columns)
        return
    print_rich(table)
    if left_out:
        names = ", ".join(name.replace("_", " ") for name in left_out)
        print_rich(Text(f"Too narrow for: {names} (see --json).", style="dim"))


def _has_values(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column has a value other than zero and unknown."""
    return any(isinstance(row[name], bool) or row[name] not in (0, None, "–") for row in rows)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        right = bool(rows) and all(
            isinstance(row[name], NUMBERS) or row[name] is None for row in rows
        )
        table.add_column(
            name.replace("_", " "), justify="right" if right else "left", no_wrap=right
        )
    for row in rows:
        table.add_row(*(_escaped(cell(row[name])) for name in columns))
    return table


def _fits(out: Console, table: Table) -> bool:
    unbounded = out.options.update(max_width=UNBOUNDED)
    return Measurement.get(out, unbounded, table).maximum <= out.width


def _print_paragraphs(
    out: Console, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Print the first column as a heading, the others as name and value; wrap between pairs."""
    first, *others = columns
    for row in rows:
        pairs = []
        for name in others:
            value = cell(row[name])
            if value != "–":
                pair = f"{name.replace('_', ' ')} {value}"
                pairs.append(pair if len(pair) > LONGEST_PAIR else pair.replace(" ", "\N{NBSP}"))
        out.print(Text(cell(row[first]), style="bold"))
        lines = wrap(" · ".join(pairs), out.width - 2)
        out.print(Text("\n".join("  " + line.replace("\N{NBSP}", " ") for line in lines)))
    out.print()


def confirm(consequence: str, *, yes: bool) -> None:
    """Ask for confirmation before rows are removed, unless `yes`. `consequence` is a clause.

    Raises: WrongUsage if there is no terminal to ask on, ConditionNotMet when the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(
            f"{consequence}: nothing was done, since no terminal can confirm it; add --yes."
        )
    if not typer.confirm(f"{consequence}. Continue?", err=True):
        raise ConditionNotMet("Nothing was done.")


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
