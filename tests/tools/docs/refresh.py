"""Rewrite the output that pages show: ``python -m tests.tools.docs.refresh [PAGE …]``.

Each page is run as its test does. A block of output that still matches stays
unchanged; the others are replaced. Translations get the blocks of their
originals.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support.server import TestServer, start_server
from tests.tools.docs.outputs import is_shown
from tests.tools.docs.pages import DOCS, ROOT, blocks_of, pages
from tests.tools.docs.reader import follow

TRANSLATED = DOCS / "ko"
"""Not run: another test compares their blocks with those of the originals."""


def runnable() -> list[Path]:
    """The pages with blocks that run, without translations."""
    return [
        page
        for page in pages()
        if page.parent != TRANSLATED and any(block.runs for block in blocks_of(page))
    ]


def refresh(page: Path, server: TestServer) -> int:
    """Bring the output that `page` shows up to date; returns the number of changed blocks."""
    changed: dict[int, str] = {}
    with tempfile.TemporaryDirectory(prefix="we-docs-page-") as folder:
        for done in follow(page, server=server, folder=Path(folder)):
            output = done.block.output
            if output is not None and not is_shown(output.text, done.printed, varies=output.varies):
                changed[output.line] = done.printed
    write_blocks(page, changed)
    return len(changed)


def write_blocks(page: Path, texts: dict[int, str]) -> None:
    """Replace the text of the blocks of `page` that open at these lines."""
    lines = page.read_text().splitlines()
    blocks = {block.line: block for block in blocks_of(page)}
    for line in sorted(texts, reverse=True):
        block = blocks[line]
        indent = lines[line - 1].removesuffix(lines[line - 1].lstrip())
        new = [f"{indent}{one}".rstrip() for one in texts[line].strip("\n").splitlines()]
        lines[line : line + (block.text.count("\n") + 1 if block.text else 0)] = new
    page.write_text("\n".join(lines) + "\n")


def copy_to_translation(page: Path) -> None:
    """Copy the original's output to the translation of `page`, unless that is stale."""
    translation = TRANSLATED / page.name
    if translation.exists():
        ours, theirs = blocks_of(translation), blocks_of(page)
        if len(ours) != len(theirs):
            print(f"{translation.relative_to(ROOT)} is stale: left as it is", flush=True)
            return
        write_blocks(translation, {o.line: t.text for o, t in zip(ours, theirs, strict=True)})


def main(names: list[str]) -> None:
    """Refresh the named pages, or all."""
    chosen = [(ROOT / name).resolve() for name in names] or runnable()
    server = start_server()
    try:
        for page in chosen:
            count = refresh(page, server)
            copy_to_translation(page)
            print(f"{page.relative_to(ROOT)}: {count} changed", flush=True)
    finally:
        server.end()


if __name__ == "__main__":
    main(sys.argv[1:])
