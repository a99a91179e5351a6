"""The generated pages are current."""

from __future__ import annotations

import pytest

from tests.support.database import Database
from tests.tools.docs.architecture import PICTURES
from tests.tools.docs.generate import FILES, generated_pages
from tests.tools.docs.pages import DOCS, REFERENCE


@pytest.fixture
def fresh(database: Database) -> dict[str, str]:
    """Every generated page as it would be written now."""
    return generated_pages(database)


def test_generated_pages_are_current(fresh: dict[str, str]) -> None:
    """After a change of a command, a setting or a comment, run the generator."""
    stale = [name for name, text in fresh.items() if (REFERENCE / name).read_text() != text]
    assert stale == [], "run: python -m tests.tools.docs.generate"


def test_pictures_and_files_are_current() -> None:
    """A new package, or another layer of it, is drawn; a new metric is in the files."""
    made = (PICTURES | FILES).items()
    stale = [name for name, make in made if (DOCS / name).read_text() != make()]
    assert stale == [], "run: python -m tests.tools.docs.generate"
