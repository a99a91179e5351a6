"""``enqueue`` and ``worker``."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from wikiembed.cli.console import count, database, print_json, say
from wikiembed.cli.progress import Reporter
from wikiembed.config import Settings, load_settings
from wikiembed.control import actions
from wikiembed.control.standing import of_all, time_left
from wikiembed.pipeline import Stats
from wikiembed.store import Coverage
from wikiembed.telemetry import configure_logging
from wikiembed.words import by_class, roughly

Source = Annotated[str | None, typer.Argument(help="The source; all of them, if not given.")]
MaxChunks = Annotated[int | None, typer.Option(min=0, help="Queue at most so many chunks.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, max=4096, help="Chunks a job; the source's own, if not given.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many, write nothing.")]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Batches in flight; WIKIEMBED_CONCURRENCY, if not given."),
]

LEAST_BATCHES = 4
"""Fewer tell no rate: the first ones load the model and find out what the server takes."""


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
    """Queue every missing chunk that waits in no job and in no failure; repeating adds nothing."""
    with database() as (connection, settings):
        for done in enqueue_all(
            connection,
            settings,
            source,
            max_chunks=max_chunks,
            batch_size=batch_size,
            dry_run=dry_run,
        ):
            if json:
                print_json({"source": done.source, "jobs": done.jobs, "chunks": done.chunks})
            else:
                word = "would be queued" if dry_run else "queued"
                say(
                    f"{done.source}: {count(done.chunks, 'chunk')} {word}"
                    f" in {count(done.jobs, 'job')}."
                )


def enqueue_all(
    connection: actions.Connection,
    settings: Settings,
    source: str | None,
    *,
    max_chunks: int | None,
    batch_size: int | None,
    dry_run: bool,
) -> list[actions.Enqueued]:
    """Queue the missing chunks of one source or all; `max_chunks` holds for them together."""
    done: list[actions.Enqueued] = []
    for name in actions.names(connection, source):
        left = None if max_chunks is None else max_chunks - sum(d.chunks for d in done)
        done.append(
            actions.enqueue(
                connection,
                name,
                max_chunks=left,
                batch_size=batch_size or settings.batch_size,
                dry_run=dry_run,
            )
        )
    return done


def run_worker(
    *,
    drain: Annotated[bool, typer.Option("--drain", help="End when no job waits or runs.")] = False,
    concurrency: Concurrency = None,
) -> None:
    """Embed what is queued, until stopped (SIGTERM or Ctrl-C: batches in hand finish).

    It carries on through losses of Postgres and of the embedding server. With --drain it exits
    1 when somebody paused what is left, and 3 when an outage outlasts WIKIEMBED_OUTAGE_LIMIT_S.
    A drain answers for the queue, not for the table: it exits 0 though chunks failed, and counts
    them; ask `ready`, or run `backfill`, which exits 1 then.
    """
    settings = load_settings()
    configure_logging(style=settings.log_format, level=settings.log_level)
    with database(settings):  # out of reach at the start ends at once; later it is waited for
        pass
    work(settings, drain=drain, concurrency=concurrency)


def work(settings: Settings, *, drain: bool, concurrency: int | None) -> None:
    """Run a supervised worker, with progress while it drains."""
    from wikiembed.app import app
    from wikiembed.worker.supervisor import Supervisor

    stats = Stats()

    def look(rows: list[Coverage], outage_s: float) -> None:
        report(reporter, rows, stats=stats, outage_s=outage_s)

    with Reporter("embed") as reporter:
        supervisor = Supervisor(
            app,
            settings,
            drain=drain,
            concurrency=concurrency or settings.concurrency,
            on_look=look if drain else None,
            stats=stats,
        )
        asyncio.run(supervisor.run())
        if supervisor.stopped_by is not None:
            reporter.discard()
    if drain and stats.failed and sys.stdout.isatty():
        failed = count(stats.failed.total(), "chunk")
        say(f"{failed} failed ({by_class(stats.failed)}): see `wikiembed failures`.")


def report(
    reporter: Reporter, rows: list[Coverage], *, stats: Stats | None = None, outage_s: float = 0
) -> None:
    """Report the sum of `rows`, and what this process did and met, by its `stats`.

    `outage_s`: for how long a server has been out of reach.
    """
    embedded = sum(r.embedded for r in rows)
    missing = sum(r.missing - r.held_back for r in rows)
    failed = sum(r.failed for r in rows)
    rate = float(sum(r.chunks_per_s for r in rows))
    waits = of_all(rows, [outage_s] if outage_s > 0 else [])
    too_few = stats is not None and stats.batches < LEAST_BATCHES
    left, eta_s = missing - failed, None
    if left <= 0:
        eta_s = 0.0
    elif rate > 0 and waits is None and not too_few:
        eta_s = left / rate
    known = by_class(stats.failed) if stats is not None else ""
    notes = [
        "" if waits else f"{roughly(rate)}/s",
        time_left(left=left, eta_s=eta_s, waits=waits),
        known or (f"{failed:,} failed" if failed else ""),
    ]
    reporter.update(
        embedded,
        embedded + missing,
        note=" · ".join(filter(None, notes)),
        batches=stats.batches if stats is not None else 0,
        missing=missing,
        failed=failed,
        chunks_per_s=rate,
        eta_s=None if eta_s is None else round(eta_s),
        **({"waits_for": waits} if waits else {}),
    )
