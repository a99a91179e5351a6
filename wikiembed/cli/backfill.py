"""``backfill``: queue what is missing, embed until the queue is empty, report."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Annotated

import typer

from wikiembed.cli.console import (
    count,
    database,
    print_json,
    remark,
    say,
)
from wikiembed.cli.coverage_report import report
from wikiembed.cli.dry_run import print_estimate
from wikiembed.cli.failed import FailedChunks
from wikiembed.cli.options import BatchSize, Concurrency, Source
from wikiembed.cli.progress import Cadence, Reporter
from wikiembed.cli.queued import MOST_NAMED, say_queued
from wikiembed.command_line import command_line
from wikiembed.config import Settings, load_settings
from wikiembed.control import actions
from wikiembed.control.shortfall import Shortfall, sentence, shortfall
from wikiembed.db.endpoint import endpoint
from wikiembed.errors import ConditionNotMet
from wikiembed.metrics.opening import observing
from wikiembed.pipeline.stats import FailedChunk, Stats
from wikiembed.store.coverage import Coverage
from wikiembed.telemetry import configure_logging

REPORT_EVERY_BATCHES = 50


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("backfill")(run_backfill)


def run_backfill(
    source: Source = None,
    *,
    max_chunks: Annotated[
        int | None,
        typer.Option(
            min=0, help="Queue at most this many chunks, and stop once as many are embedded."
        ),
    ] = None,
    batch_size: BatchSize = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate jobs, chunks and time, write nothing.")
    ] = False,
    concurrency: Concurrency = None,
    report_every: Annotated[
        int, typer.Option(min=1, help="Batches between JSON progress lines.")
    ] = REPORT_EVERY_BATCHES,
    allow_failures: Annotated[
        bool, typer.Option("--allow-failures", help="Exit with 0 even if chunks failed.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="JSON lines on a terminal too, and for the estimate.")
    ] = False,
) -> None:
    """Queue what is missing, embed until the queue is empty, and report.

    It may be stopped and run again at any time, and run twice at once. After Ctrl-C or SIGTERM
    batches in flight finish, after a second one their jobs return to the queue: exit code 130 or
    143. A pause ends it with 1, with a message that names who paused and why.

    It exits with 1 when chunks are missing at its end, including those that failed before, and
    counts them by error class. Skipped chunks are not missing, nor are those beyond --max-chunks,
    nor those written after the queue was empty. With --allow-failures, failures alone exit with 0.

    Standard output is JSON lines unless it is a terminal: progress after each `--report-every`
    batches of this process, and at least every 30 s, and a line for each chunk that failed.

    Documents that wait are split first: progress counts both, and while some wait, the number of
    chunks still grows (`+`).

    --dry-run reads some of the missing texts, and splits some of the documents that wait. If view
    `throughput` has no rate for the last day, the embedding server embeds up to 1,024 texts, for
    some seconds.
    """
    settings = load_settings()
    configure_logging(style=settings.log_format, level=settings.log_level)
    if dry_run:
        print_estimate(
            settings,
            source,
            max_chunks=max_chunks,
            batch_size=batch_size,
            concurrency=concurrency,
            json=json,
        )
        return
    json = json or not sys.stdout.isatty()
    with database(settings) as (connection, _):
        where = endpoint(settings, connection)
        if not json:
            say(where.line)
        queued = actions.enqueue_all(
            connection,
            source,
            max_chunks=max_chunks,
            batch_size=batch_size or settings.batch_size,
            dry_run=False,
        )
        rows = {} if json else {row.source: row for row in actions.coverage(connection, source)}
    if json:
        for done in queued:
            print_json({"event": "queued", **done.as_json(), "database": where.as_json()})
    else:
        say_queued(
            [(done, rows[done.source]) for done in queued if done.source in rows],
            bounded=max_chunks is not None,
        )
    stats = Stats()
    stopped_by = _embed(
        settings,
        source,
        stats=stats,
        concurrency=concurrency,
        batch_size=batch_size,
        max_chunks=max_chunks,
        report_every=report_every,
        json=json,
    )
    if stopped_by is not None:
        _say_stopped(settings, source, stopped_by, json=json)
        raise typer.Exit(128 + stopped_by)
    reached = max_chunks is not None and stats.chunks >= max_chunks
    _finish(
        settings,
        source,
        bounded=max_chunks is not None,
        json=json,
        lenient=allow_failures or reached,
    )


def _finish(
    settings: Settings, source: str | None, *, bounded: bool, json: bool, lenient: bool
) -> None:
    """Report each source, and its missing chunks.

    `lenient`: do not exit with 1 for failed chunks.
    Raises: ConditionNotMet when chunks are missing.
    """
    short: list[Shortfall] = []
    with database(settings) as (connection, _):
        rows = actions.coverage(connection, source)
        for row in rows:
            found = shortfall(connection, row, bounded=bounded)
            short.append(found)
            if json:
                print_json(
                    {"event": "backfilled", **row.as_json(), "failed_by_class": found.failed}
                )
            elif row.missing or len(rows) <= MOST_NAMED:
                say(_summary(row, found))
        if not json and len(rows) > MOST_NAMED and (complete := sum(not r.missing for r in rows)):
            noun = "source" if complete == len(rows) else "other source"
            say(f"Nothing is missing in {count(complete, noun)}.")
    if any(one.unqueued or (one.failures and not lenient) for one in short):
        raise ConditionNotMet(sentence(short))


def _embed(
    settings: Settings,
    source: str | None,
    *,
    stats: Stats,
    concurrency: int | None,
    batch_size: int | None,
    max_chunks: int | None,
    report_every: int,
    json: bool,
) -> signal.Signals | None:
    """Run a supervised worker until the queue is empty; return the signal that ended it sooner."""
    from wikiembed.app import app
    from wikiembed.worker.supervisor import Supervisor

    def look(rows: list[Coverage], outage_s: float) -> None:
        report(reporter, rows, stats=stats, outage_s=outage_s, most=max_chunks)
        if max_chunks is not None and stats.chunks >= max_chunks:
            supervisor.stop()

    cadence = Cadence(batches=report_every)
    with (
        observing(settings) as observer,
        Reporter("embed", cadence=cadence, json=json, to_the_end=True) as reporter,
    ):
        supervisor = Supervisor(
            app,
            settings,
            drain=True,
            concurrency=concurrency or settings.concurrency,
            source=source,
            batch_size=batch_size or settings.batch_size,
            on_progress=look,
            stats=stats,
            observer=observer,
        )
        stats.on_failure = _print_failure if json else FailedChunks(reporter)
        asyncio.run(supervisor.run())
        if supervisor.stopped_by is not None:
            reporter.discard()
    return supervisor.stopped_by


def _print_failure(failed: FailedChunk) -> None:
    """Print a JSON line for one chunk or document: its key, never its text."""
    if failed.document:
        print_json(
            {"event": "document_failed", "source": failed.source, "key": failed.key,
             "error_class": failed.error_class, "job_id": failed.job_id, "message": failed.message}
        )  # fmt: skip
        return
    print_json(
        {"event": "chunk_failed", "source": failed.source, "key": failed.key,
         "error_class": failed.error_class, "http_status": failed.http_status,
         "attempts": failed.attempts, "job_id": failed.job_id, "message": failed.message}
    )  # fmt: skip


def _summary(row: Coverage, short: Shortfall) -> str:
    phrase = f" ({short.phrase})" if short.chunks else ""
    skipped = f", {row.skipped:,} skipped" if row.skipped else ""
    return (
        f"{row.source}: {row.embedded:,} of {count(row.total, 'chunk')} embedded{skipped},"
        f" {row.missing:,} missing{phrase}."
    )


def _say_stopped(
    settings: Settings, source: str | None, stopped_by: signal.Signals, *, json: bool
) -> None:
    with database(settings) as (connection, _):
        rows = actions.coverage(connection, source)
    left = sum(row.missing - row.failed for row in rows)
    if json:
        print_json({"event": "stopped", "signal": stopped_by.name, "chunks_left": left})
    embedded = sum(row.embedded for row in rows)
    all_of_them = sum(row.embedded + row.missing for row in rows)
    again = command_line("backfill", *([source] if source else []))
    remark(f"Stopped; {embedded:,} of {all_of_them:,} embedded. Continue: `{again}`.")
