"""docs/design has a page per decision, whose tests exist; no rule is named by a number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.tools.docs.pages import DOCS, ROOT, links_of, rows_of

DESIGN = DOCS / "design"
INDEX = DESIGN / "index.md"
PAGES = sorted(set(DESIGN.glob("*.md")) - {INDEX})
HEADINGS = ["Context", "Decision", "Measured", "Consequences", "Tests"]
TEST = re.compile(r"- `(?P<path>tests/[\w/]+/test_\w+\.py)(?:::(?P<function>test_\w+))?`")
NUMBERED_RULE = re.compile(r"\brules?[\s-]+\d|rule_\d", re.IGNORECASE)
READ = {".py", ".md", ".sql", ".txt", ".toml", ".yaml", ".yml", ".sh", ".json", ".service", ".mako"}
"""How the names of files end that are searched for numbered rules."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def parts_of(text: str) -> dict[str, str]:
    """Heading of the second level → what stands below it, in order."""
    return {
        title: body.strip()
        for title, _, body in (part.partition("\n") for part in text.split("\n## ")[1:])
    }


def functions_of(path: Path) -> set[str]:
    """Names of the functions of a module."""
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@every_page
def test_page_has_its_parts_in_order(page: Path) -> None:
    """One title, then the five headings, and text below each."""
    text = page.read_text()
    assert re.findall(r"^#+ .*$", text, re.MULTILINE)[1:] == [f"## {title}" for title in HEADINGS]
    assert text.startswith("# ")
    assert [title for title, body in parts_of(text).items() if not body] == []


@every_page
def test_tests_of_a_page_exist(page: Path) -> None:
    """Each line names a file, or a function in one."""
    lines = parts_of(page.read_text())["Tests"].splitlines()
    for line in lines:
        named = TEST.fullmatch(line)
        assert named is not None, line
        path = ROOT / named["path"]
        assert path.is_file(), line
        assert named["function"] is None or named["function"] in functions_of(path), line
    assert len(lines) == len(set(lines))


def test_index_lists_every_page_once() -> None:
    """Each row of the table has a decision, a sentence and a page; each page has a row."""
    rows = rows_of(INDEX)
    assert [row for row in rows if len(row) != 3 or not all(row) or row[1][-1] != "."] == []
    named = [re.search(r"\]\((.+\.md)\)", row[2]) for row in rows]
    assert sorted(found[1] for found in named if found) == [page.name for page in PAGES]
    assert {page.name for page in PAGES} <= set(links_of(INDEX))


@pytest.mark.parametrize("folder", ["tests", "docs", "wikiembed", "migrations"])
def test_no_rule_is_named_by_a_number(folder: str) -> None:
    """Neither in a file's name nor in its text: readers have no numbered list of rules."""
    paths = [path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    found = [str(path) for path in paths if NUMBERED_RULE.search(path.name)]
    for path in paths:
        if path.suffix in READ:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path}: {hit[0]}" for hit in NUMBERED_RULE.finditer(text)]
    assert found == []
