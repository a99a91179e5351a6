"""Layout of ``--help``: commands by purpose, options in groups, examples.

The texts themselves are with the commands, the rest in `wikiembed.cli.commands`;
docs/reference/commands.md has the same layout.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import typer
from rich.markup import escape
from typer.main import get_command

from wikiembed.cli.commands import PANELS

OPTION_PANELS: Mapping[str, str] = {
    **dict.fromkeys(("--key", "--class", "--max-chunks", "--limit", "--source"), "Which chunks"),
    **dict.fromkeys(("--text", "--embedding", "--name"), "Columns and name"),
    **dict.fromkeys(
        (
            *("--documents", "--title", "--chunks", "--splitter", "--max-chars"),
            *("--overlap-chars", "--max-tokens", "--context", "--halfvec"),
        ),
        "Documents",
    ),
    **dict.fromkeys(
        ("--provider", "--model", "--dimensions", "--document-prefix", "--query-prefix"), "Model"
    ),
    **dict.fromkeys(
        ("--concurrency", "--batch-size", "--m", "--ef-construction", "--memory"), "Speed"
    ),
    **dict.fromkeys(("--json", "--watch", "--every", "--report-every"), "Output"),
}
"""The panel of an option, on any command; others are in Options."""
_WORDS = {"int": "N", "float": "N", "str": "TEXT", "Path": "FILE", "list[str]": "TEXT"}
_OF_COMMAND = {("attach", "--key"): "Columns and name", ("index", "--source"): "Options"}


def build_command(cli: typer.Typer) -> Any:
    """The command line of `cli`, laid out."""
    group: Any = get_command(cli)
    known = {
        name: (panel, entry.examples)
        for panel, names in PANELS.items()
        for name, entry in names.items()
    }
    _lay_out_help(group)
    for parameter in group.params:
        _lay_out("", parameter)
    for name, command in group.commands.items():
        _lay_out_help(command)
        command.help = _joined(command.help or "")
        if name in known:
            command.rich_help_panel, examples = known[name]
            command.epilog = _epilog(examples)
        for parameter in command.params:
            _lay_out(name, parameter)
    order = [*known, *(name for name in group.commands if name not in known)]
    group.commands = {name: group.commands[name] for name in order if name in group.commands}
    return group


def _lay_out_help(command: Any) -> None:
    """Hide the type of --help, an option that each command creates itself."""
    context = typer.Context(command, help_option_names=["-h", "--help"])
    command.get_help_option(context).metavar = ""


def _lay_out(command: str, parameter: Any) -> None:
    if isinstance(parameter, typer.core.TyperOption):
        for option in parameter.opts:
            panel = _OF_COMMAND.get((command, option), OPTION_PANELS.get(option))
            parameter.rich_help_panel = panel or parameter.rich_help_panel
        word = "" if parameter.is_flag else _WORDS.get(parameter.bare_type())
        parameter.metavar = word if parameter.metavar is None else parameter.metavar


def _joined(text: str) -> str:
    """Paragraphs of one line each: the terminal wraps them."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))


def _epilog(examples: tuple[str, ...]) -> str:
    title = "Example:" if len(examples) == 1 else "Examples:"
    return "\n".join([f"[bold]{title}[/]", *(f"  {escape(example)}" for example in examples)])
