"""``fleet``: workers as actors of a Ray cluster, until a signal."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from wikiembed.cli.console import say
from wikiembed.cli.coverage_report import report
from wikiembed.cli.each import require_any
from wikiembed.cli.options import Concurrency
from wikiembed.cli.progress import Reporter
from wikiembed.cli.work import say_done
from wikiembed.config import load_settings
from wikiembed.errors import WrongUsage
from wikiembed.store.coverage import Coverage
from wikiembed.telemetry import configure_logging


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("fleet")(run_fleet)


def run_fleet(
    *,
    address: Annotated[
        str,
        typer.Option(
            help="The Ray cluster: HOST:PORT of its head, `auto` for the one of this machine,"
            " `local` to start one here."
        ),
    ] = "auto",
    least: Annotated[
        int, typer.Option("--min", min=0, max=10_000, help="Actors to keep when nothing waits.")
    ] = 0,
    most: Annotated[int, typer.Option("--max", min=1, max=10_000, help="Actors at most.")] = 4,
    cpus_per_worker: Annotated[
        float, typer.Option(min=0, max=1024, help="CPUs that Ray reserves for each actor.")
    ] = 1.0,
    gpus_per_worker: Annotated[
        float,
        typer.Option(
            min=0, max=1024, help="GPUs that Ray reserves for each actor; 0.5: half of one."
        ),
    ] = 0.0,
    cooldown: Annotated[
        float,
        typer.Option(
            min=0, max=86_400, help="Seconds after which an actor that is not needed ends."
        ),
    ] = 60.0,
    concurrency: Concurrency = None,
    drain: Annotated[
        bool, typer.Option("--drain", help="Exit when no job is waiting or running.")
    ] = False,
) -> None:
    """Run workers as actors on a Ray cluster, as many as the queue needs; extra `ray`.

    An actor that dies is replaced; one that is not needed ends with its batches done. While all
    sources are paused there is none. SIGTERM or Ctrl-C ends all of them, with their batches done,
    and a second one requeues their jobs.

    Actors get the settings of this command; a node's own environment adds what it leaves unset,
    such as WIKIEMBED_EMBEDDER_URL of a server on each node, or a key.

    Of several databases in WIKIEMBED_DATABASE_URL it works on all: --min and --max are of all
    together, and one that is away or paused needs no actor and does not stop the others.

    Ray holds no state: when the cluster is lost, the command waits for it and starts new actors.
    With --drain it exits 1 when what is left is paused, and 3 when the cluster, Postgres or the
    embedding server is out of reach for longer than WIKIEMBED_OUTAGE_LIMIT_S.
    """
    from wikiembed.worker.fleet.cluster import Resources, check_address, require_ray

    settings = load_settings()
    configure_logging(style=settings.log_format, level=settings.log_level)
    if least > most:
        raise WrongUsage(f"--min {least} is more than --max {most}.")
    if not cpus_per_worker and not gpus_per_worker:
        raise WrongUsage(
            "With neither --cpus-per-worker nor --gpus-per-worker Ray would start all actors on one"
            " node: reserve some."
        )
    check_address(address)
    require_ray()
    # An outage of all databases at the start exits at once; a later one is waited for.
    require_any(settings)
    from wikiembed.worker.fleet.keeper import FleetOptions, Keeper
    from wikiembed.worker.fleet.policy import Limits

    def look(rows: list[Coverage], outage_s: float) -> None:
        assert reporter is not None  # noqa: S101 - only a drain calls this
        report(reporter, rows, stats=keeper.stats, outage_s=outage_s)

    if not drain and sys.stdout.isatty():
        say("Embedding what is queued, until Ctrl-C. Progress: `wikiembed status --watch`.")
    with Reporter("embed") if drain else contextlib.nullcontext() as reporter:
        keeper = Keeper(
            settings,
            FleetOptions(
                address=address,
                resources=Resources(cpus=cpus_per_worker, gpus=gpus_per_worker),
                limits=Limits(least=least, most=most, cooldown_s=cooldown),
                concurrency=concurrency or settings.concurrency,
                drain=drain,
            ),
            on_progress=look if drain else None,
        )
        keeper.run()
        if reporter is not None and keeper.stopped_by is not None:
            reporter.discard()
    if drain and sys.stdout.isatty():
        say_done(keeper.stats)
