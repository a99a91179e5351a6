"""Commands, options and files that pages mention exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.tools.docs.commands import commands
from tests.tools.docs.pages import ROOT, pages, prose_of

_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"^(?:scripts|docs|tests|wikiembed|migrations)/[\w./-]+$")
_TO_BE_MADE = re.compile(r"NAME|NNNN|VERSION")
OPTIONS = {
    command.name: {name for p in command.parameters if not p.is_argument for name in p.names}
    for command in commands()
}
PRESENT = [page for page in pages() if page.name != "CHANGELOG.md"]
"""The changelog names removed things, too."""
EVERYWHERE = {"--help", "-h", "--version"}


def named_in(page: Path) -> list[str]:
    """The words in backticks in the prose of `page`."""
    return _CODE.findall(prose_of(page))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_names_exist(page: Path) -> None:
    """With all their options: a table's cell is typed verbatim."""
    for output in named_in(page):
        words = shlex.split(output.replace("…", "")) if output.startswith("wikiembed ") else []
        if len(words) < 2 or words[1] in EVERYWHERE or words[1] == "COMMAND":
            continue
        assert words[1] in OPTIONS, f"{page.name}: {output}"
        options = {word for word in words[2:] if word.startswith("--")}
        assert options <= OPTIONS[words[1]] | EVERYWHERE, f"{page.name}: {output}"


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    """Scripts, tests and modules, by their path from the root; NAME stands for one to be made."""
    names = [name for name in named_in(page) if not _TO_BE_MADE.search(name)]
    files = [name for name in names if _FILE.match(name)]
    assert [name for name in files if not (ROOT / name).exists()] == []
