"""The pictures of the console and the dashboard are those that their pages show, and small."""

from __future__ import annotations

import re

import pytest

from tests.tools.docs.pages import DOCS

FOLDER = DOCS / "how-to" / "console"
LARGEST = 80_000
DASHBOARD = DOCS / "how-to" / "monitor"
LARGEST_DASHBOARD = 150_000


def test_page_shows_every_picture_with_a_description() -> None:
    """And no other."""
    shown = re.findall(
        r"!\[([^\]]+)\]\(console/([^)]+)\)", (DOCS / "how-to/console.md").read_text()
    )
    assert {name for _, name in shown} == {file.name for file in FOLDER.iterdir()}


def test_script_takes_these_pictures() -> None:
    """`python -m tests.tools.docs.screenshots` writes each of them again."""
    pytest.importorskip("PIL", reason="no pillow: pip install '.[bench]'")
    pytest.importorskip("playwright", reason="no playwright: pip install it")
    from tests.tools.docs.screenshots import PICTURES

    assert set(PICTURES) == {file.name for file in FOLDER.iterdir()}


def test_pictures_are_small() -> None:
    """Each is below 80 kB."""
    assert [file.name for file in FOLDER.iterdir() if file.stat().st_size >= LARGEST] == []


def test_page_of_monitoring_shows_the_dashboard() -> None:
    """With a description; `python -m tests.tools.docs.dashboard` draws it, below 150 kB."""
    pytest.importorskip("PIL", reason="no pillow: pip install '.[bench]'")
    pytest.importorskip("playwright", reason="no playwright: pip install it")
    from tests.tools.docs.dashboard import DRAW, FILE
    from tests.tools.monitoring.board import panels

    shown = re.findall(
        r"!\[([^\]]+)\]\(monitor/([^)]+)\)", (DOCS / "how-to/monitor.md").read_text()
    )
    assert [name for _, name in shown] == [FILE.name]
    assert [file.name for file in DASHBOARD.iterdir()] == [FILE.name]
    assert FILE.stat().st_size < LARGEST_DASHBOARD
    units = {panel.unit for panel in panels(rate_s=60)}
    known = DRAW.read_text().split("const UNITS = {")[1].split("};")[0]
    assert {unit for unit in units if not re.search(rf"\b{unit}\b", known)} == set()
    assert {panel.kind for panel in panels(rate_s=60)} == {"timeseries"}  # what it can draw
