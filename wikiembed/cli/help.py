"""Layout of ``--help``: commands by purpose, options in groups, examples.

The texts themselves are with the commands. docs/reference/commands.md has the same layout.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import typer
from rich.markup import escape
from typer.main import get_command

Examples = tuple[str, ...]

LAYOUT: Mapping[str, Mapping[str, Examples]] = {
    "Set up": {
        "demo": ("wikiembed demo",),
        "migrate": ("wikiembed migrate", "wikiembed migrate --sql > schema.sql"),
        "uninstall": ("wikiembed uninstall", "wikiembed uninstall --and-wiki --yes"),
        "attach": (
            "wikiembed attach public.docs --key id --text body --embedding vec --name docs",
            "wikiembed attach public.notes --provider ollama --model bge-m3",
            "wikiembed attach public.articles --key tenant,id --text title --text body",
            "wikiembed attach public.pages --documents --text body --title title",
        ),
        "resplit": (
            "wikiembed resplit pages --max-chars 800 --dry-run",
            "wikiembed resplit pages --max-chars 800",
        ),
        "sources": ("wikiembed sources", "wikiembed sources --json"),
        "detach": ("wikiembed detach docs",),
    },
    "Embed": {
        "load": (
            "wikiembed load dump.xml.bz2",
            "zstdcat dump.xml.zst | wikiembed load -",
            "wikiembed load pages.jsonl --json",
            "wikiembed load old.jsonl new.jsonl --atomic",
        ),
        "backfill": (
            "wikiembed backfill",
            "wikiembed backfill docs --max-chunks 10000",
            "wikiembed backfill --dry-run",
        ),
        "enqueue": ("wikiembed enqueue docs", "wikiembed enqueue --dry-run"),
        "worker": ("wikiembed worker", "wikiembed worker --drain --concurrency 8"),
    },
    "Look": {
        "status": (
            "wikiembed status",
            "wikiembed status --watch --every 5",
            "wikiembed status --json",
        ),
        "ready": ("wikiembed ready docs", "wikiembed ready --smoke"),
        "failures": ("wikiembed failures docs", "wikiembed failures --class text_too_long --json"),
        "doctor": ("wikiembed doctor", "wikiembed doctor --full --json"),
    },
    "Control": {
        "pause": (
            "wikiembed pause docs --why 'the server moves' --until 2h",
            "wikiembed pause --until 2031-05-01T08:00",
        ),
        "resume": ("wikiembed resume docs", "wikiembed resume"),
        "retry": ("wikiembed retry docs", "wikiembed retry docs --class text_too_long"),
        "skip": ("wikiembed skip docs 17 42 --why 'no text'",),
        "reconcile": ("wikiembed reconcile", "wikiembed reconcile docs --json"),
    },
    "Search": {
        "search": (
            "wikiembed search 'how do bees make honey'",
            "wikiembed search 'opening hours' --source docs --limit 3 --json",
        ),
        "index": ("wikiembed index --source docs", "wikiembed index --source docs --drop"),
    },
}
"""The commands of each panel, in order, with examples that can be typed unchanged."""

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
    known = {name: panel for panel, commands in LAYOUT.items() for name in commands}
    _lay_out_help(group)
    for parameter in group.params:
        _lay_out("", parameter)
    for name, command in group.commands.items():
        _lay_out_help(command)
        command.help = _joined(command.help or "")
        if name in known:
            panel = known[name]
            command.rich_help_panel = panel
            command.epilog = _epilog(LAYOUT[panel][name])
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


def _epilog(examples: Examples) -> str:
    title = "Example:" if len(examples) == 1 else "Examples:"
    return "\n".join([f"[bold]{title}[/]", *(f"  {escape(example)}" for example in examples)])
