"""``wikiembed demo``: from an empty machine to search results, in a minute."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from wikiembed.cli.console import console, duration, percent, print_table, say, say_command
from wikiembed.cli.coverage_report import report
from wikiembed.cli.progress import Cadence, Reporter
from wikiembed.command_line import command_line
from wikiembed.config import Settings, load_settings
from wikiembed.control import actions, sample
from wikiembed.control.load import load_articles, waiting_pages
from wikiembed.control.sample import DATABASE
from wikiembed.db.connect import connect, database_url
from wikiembed.db.endpoint import endpoint
from wikiembed.errors import ConditionNotMet, SourcePaused
from wikiembed.sample import sample_path
from wikiembed.telemetry import configure_logging
from wikiembed.wiki import Article, LoadCounts
from wikiembed.words import count, verb

SOURCE = "wiki"
QUESTIONS = (
    "how is chocolate made from cocoa beans",
    "who arranged the chemical elements in a table",
    "where was the demo's new page embedded",
)
NEW_PAGE = Article(
    title="wikiembed demo page",
    content=(
        "This new page was inserted while a worker was running. A trigger on the table of pages"
        " queued it in the same transaction, and the worker split and embedded it: no further"
        " command was given."
    ),
)
PATIENCE_S = 300.0


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("demo")(run_demo)


def run_demo(
    *,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove the demo's database instead, and nothing else.")
    ] = False,
) -> None:
    """Demonstrate the whole: start Postgres, migrate, load 60 articles, embed them, search.

    It uses a database of its own, wikiembed_demo: on the server of WIKIEMBED_DATABASE_URL, where
    the role must be allowed to create databases, else in the embedded Postgres. Without settings
    it uses the local model too, so that nothing else is needed. It can be stopped by Ctrl-C at any
    time, and run again.
    """
    from wikiembed.cli.load import load_file
    from wikiembed.cli.search import show
    from wikiembed.db import migrate
    from wikiembed.search.client import Client, OneConnection

    configured = load_settings()
    configure_logging(style=configured.log_format, level="warning")
    if clean:
        dropped = sample.drop(configured)
        say(f"Removed database {DATABASE}." if dropped else f"There is no database {DATABASE}.")
        return
    began = time.monotonic()
    step("Starting Postgres" if configured.database_url is None else "Connecting to Postgres")
    settings = sample.create(configured)
    with connect(settings) as connection:
        say(f"  {endpoint(settings, connection).line}, the demo's own.")
        step("Migrating the schema")
        migrate.upgrade(database_url(settings), settings)
        step("Loading 60 short articles that come with wikiembed")
        loaded = load_file(connection, sample_path(), LoadCounts())
        say(f"  {count(loaded.added, 'page')} added, {loaded.unchanged} unchanged.")
        queued = actions.enqueue_all(
            connection, SOURCE, max_chunks=None, batch_size=settings.batch_size, dry_run=False
        )
        step("Queueing what is missing (the triggers did so already: nothing is added twice)")
        n = (queued[0].documents or 0) + queued[0].chunks
        say(f"  {count(n, 'page or chunk', 'pages or chunks')} {verb(n, 'was', 'were')} added.")
        asyncio.run(embed(connection, settings))
        with Client(pool=OneConnection(connection), settings=settings) as client:
            for question in QUESTIONS:
                step(f"Searching: {question}?")
                show(client.search(question, source=SOURCE, limit=2))
        broken = [
            name for name, count in connection.execute(
                "select name, violations from wikiembed.check_invariants()"
            ) if count
        ]  # fmt: skip
    if broken:
        raise ConditionNotMet(f"An invariant does not hold: {'; '.join(broken)}.")
    step(f"Done in {duration(time.monotonic() - began)}. What next?")
    for what, command in next_commands():
        say(f"  {what}:")
        say_command(f"    {command}")
    say("  WIKIEMBED_DATABASE_URL and WIKIEMBED_EMBEDDER name your own Postgres and server.")


def next_commands() -> Iterator[tuple[str, str]]:
    """Commands to try with the sample, then with the user's own data."""
    wikiembed = shlex.quote(invoked_as())
    there = f"WIKIEMBED_DATABASE_NAME={DATABASE} {wikiembed}"
    yield "Ask the sample something else", f'{there} search "how do bees make honey"'
    yield "See its coverage, queue, failures and workers", f"{there} status"
    yield "Remove the sample", f"{wikiembed} demo --clean"
    yield "Make a database for data of your own", f"{wikiembed} migrate"
    yield "Load a wiki into it", f"{wikiembed} load enwiki.xml.bz2"
    yield "Keep it embedded, until you stop it", f"{wikiembed} worker"
    yield (
        "Split a table of your own texts, and keep it embedded",
        f"{wikiembed} attach public.articles --documents --key id --text body --title title",
    )
    yield (
        "Keep a table of your own chunks embedded",
        f"{wikiembed} attach public.docs --key id --text body --embedding vec --name docs",
    )


def invoked_as() -> str:
    """How this command was called: ``wikiembed`` if the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if shutil.which("wikiembed") or not called.name:
        return "wikiembed"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def step(sentence: str) -> None:
    """Print the heading of the next step."""
    console().print(f"\n[bold]▸ {sentence}[/]" if console().is_terminal else f"\n> {sentence}")


async def embed(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Run a worker until all is embedded, insert a page, and see it embedded as well."""
    from wikiembed.app import app
    from wikiembed.worker.supervisor import Supervisor

    step("Starting a worker")
    supervisor = Supervisor(app, settings, drain=False, concurrency=settings.concurrency)
    running = asyncio.create_task(supervisor.run())

    def check() -> None:
        if supervisor.stopped_by is not None:  # at once: jobs in progress return to the queue
            supervisor.abort()
            raise typer.Exit(128 + supervisor.stopped_by)
        if running.done():
            running.result()

    try:
        with Reporter("embed", cadence=Cadence(every_s=2.0)) as reporter:
            await until(lambda: covered(connection, reporter), check=check)
        print_coverage(connection)
        step("Inserting one new page, with the worker running and no other command")
        connection.execute("delete from public.wiki_pages where title = %s", (NEW_PAGE.title,))
        began = time.monotonic()
        load_articles(connection, [NEW_PAGE])
        await until(lambda: covered(connection, None), check=check)
        say(f"  Embedded {1000 * (time.monotonic() - began):.0f} ms later.")
        print_coverage(connection)
    finally:
        supervisor.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def covered(connection: psycopg.Connection[Any], reporter: Reporter | None) -> bool:
    """Whether every page of the wiki is split, and every chunk that did not fail is embedded.

    Raises: SourcePaused, since then no more chunks are embedded.
    """
    waiting = waiting_pages(connection)  # before the chunks, which a split adds to
    rows = actions.coverage(connection, SOURCE)
    for row in rows:
        if row.paused:
            why = (row.pause_reason or "no reason given").rstrip(".")
            raise SourcePaused(
                f"Source {SOURCE!r} is paused ({why}):"
                f" fix that, run `{command_line('resume', SOURCE)}`, and try again."
            )
    if reporter is not None:
        report(reporter, rows)
    return not waiting and all(row.missing == row.failed for row in rows)


async def until(done: Callable[[], bool], *, check: Callable[[], None]) -> None:
    """Wait for `done`; `check` raises if that cannot happen any more.

    Raises: ConditionNotMet when it takes too long, and what `check` raises.
    """
    end = time.monotonic() + PATIENCE_S
    while not done():
        check()
        if time.monotonic() > end:
            raise ConditionNotMet(
                f"The worker did not finish within {PATIENCE_S:.0f} s: `wikiembed doctor`."
            )
        await asyncio.sleep(0.02)


def print_coverage(connection: psycopg.Connection[Any]) -> None:
    """Print the coverage of the wiki."""
    rows = [
        row.as_json() | {"coverage": percent(row.coverage_pct)}
        for row in actions.coverage(connection, SOURCE)
    ]
    print_table(rows, ["source", "total", "embedded", "missing", "failed", "skipped", "coverage"])
