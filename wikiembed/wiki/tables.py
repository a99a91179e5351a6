"""A wikitext table as lines of text: ``Year: 1990; Winner: Bob``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_LINK = re.compile(r"\[\[[^\[\]]*+\]\]")
_SPAN = re.compile(r"(rowspan|colspan)\s*+=\s*+[\"']?\s*+(\d{1,3})", re.IGNORECASE)
_FIRST_MARKS = "*#:;|!= "
MAX_ROWS = 200
MAX_COLUMNS = 30
MAX_CELL_CHARS = 300
MAX_TABLE_CHARS = 20_000
_SHELTERED = "\0"


@dataclass(slots=True)
class _Cell:
    """One cell; `rows` and `columns` are how many of each it covers."""

    text: str
    is_heading: bool
    rows: int = 1
    columns: int = 1


@dataclass(slots=True)
class _Grid:
    """Cells by row and column, with those that cover several in each of them."""

    rows: list[list[_Cell]] = field(default_factory=list)
    caption: str = ""


def table_text(inner: str) -> str:
    """The rows of a table as lines; `inner`: its wikitext between the marks, with links.

    Each line has a row's cells with the headings of the first row, within the bounds above. A
    later row of only headings replaces them. Empty cells are left out.
    """
    grid = _read(_LINK.sub(lambda link: link[0].replace("|", _SHELTERED), inner))
    lines = [grid.caption] if grid.caption else []
    size = 0
    for line in _lines(grid.rows):
        size += len(line) + 1
        if size > MAX_TABLE_CHARS:
            break
        lines.append(line)
    return "\n".join(lines).replace(_SHELTERED, "|")


def _lines(rows: Sequence[Sequence[_Cell]]) -> Iterator[str]:
    headings: list[str] = []
    for row in rows:
        if all(cell.is_heading for cell in row) and len({id(cell) for cell in row}) > 1:
            headings = [cell.text for cell in row]
            continue
        shown: list[str] = []
        before: _Cell | None = None
        for column, cell in enumerate(row):
            if cell is before or not cell.text:
                continue
            before = cell
            name = headings[column] if column < len(headings) else ""
            shown.append(f"{name}: {cell.text}" if name and name != cell.text else cell.text)
        if line := "; ".join(shown).lstrip(_FIRST_MARKS):
            yield line


def _read(text: str) -> _Grid:
    grid = _Grid()
    cells: list[_Cell] = []
    covered: dict[int, tuple[_Cell, int]] = {}
    _, _, body = text.partition("\n")
    for line in [*body.split("\n"), "|-"]:
        mark = line.strip()
        if mark.startswith("|-"):
            if (cells or covered) and len(grid.rows) < MAX_ROWS and cells:
                grid.rows.append(_placed(cells, covered))
            cells = []
        elif mark.startswith("|+"):
            grid.caption = _content(mark[2:])[1]
        elif mark.startswith(("|", "!")):
            cells += _cells_of(mark)
        elif cells and mark and len(cells[-1].text) < MAX_CELL_CHARS:
            cells[-1].text = f"{cells[-1].text} {mark.lstrip('*#:;')}".strip()[:MAX_CELL_CHARS]
    return grid


def _cells_of(line: str) -> list[_Cell]:
    """The cells of a line that begins with ``|`` or ``!``."""
    is_heading = line[0] == "!"
    parts = (line.replace("!!", "||") if is_heading else line)[1:].split("||")
    cells = []
    for part in parts[:MAX_COLUMNS]:
        attributes, content = _content(part)
        spans = {name.lower(): int(count) for name, count in _SPAN.findall(attributes)}
        cells.append(
            _Cell(
                text=content[:MAX_CELL_CHARS],
                is_heading=is_heading,
                rows=min(spans.get("rowspan", 1) or MAX_ROWS, MAX_ROWS),
                columns=min(spans.get("colspan", 1) or 1, MAX_COLUMNS),
            )
        )
    return cells


def _content(part: str) -> tuple[str, str]:
    """Attributes, which end at a single pipe, and the text after them."""
    attributes, bar, text = part.partition("|")
    return (attributes, " ".join(text.split())) if bar else ("", " ".join(part.split()))


def _placed(cells: Sequence[_Cell], covered: dict[int, tuple[_Cell, int]]) -> list[_Cell]:
    """A row with the cells of rows above that span into it; updates `covered`."""
    row: list[_Cell] = []
    coming = list(reversed(cells))
    while len(row) < MAX_COLUMNS:
        column = len(row)
        if column in covered:
            cell, left = covered.pop(column)
            row.append(cell)
            if left > 1:
                covered[column] = (cell, left - 1)
        elif coming:
            cell = coming.pop()
            for _ in range(min(cell.columns, MAX_COLUMNS - column)):
                if cell.rows > 1:
                    covered[len(row)] = (cell, cell.rows - 1)
                row.append(cell)
        else:
            break
    return row
