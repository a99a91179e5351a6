"""Commands in messages can be copied to a shell: names are quoted, by one function."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from wikiembed.cli.commands import PANELS
from wikiembed.command_line import command_line

PACKAGE = Path(__file__).resolve().parents[2] / "wikiembed"
OTHER_QUOTES = {
    "cli/demo.py": "the path by which wikiembed was called",
    "cli/recall.py": "options without a command",
    "command_line.py": "the function",
    "db/embedded.py": "a folder, for pg_ctl",
}
"""Modules that quote for a shell, and what."""
COMMANDS = "|".join(name for panel in PANELS.values() for name in panel)
VALUE = "\0"
UNQUOTED = re.compile(rf"\bwikiembed (?:{COMMANDS})\b[^`;:,.\n]*{VALUE}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["enqueue", "docs"], "wikiembed enqueue docs"),
        (["index", "--source", "a_b-2.c"], "wikiembed index --source a_b-2.c"),
        (["enqueue", "A 2!"], "wikiembed enqueue 'A 2!'"),
        (["skip", "it's", "KEY"], "wikiembed skip 'it'\"'\"'s' KEY"),
        (["limit", "http://gpu:80/v1", "--remove"], "wikiembed limit http://gpu:80/v1 --remove"),
        (["failures"], "wikiembed failures"),
    ],
)
def test_command_line_quotes_where_a_shell_needs_it(words: list[str], expected: str) -> None:
    """Simple words stay as they are; a shell reads the same words again."""
    assert command_line(*words) == expected
    assert shlex.split(expected) == ["wikiembed", *words]


def unquoted(code: str) -> Iterator[str]:
    """The f-strings in `code` that put a value into a command of wikiembed."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values
            )
            if UNQUOTED.search(text):
                yield ast.unparse(node)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ('f"run `wikiembed retry {name}`"', 1),
        ('f"see `wikiembed"\nf" failures {name}`"', 0),
        ('(f"see `wikiembed"\nf" failures {name}`")', 1),
        ('f"wikiembed index --source {target.source} --drop"', 1),
        ('f"run `wikiembed migrate`; {why}"', 0),
        ("f\"run `{command_line('retry', name)}`\"", 0),
    ],
)
def test_unquoted_commands_are_found(code: str, number: int) -> None:
    """In one string or several in a row."""
    assert len(list(unquoted(code))) == number


def test_no_message_has_an_unquoted_command() -> None:
    """Each command with a name in it comes from `command_line`."""
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    found = {str(file.relative_to(PACKAGE)): list(unquoted(file.read_text())) for file in files}
    assert {name: strings for name, strings in found.items() if strings} == {}


def test_no_other_module_quotes_for_a_shell() -> None:
    """Each that does is listed, with its reason."""
    quoting = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(?:import|from) shlex\b", file.read_text(), re.MULTILINE)
    }
    assert quoting == set(OTHER_QUOTES)
