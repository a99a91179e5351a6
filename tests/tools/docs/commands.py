"""docs/reference/commands.md, from the typer app."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

# ruff: noqa: E501 - rows of tables
from tests.tools.docs.markdown import code, table
from wikiembed.cli.commands import ENTRIES, PANELS
from wikiembed.cli.main import application

INTRODUCTION = """\
# Commands

`wikiembed COMMAND --help` says the same as this page. Settings come from the environment or from a
`.env` file: see [settings](settings.md).

## Exit codes

| code | meaning |
|---|---|
| 0 | Done. |
| 1 | The answer is no: not ready, a fault, chunks missing after a backfill, a source is paused. |
| 2 | Wrong usage or configuration: an option, a setting, a table that cannot be attached, another schema version. |
| 3 | Postgres or the embedding server is out of reach, a lock timed out, or the output cannot be written (a full disk). |
| 130, 143 | Ended by Ctrl-C, or by SIGTERM if the command does not finish its work first. |
| 141 | The reader of the output closed the pipe (`wikiembed status \\| head -1`); nothing is printed. |

## Times

Text output has local time with its offset, `2031-05-01 08:00:00+09:00`; JSON has UTC,
`2031-04-30T23:00:00.000+00:00` (ISO 8601). `pause --until` takes a span (`90min`, `2h`, `1h30min`, `2d`)
or an ISO 8601 time, which is local unless it has an offset.

## Errors

An error is one sentence on standard error with the remedy. Each exit code's errors and their
SQLSTATEs are in [sqlstates.md](sqlstates.md).
"""
FAILS = "2 and 3 as above"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An argument or an option of a command."""

    names: tuple[str, ...]
    is_argument: bool
    required: bool
    value: str
    default: str
    meaning: str

    @property
    def usage(self) -> str:
        """The argument in the usage line."""
        return self.names[0] if self.required else f"[{self.names[0]}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: its paragraphs of help and its parameters, arguments first."""

    name: str
    help: list[str]
    parameters: list[Parameter]
    examples: tuple[str, ...]


def commands() -> list[Command]:
    """Every command, in the order of the help."""
    found = []
    order = list(ENTRIES)
    for registered in sorted(
        application().registered_commands, key=lambda c: order.index(c.name or "")
    ):
        assert registered.name is not None
        assert registered.callback is not None
        text = inspect.getdoc(registered.callback) or ""
        parameters = _parameters(registered.callback)
        found.append(
            Command(
                name=registered.name,
                help=[" ".join(part.split()) for part in text.split("\n\n")],
                parameters=sorted(parameters, key=lambda p: not p.is_argument),
                examples=ENTRIES[registered.name].examples,
            )
        )
    return found


def _parameters(callback: Callable[..., Any]) -> list[Parameter]:
    hints = get_type_hints(callback, include_extras=True)
    return [
        _parameter(name, hints[name], parameter.default)
        for name, parameter in inspect.signature(callback).parameters.items()
    ]


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    assert get_origin(hint) is Annotated, f"{name} has no help"
    kind, info = get_args(hint)[:2]
    assert isinstance(info, ArgumentInfo | OptionInfo)
    kind = _without_none(kind)
    many = get_origin(kind) is list
    if many:
        (kind,) = get_args(kind)
    flag = kind is bool
    required = default is inspect.Parameter.empty
    is_argument = isinstance(info, ArgumentInfo)
    names: tuple[str, ...]
    if is_argument:
        names = (name.upper() + ("…" if many else ""),)
    else:
        long = f"--{name.replace('_', '-')}"
        # In Annotated, typer treats the first name as the default and moves it later.
        first = (info.default,) if isinstance(info.default, str) else ()
        declared = (*first, *(info.param_decls or ()))
        given = tuple(one for names in declared for one in names.split("/"))
        names = given or ((long, f"--no-{long[2:]}") if flag else (long,))
    shown = "" if required or default is None or flag else code(default)
    value = "" if flag else _value(kind, info) + (", repeatable" if many else "")
    return Parameter(
        names=names,
        is_argument=is_argument,
        required=required,
        value=value,
        default="required" if required else shown,
        meaning=info.help or "",
    )


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    return kind


def _value(kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(code(one.value) for one in kind)
    word = {str: "text", int: "integer", float: "number", Path: "path"}[kind]
    if info.min is not None:
        word += f" from {info.min:g}"
    if info.max is not None:
        word += f" to {info.max:g}"
    return word


def commands_page() -> str:
    """The page."""
    found = commands()
    lines = [INTRODUCTION, "## All commands", ""]
    for panel, names in PANELS.items():
        lines += [f"### {panel}", ""]
        lines += table(
            ["command", "what it does"],
            (
                [f"[{code(c.name)}](#wikiembed-{c.name})", c.help[0]]
                for c in found
                if c.name in names
            ),
        )
    lines += [
        "`wikiembed --version` prints the version. Workers may also be run by procrastinate itself:",
        "`procrastinate --app=wikiembed.app.app worker`.",
        "",
    ]
    for command in found:
        lines += _section(command)
    return "\n".join(lines)


def _section(command: Command) -> list[str]:
    arguments = [p.usage for p in command.parameters if p.is_argument]
    options = ["[OPTIONS]"] if any(not p.is_argument for p in command.parameters) else []
    usage = " ".join(["wikiembed", command.name, *arguments, *options])
    lines = [f"## wikiembed {command.name}", "", code(usage), ""]
    for part in command.help:
        lines += [part, ""]
    if command.parameters:
        lines += table(
            ["argument or option", "value", "default", "meaning"],
            (
                [", ".join(map(code, p.names)), p.value, p.default, p.meaning]
                for p in command.parameters
            ),
        )
    word = "Example" if len(command.examples) == 1 else "Examples"
    lines += [f"{word}: {', '.join(map(code, command.examples))}.", ""]
    return [*lines, f"Exit codes: {ENTRIES[command.name].exits}; {FAILS}.", ""]
