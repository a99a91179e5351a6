"""The pictures of the console and the dashboard are those that their pages show, and small."""

from __future__ import annotations

import io
import itertools
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


def test_areas_keep_their_colour() -> None:
    """However many colours a picture has."""
    pytest.importorskip("playwright", reason="no playwright: pip install it")
    image = pytest.importorskip("PIL.Image", reason="no pillow: pip install '.[bench]'")
    from tests.tools.docs.screenshots import COLORS, small

    page = (246, 248, 250)
    areas = [(255, 255, 255), (31, 35, 40), (89, 99, 110), (209, 217, 224), (26, 127, 55),
             (207, 34, 46), (9, 105, 218), (255, 243, 205), (45, 164, 78)]  # fmt: skip
    drawn = image.new("RGB", (200, 200), page)
    for row, area in enumerate(areas):
        drawn.paste(area, (0, 20 * row, 150, 20 * row + 6))
    # The edges of letters have colours between those of ink and paper.
    pairs = itertools.product(areas, [*areas, page], range(1, 12))
    for n, (ink, paper, share) in enumerate(pairs):
        mixed = tuple(a + (b - a) * share // 12 for a, b in zip(ink, paper, strict=True))
        drawn.putpixel((n % 200, 195 - n // 200), mixed)
    given = io.BytesIO()
    drawn.save(given, "PNG")
    with image.open(io.BytesIO(small(given.getvalue()))) as found:
        assert len(found.convert("RGB").getcolors()) <= COLORS
        assert found.convert("RGB").getpixel((199, 100)) == page
        assert [found.convert("RGB").getpixel((9, 20 * n + 2)) for n in range(len(areas))] == areas


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
