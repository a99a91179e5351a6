"""The entry: commands, exit codes, and errors as one sentence."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import psycopg
import typer

from wikiembed import __version__
from wikiembed.cli import commands
from wikiembed.cli.console import line_ends_stripped, print_error
from wikiembed.cli.help import build_command
from wikiembed.db.connect import as_ours
from wikiembed.encodings import shown, unreadable
from wikiembed.errors import WikiembedError, WrongUsage
from wikiembed.names import nearest
from wikiembed.telemetry import configure_logging

EPILOG = (
    "Exit codes: 0 done · 1 condition not met (not ready, unhealthy, paused) · 2 wrong usage or"
    " configuration · 3 database or embedder out of reach.\n\n"
    "Settings come from the environment (WIKIEMBED_…) or a .env file; with none, an embedded"
    " Postgres and a local model are used."
)


def _version(requested: bool) -> None:  # noqa: FBT001 - the signature that typer calls
    if requested:
        typer.echo(f"wikiembed {__version__}")
        raise typer.Exit


def root(
    version: bool = typer.Option(  # noqa: FBT001 - an option of the command line
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Keep every chunk of a Postgres wiki embedded."""
    # Long-running commands configure this again from the settings; the others emit no events.
    configure_logging(style="auto", level="error")


def application(command: str | None = None) -> typer.Typer:
    """The command line: with `command` and its siblings alone, or with every command."""
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
    cli.callback()(root)
    commands.register(cli, command)
    return cli


# Some releases of typer vendor click, others import it: this is the base class of its errors.
_CLICK_ERROR: type[Exception] = next(
    one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException"
)


_NO_CHOICE = re.compile(r"'(?P<given>[^']*)' is not one of (?P<known>.+)$")
_QUOTED = re.compile(r"'([^']*)'")


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def usage_sentence(error: Exception) -> str:
    """What is wrong with the command line, in one sentence that names the help."""
    format_message: Callable[[], str] = getattr(error, "format_message", lambda: str(error))
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "wikiembed"
    message = " ".join(format_message().split()).rstrip(".").replace("Value error, ", "")
    if (choice := _NO_CHOICE.search(message)) is not None:
        near = nearest(choice["given"], _QUOTED.findall(choice["known"]))
        message += f". Did you mean '{near}'?" if near else ""
    return f"{message}: see `{path} --help`."


def refuse_unreadable(arguments: Sequence[str]) -> None:
    """Check that the locale's encoding can decode all arguments.

    Raises: WrongUsage.
    """
    for number, argument in enumerate(arguments, start=1):
        problem = unreadable(f"Argument {number} ({shown(argument)})", argument)
        if problem is not None:
            raise WrongUsage(problem)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, by default that of sys.argv, and exit with SystemExit.

    Every error of wikiembed is one sentence on stderr, never a traceback.
    """
    # An exit, unlike a bare SIGTERM, stops the embedded Postgres with its last user.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
        if given[0] != "load":  # which takes file names
            refuse_unreadable(given)
        command = build_command(application(given[0]))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if sys.stdout.isatty() or not {"-h", "--help"} & set(given):
            sys.exit(command(given, prog_name="wikiembed", standalone_mode=False))
        with line_ends_stripped():  # typer pads its boxes and paragraphs with blanks
            sys.exit(command(given, prog_name="wikiembed", standalone_mode=False))
    except _CLICK_ERROR as error:
        print_error(usage_sentence(error))
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):  # as click names it
        sys.exit(130)
    except WikiembedError as error:
        print_error(str(error))
        sys.exit(error.exit_code)
    except psycopg.Error as error:
        ours = as_ours(error)
        print_error(str(ours))
        sys.exit(ours.exit_code)
