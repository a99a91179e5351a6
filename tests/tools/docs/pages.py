"""The pages of the documentation, and the fenced blocks and links in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
RUN_AS_SHELL = frozenset({"sh", "python"})
"""At a terminal; Python as a script of `python3`."""
RUN_AS_SQL = frozenset({"sql"})
OUTPUT = "text"
VARIES = "<!-- varies -->"
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>\S.*?) -->")
BEGINS_WITH = re.compile(r"<!-- begins with: (?P<state>nothing|empty|schema|docs|wiki) -->")
YOURS = "<!-- from here on: your own database -->"
_FENCE = re.compile(r"^(?P<fence> *```+)(?P<language>[\w-]*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block; `line` is its first line, `not_run` the reason why no test runs it.

    `output` is the block of text directly after a block of commands: their output. If it
    `varies`, only the first words of its lines are compared, e.g. the rows of a table.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None
    output: Block | None = None
    varies: bool = False

    @property
    def place(self) -> str:
        """Its location, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        """True when a test runs it."""
        return self.not_run is None and self.language in RUN_AS_SHELL | RUN_AS_SQL


def pages() -> list[Path]:
    """README and its kin at the root, the map of the schema, and everything under docs/."""
    names = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "migrations/README.md")
    return [*(ROOT / name for name in names), *sorted(DOCS.rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of `page`, in order.

    Raises: ValueError for a fence that never closes.
    """
    blocks: list[Block] = []
    lines = page.read_text().splitlines()
    for block in _read_blocks(page):
        before = blocks[-1] if blocks else None
        if before is not None and block.language == OUTPUT and before.language in RUN_AS_SHELL:
            closed = before.line + before.text.count("\n") + (2 if before.text else 1)
            if not "".join(lines[closed : block.line - 1]).replace(VARIES, "").strip():
                blocks[-1] = replace(before, output=block)
        blocks.append(block)
    return blocks


def _read_blocks(page: Path) -> Iterator[Block]:
    opened: tuple[int, str, str, str | None, bool] | None = None
    body: list[str] = []
    last = ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if opened is not None:
            start, fence, language, reason, varies = opened
            if line == fence:
                yield Block(
                    page=page,
                    line=start,
                    language=language,
                    text="\n".join(body),
                    not_run=reason,
                    varies=varies,
                )
                opened, body, last = None, [], ""
            else:
                body.append(line.removeprefix(" " * (len(fence) - len(fence.lstrip()))))
        elif (begins := _FENCE.match(line)) is not None:
            marked = NOT_RUN.fullmatch(last)
            reason = marked["reason"] if marked else None
            opened = (number, begins["fence"], begins["language"], reason, last == VARIES)
        elif line.strip():
            last = line.strip()
    if opened is not None:
        raise ValueError(f"{page.name}:{opened[0]}: the fence never closes")


def yours_from(page: Path) -> int:
    """The line from which a page without prerequisites uses the reader's database."""
    lines = page.read_text().splitlines()
    return lines.index(YOURS) + 1 if YOURS in lines else len(lines) + 1


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    lines = page.read_text().splitlines()
    for block in blocks_of(page):
        last = block.line + block.text.count("\n") + (2 if block.text else 1)
        lines[block.line - 1 : last] = [""] * (last - block.line + 1)
    return "\n".join(lines)


def strays_of(page: Path) -> list[str]:
    """Lines outside of the blocks that look like a fence or like an indented block of code."""
    lines = prose_of(page).splitlines()
    return [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if "```" in line or "~~~" in line or (line.startswith("    ") and not before.strip())
    ]


def links_of(page: Path) -> list[str]:
    """The targets of the page's links."""
    return [found["target"] for found in _LINK.finditer(prose_of(page))]


def anchors_of(page: Path) -> set[str]:
    """The anchors of the page's headings, as hosts of Markdown make them."""
    return {
        re.sub(r"[^\w\- ]", "", found["title"].lower()).strip().replace(" ", "-")
        for found in _HEADING.finditer(prose_of(page))
    }


def rows_of(page: Path) -> list[list[str]]:
    """The cells of every table row of `page`, without headings, with backticks."""
    rows: list[list[str]] = []
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("|") or set(line) <= set("|-: "):
            continue
        follows = lines[number + 1] if number + 1 < len(lines) else ""
        if follows.startswith("|") and set(follows) <= set("|-: "):
            continue
        rows.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
    return rows
