"""Text measured in terminal cells: a Korean syllable takes two."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size


def fit(text: str, width: int, *, mark: str = "…") -> str:
    """`text` in exactly `width` cells: padded with blanks, or truncated and marked."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(width - 1, 0)) + mark
    return set_cell_size(text, width)


def wrap(text: str, width: int, *, most: int | None = None) -> list[str]:
    """Lines of at most `width` cells, broken at plain blanks and, in long words, anywhere.

    If there are more than `most` lines, the rest are dropped and the last one ends in three dots.
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        for part in chop_cells(word, width) or [""]:
            longer = f"{line} {part}" if line else part
            if cell_len(longer) > width:
                lines.append(line)
                longer = part
            line = longer
    lines.append(line)
    if most is not None and len(lines) > most:
        lines = lines[:most]
        lines[-1] = set_cell_size(lines[-1], min(cell_len(lines[-1]), width - 4)) + " ..."
    return lines
