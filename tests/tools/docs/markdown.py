"""Markdown helpers for the generated pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table, with a blank line after it."""
    lines = [_row(heading), _row(["---"] * len(heading)), *map(_row, rows)]
    return [*lines, ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: object) -> str:
    """`text` in backticks; nothing for an empty one."""
    return f"`{text}`" if str(text) else ""
