"""``enqueue`` and ``worker``: queue what is missing, and embed what is queued."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from wikiembed.cli.console import count, database, print_json, say
from wikiembed.cli.coverage_report import report
from wikiembed.cli.each import require_any
from wikiembed.cli.options import BatchSize, Concurrency, DryRun, MaxChunks, Source
from wikiembed.cli.progress import Reporter
from wikiembed.cli.queued import queued_sentence
from wikiembed.cli.unsplit import expected, expected_phrase
from wikiembed.config import Settings, load_settings
from wikiembed.control import actions
from wikiembed.db.several import Database
from wikiembed.metrics.opening import observing
from wikiembed.pipeline.stats import Stats
from wikiembed.store.coverage import Coverage
from wikiembed.telemetry import configure_logging
from wikiembed.words import by_class, roughly


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("enqueue")(run_enqueue)
    cli.command("worker")(run_worker)


def run_enqueue(
    source: Source = None,
    *,
    max_chunks: MaxChunks = None,
    batch_size: BatchSize = None,
    dry_run: DryRun = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Queue every missing chunk and document that is in no job and no failure; idempotent.

    With --dry-run some of the documents that wait are split, to estimate their chunks and tokens;
    hours: `backfill --dry-run`.
    """
    with database() as (connection, settings):
        for done in actions.enqueue_all(
            connection,
            source,
            max_chunks=max_chunks,
            batch_size=batch_size or settings.batch_size,
            dry_run=dry_run,
        ):
            estimated = None
            if dry_run and done.documents is not None:
                estimated = expected(connection, done.source)
            if json:
                print_json(done.as_json() | ({} if estimated is None else estimated.as_json()))
                continue
            say(queued_sentence(done, dry_run=dry_run))
            if estimated is not None:
                tokens = estimated.tokens
                about = "" if tokens is None else f", about {roughly(tokens)} tokens"
                say(f"{done.source}: {expected_phrase(estimated)}{about}.")


def run_worker(
    *,
    drain: Annotated[
        bool, typer.Option("--drain", help="Exit when no job is waiting or running.")
    ] = False,
    concurrency: Concurrency = None,
) -> None:
    """Embed what is queued, until stopped (SIGTERM or Ctrl-C: batches in flight finish).

    It waits through outages of Postgres and of the embedding server. Of several databases in
    WIKIEMBED_DATABASE_URL it works on all at once, and --concurrency is of all together; one that
    is away does not stop the others.

    With --drain it exits 1 when
    what is left is paused, and 3 when an outage lasts longer than WIKIEMBED_OUTAGE_LIMIT_S.
    A drain reports on the queue, not on the table: it exits 0 even if chunks failed, and prints
    their number; to check the table run `ready`, or `backfill`, which exits 1 if chunks failed.
    """
    settings = load_settings()
    configure_logging(style=settings.log_format, level=settings.log_level)
    # An outage of all databases at the start exits at once; a later one is waited for.
    work(require_any(settings), settings, drain=drain, concurrency=concurrency)


def work(
    databases: Sequence[Database], settings: Settings, *, drain: bool, concurrency: int | None
) -> None:
    """Run a supervised worker per database; with `drain`, show progress.

    Without `drain` there is no end to show progress towards: a sentence names `status --watch`.
    """
    from wikiembed.worker.several import Workers

    stats = Stats()

    def look(rows: list[Coverage], outage_s: float) -> None:
        assert reporter is not None  # noqa: S101 - only a drain calls this
        report(reporter, rows, stats=stats, outage_s=outage_s)

    if not drain and sys.stdout.isatty():
        say("Embedding what is queued, until Ctrl-C. Progress: `wikiembed status --watch`.")
    with (
        observing(settings) as observer,
        Reporter("embed") if drain else contextlib.nullcontext() as reporter,
    ):
        workers = Workers(
            databases,
            settings,
            drain=drain,
            concurrency=concurrency or settings.concurrency,
            on_progress=look if drain else None,
            stats=stats,
            observer=observer,
        )
        asyncio.run(workers.run())
        if reporter is not None and workers.stopped_by is not None:
            reporter.discard()
    if drain and sys.stdout.isatty():
        say_done(stats)


def say_done(stats: Stats) -> None:
    """Print what a drain has split, and what failed."""
    if stats.documents:
        documents = count(stats.documents, "document")
        say(f"{documents} split, {count(stats.chunks, 'chunk')} embedded.")
    for failed, noun in ((stats.failed, "chunk"), (stats.documents_failed, "document")):
        if failed:
            number = count(failed.total(), noun)
            say(f"{number} failed ({by_class(failed)}): see `wikiembed failures`.")
