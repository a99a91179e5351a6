"""A command imports its own module alone, and no library that it does not use."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer

from wikiembed.cli.commands import COMMANDS_OF, modules_for

HEAVY = ("numpy", "httpx", "aiohttp", "psycopg_pool", "procrastinate", "markdown_it", "wordllama")


@pytest.mark.parametrize("module", COMMANDS_OF)
def test_commands_of_a_module_are_those_that_it_registers(module: str) -> None:
    """A command that the table lacks would be found in the help alone."""
    cli = typer.Typer()
    import_module(f"wikiembed.cli.{module}").register(cli)
    assert tuple(command.name for command in cli.registered_commands) == COMMANDS_OF[module]


def test_commands_that_are_unknown_need_every_module() -> None:
    """For the help, and for the nearest name of a misspelt command."""
    assert list(modules_for("stats")) == list(modules_for(None)) == list(COMMANDS_OF)


@pytest.mark.parametrize("command", ["status", "pause", "ready", "migrate", "load", "attach"])
def test_commands_that_embed_nothing_import_no_library_for_it(command: str) -> None:
    """Those imports cost more time than the command itself."""
    code = (
        "import sys; from wikiembed.cli.main import application; application(sys.argv[1]);"
        f"print([one for one in {HEAVY} if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
