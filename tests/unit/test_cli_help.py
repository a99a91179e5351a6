"""`--help` of every command: in panels, with valid examples, at any width."""

from __future__ import annotations

import itertools
import shlex

import pytest
from rich.cells import cell_len

from wikiembed.cli.commands import ENTRIES, PANELS
from wikiembed.cli.help import OPTION_PANELS, build_command
from wikiembed.cli.main import application, main

COMMANDS = [(panel, name) for panel, commands in PANELS.items() for name in commands]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines of a help text, which have no trailing blanks in a pipe."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    return lines


def test_help_lists_each_command_in_a_panel() -> None:
    """Each new command needs a panel and an example."""
    group = build_command(application())
    assert list(group.commands) == [name for _, name in COMMANDS]
    assert [(group.commands[name].rich_help_panel, name) for _, name in COMMANDS] == COMMANDS
    assert all(entry.examples and entry.exits for entry in ENTRIES.values())


def test_help_groups_only_existing_options() -> None:
    """Nor does a renamed option stay in the table."""
    group = build_command(application())
    there = {
        option
        for command in group.commands.values()
        for parameter in command.params
        for option in parameter.opts
    }
    assert set(OPTION_PANELS) - there == set()


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, example) for name, entry in ENTRIES.items() for example in entry.examples],
)
def test_help_example_is_valid(name: str, example: str) -> None:
    """Its command, options and values are accepted; it fits a line of 80 columns."""
    own = example.rpartition(" | ")[2].partition(" > ")[0]
    program, command, *arguments = shlex.split(own)
    assert (program, command) == ("wikiembed", name)
    build_command(application()).commands[name].make_context(name, arguments)
    assert len(example) <= 77


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", ["", *(name for _, name in COMMANDS)])
def test_help_is_not_ragged(
    command: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line of a paragraph ends only where its next word does not fit."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = shown(capsys, *filter(None, [command]))
    assert max(map(cell_len, lines)) <= width
    text = [line for line in lines if not line.startswith(("│", "╭", "╰"))]
    text = text[: text.index(" Examples:")] if " Examples:" in text else text
    text = text[: text.index(" Example:")] if " Example:" in text else text
    for line, after in itertools.pairwise(text):
        if line and after:
            first, *_ = after.split()
            assert cell_len(line) + 1 + cell_len(first) > width - 1, (line, after)


def test_help_of_a_command_ends_with_its_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each example is on its own line; options are in groups; flags have no type."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = shown(capsys, "status")
    examples = ENTRIES["status"].examples
    end = [line.strip() for line in lines if line][-len(examples) - 1 :]
    assert end == ["Examples:", *examples]
    (output,) = (n for n, line in enumerate(lines) if line.startswith("╭─ Output "))
    assert "--json" in "".join(lines[output:])
    assert "<" not in "".join([*lines, *shown(capsys)])
