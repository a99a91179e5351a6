"""The policy's tables as data, and the commands in their cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.tools.docs.hours import POLICY

_CODE = re.compile(r"`([^`]+)`")
_CELL = re.compile(r"(?<!\\)\|")


def tables_under(title: str, *, page: Path = POLICY) -> list[dict[str, str]]:
    """The rows of the table under heading `title`, each cell by its column's name."""
    text = page.read_text()
    level, _, rest = _section(text, title)
    body = re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    rows = list(_rows(body))
    assert rows, f"no table under {title!r}"
    heading, _, *found = rows
    return [dict(zip(heading, row, strict=True)) for row in found]


def _section(text: str, title: str) -> tuple[int, str, str]:
    found = re.search(rf"^(?P<level>#+) {re.escape(title)}$", text, re.MULTILINE)
    assert found is not None, f"no heading {title!r}"
    return len(found["level"]), title, text[found.end() :]


def _rows(text: str) -> Iterator[list[str]]:
    """The rows of the first table of `text`."""
    begun = False
    for line in text.splitlines():
        if line.startswith("|"):
            begun = True
            yield [cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]]
        elif begun:
            return


def commands_of(cell: str, **values: str) -> list[str]:
    """The commands of a cell, with `values` in place of words such as KEY."""
    commands = _CODE.findall(cell)
    for word, value in values.items():
        commands = [re.sub(rf"\b{word}\b", value, command) for command in commands]
    return commands


def codes_of(cell: str) -> list[str]:
    """The words in backticks in a cell."""
    return _CODE.findall(cell)


def word_of(cell: str) -> str:
    """The one word in backticks at the start of a row."""
    found = _CODE.match(cell)
    assert found is not None, f"no word in backticks: {cell!r}"
    return found[1]
