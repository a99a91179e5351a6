"""Which module of this package has which commands, so that a command imports only its own.

All modules together import every library of the product, which costs most commands more than
their work does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module

import typer

COMMANDS_OF: Mapping[str, tuple[str, ...]] = {
    "demo": ("demo",),
    "schema": ("migrate", "uninstall"),
    "sources": ("attach", "detach", "sources"),
    "resplit": ("resplit",),
    "load": ("load",),
    "work": ("enqueue", "worker"),
    "backfill": ("backfill",),
    "look": ("status", "failures", "doctor"),
    "control": ("pause", "resume", "retry", "skip", "reconcile"),
    "ready": ("ready",),
    "search": ("search",),
    "index": ("index",),
}
"""The commands of each module of `wikiembed.cli`."""


def modules_for(command: str | None) -> Iterable[str]:
    """The module of `command`; every module for None and for an unknown command."""
    return [module for module, names in COMMANDS_OF.items() if command in names] or COMMANDS_OF


def register(cli: typer.Typer, command: str | None = None) -> None:
    """Add `command`, with the others of its module, or all commands to `cli`."""
    for module in modules_for(command):
        import_module(f"wikiembed.cli.{module}").register(cli)
