"""docs/reference/reliability.md names existing tests, and its table is generated as stated."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.faults.report import PATH, read_rows, reporter
from tests.faults.table import HEADINGS, markdown
from tests.tools.docs.pages import REFERENCE, ROOT

PAGE = REFERENCE / "reliability.md"
COMMAND = re.compile(r"pytest '?(?P<path>[\w/]+\.py)(?:::(?P<test>\w+))?(?P<case>\[[^`]*\])?'?`")


def rows_of(page: str) -> list[list[str]]:
    """The cells of the lines of the table of faults."""
    lines = page[page.index(f"| {HEADINGS[0]} | {HEADINGS[1]} |") :].partition("\n\n")[0]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines.splitlines()[2:]
    ]


def test_every_row_names_a_test_that_exists() -> None:
    """The command of a row names a file of the fault tests, and a test of that file."""
    rows = rows_of(PAGE.read_text())
    assert len(rows) >= 30
    for row in rows:
        assert len(row) == len(HEADINGS), row
        found = COMMAND.search(row[-1])
        assert found, row
        path = ROOT / found["path"]
        assert path.parent.name == "faults", row
        assert path.is_file(), row
        tree = ast.parse(path.read_text())
        tests = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert found["test"] is None or found["test"] in tests, row


def test_no_row_has_a_loss() -> None:
    """Lost and stale are zero in each, and repeated matches the ratio."""
    for row in rows_of(PAGE.read_text()):
        assert row[3:5] == ["0", "0"], row


def test_the_table_sums_a_tests_cases_and_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two cases are one line with a range of seconds; a test of one case is named with it."""
    file = tmp_path / "rows.jsonl"
    monkeypatch.setenv(PATH, str(file))
    output: list[str] = []
    report = reporter(output.append)
    for node, fault, seconds in [
        ("tests/faults/test_b.py::test_two[x]", "twice", 1.0),
        ("tests/faults/test_b.py::test_two[y (z)]", "twice", 2.25),
        ("tests/faults/test_a.py::test_one[x]", "once", None),
    ]:
        monkeypatch.setenv("PYTEST_CURRENT_TEST", f"{node} (call)")
        report(
            fault, tried=3, chunks=1000, texts=500, lost=0, stale=1, repeated=50, seconds=seconds
        )
    rows = read_rows(file)
    assert len(output) == len(rows) == 3
    assert rows[1].node == "tests/faults/test_b.py::test_two[y (z)]"
    form = "WIKIEMBED_FAULTS=long " if rows[0].long else ""
    assert rows_of(markdown(rows)) == [
        ["once", "3", "1,000", "0", "1", "50", "0.100", "–",
         f"`{form}pytest 'tests/faults/test_a.py::test_one[x]'`"],
        ["twice", "6", "2,000", "0", "2", "100", "0.100", "1.0 to 2.2",
         f"`{form}pytest tests/faults/test_b.py::test_two`"],
    ]  # fmt: skip
    assert rows[0].wasted == 0.1


def test_texts_default_to_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `texts`, the default is one per chunk."""
    monkeypatch.delenv(PATH, raising=False)
    output: list[str] = []
    reporter(output.append)("kill", tried=1, chunks=200, lost=0, stale=0, repeated=50)
    assert '"texts": 200' in output[0]
    assert '"wasted": 0.25' in output[0]
