"""The entry: commands, exit codes, and errors as one sentence."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import psycopg
import typer

from wikiembed import __version__
from wikiembed.cli import control, demo, load, look, schema, search, sources, work
from wikiembed.cli.console import complain
from wikiembed.db.connect import translate
from wikiembed.errors import WikiembedError

EPILOG = (
    "Exit codes: 0 done · 1 the answer is no (not ready, unhealthy, paused) · 2 wrong usage or"
    " configuration · 3 database or embedder out of reach.\n\n"
    "Settings come from the environment (WIKIEMBED_…) or a .env file; with none, an embedded"
    " Postgres and a local model are used."
)
cli = typer.Typer(
    name="wikiembed",
    help="Keep every chunk of a Postgres wiki embedded.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - the shape that typer calls
    if asked:
        typer.echo(f"wikiembed {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    version: bool = typer.Option(  # noqa: FBT001 - an option of the command line
        False, "--version", callback=_version, is_eager=True, help="Say the version and end."
    ),
) -> None:
    """Keep every chunk of a Postgres wiki embedded."""


for module in (demo, schema, sources, load, work, look, control, search):
    module.register(cli)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Run a command; every error of ours is one sentence on stderr, never a traceback."""
    # An exit, unlike a bare SIGTERM, lets the embedded Postgres end with its last user.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        cli()
    except WikiembedError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except psycopg.Error as error:
        ours = translate(error)
        complain(str(ours) if ours else f"Postgres: {str(error).strip().splitlines()[0]}.")
        sys.exit(ours.exit_code if ours else 3)
    except KeyboardInterrupt:
        complain("Interrupted.")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
