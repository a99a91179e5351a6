"""A command imports its own module alone, and no library that it does not use."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer

from wikiembed.cli.commands import ENTRIES, modules_for

HEAVY = (
    *("numpy", "pgvector", "psycopg_pool", "procrastinate", "httpx", "aiohttp", "requests"),
    *("markdown_it", "wcwidth", "tokenizers", "safetensors", "wordllama"),
)


@pytest.mark.parametrize("module", modules_for(None))
def test_commands_of_a_module_are_those_that_it_registers(module: str) -> None:
    """A command that the table lacks would be found in the help alone."""
    cli = typer.Typer()
    import_module(f"wikiembed.cli.{module}").register(cli)
    registered = {command.name for command in cli.registered_commands}
    assert registered == {name for name, entry in ENTRIES.items() if entry.module == module}


def test_commands_that_are_unknown_need_every_module() -> None:
    """For the help, and for the nearest name of a misspelt command."""
    every = {entry.module for entry in ENTRIES.values()}
    assert list(modules_for("stats")) == list(modules_for(None))
    assert set(modules_for(None)) == every


@pytest.mark.parametrize(
    "command",
    ["status", "pause", "ready", "migrate", "load", "attach", "doctor", "search", "--help"],
)
def test_command_lines_are_built_without_libraries_for_embedding(command: str) -> None:
    """Those imports cost more time than most commands, and search does them beside Postgres."""
    code = (
        "import sys; from wikiembed.cli.main import application; application(sys.argv[1]);"
        f"print([one for one in {HEAVY} if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
