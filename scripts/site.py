"""Lay the documentation out for the site: README and changelog beside docs/, links rewritten.

`scripts/site.py FOLDER` writes FOLDER/docs and FOLDER/zensical.toml. In the checkout, pages
link to files all over it, and lists are indented as hosts of Markdown take them; the site has one
folder, and its parser wants four spaces.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "migrations/README.md": "schema.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "LICENSE",
    "compose.yaml": "compose.yaml",
    "Dockerfile": "Dockerfile",
}
"""Files outside of docs/ that pages link to, and their places on the site."""
_LINK = re.compile(r"(?P<before>(?<!!)\[[^\]]*\]\()(?P<target>[^)\s#]+)(?P<after>#[^)\s]*)?\)")
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)")


def place_of(path: Path) -> Path | None:
    """Where a file of the checkout stands on the site; None where it is not on it."""
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
    if name.startswith("docs/"):
        return Path(name.removeprefix("docs/"))
    return Path(ELSEWHERE[name]) if name in ELSEWHERE else None


def rewrite_links(text: str, page: Path) -> str:
    """The links in `text` of `page`, as they are on the site.

    Raises: ValueError for a link to a file that is not on it.
    """

    def rewritten(found: re.Match[str]) -> str:
        target = found["target"]
        if "://" in target:
            return found[0]
        place, own = place_of((page.parent / target).resolve()), place_of(page)
        if place is None or own is None:
            raise ValueError(f"{page.relative_to(ROOT)}: {target} is not on the site")
        return f"{found['before']}{os.path.relpath(place, own.parent)}{found['after'] or ''})"

    return _LINK.sub(rewritten, text)


def for_the_site(page: Path) -> str:
    """The text of `page` as the site takes it."""
    return "".join(
        indented(part, by=part) if is_code else indented(rewrite_links(part, page))
        for is_code, part in parts_of(page.read_text())
    )


def parts_of(text: str) -> Iterator[tuple[bool, str]]:
    """The fenced blocks and what is between them, in order."""
    fence: str | None = None
    part: list[str] = []
    for line in text.splitlines(keepends=True):
        opening = _FENCE.match(line)
        if fence is None and opening is not None:
            yield False, "".join(part)
            fence, part = opening["indent"] + opening["ticks"], [line]
        elif fence is not None and line.rstrip("\n") == fence:
            yield True, "".join([*part, line])
            fence, part = None, []
        else:
            part.append(line)
    yield fence is not None, "".join(part)


def indented(text: str, *, by: str = "") -> str:
    """`text` with four spaces where lists have three; a block goes `by` its first line."""
    return "".join(
        f" {line}" if (by or line).startswith("   ") and line.strip() else line
        for line in text.splitlines(keepends=True)
    )


def lay_out(folder: Path) -> None:
    """Write the site's sources into `folder`."""
    sources = [path for path in (ROOT / "docs").rglob("*") if path.is_file()]
    sources += [ROOT / name for name in ELSEWHERE if (ROOT / name).is_file()]
    for source in sources:
        place = place_of(source)
        assert place is not None  # noqa: S101 - each source has one
        path = folder / "docs" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            path.write_text(for_the_site(source))
        else:
            shutil.copyfile(source, path)
    shutil.copyfile(ROOT / "zensical.toml", folder / "zensical.toml")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
