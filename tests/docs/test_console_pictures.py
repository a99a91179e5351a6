"""The pictures of the console are those that its page shows, and small."""

from __future__ import annotations

import re

import pytest

from tests.tools.docs.pages import DOCS

FOLDER = DOCS / "how-to" / "console"
LARGEST = 80_000


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
