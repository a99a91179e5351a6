"""The generated pages are what the generator writes now."""

from __future__ import annotations

import pytest

from tests.docs.commands import EXITS, commands
from tests.docs.generate import generated_pages
from tests.docs.pages import REFERENCE
from tests.harness.database import Database


@pytest.fixture
def fresh(database: Database) -> dict[str, str]:
    """Every generated page as it would be written now."""
    return generated_pages(database)


def test_generated_pages_are_current(fresh: dict[str, str]) -> None:
    """Whoever changes a command, a setting or a comment runs the generator."""
    stale = [name for name, text in fresh.items() if (REFERENCE / name).read_text() != text]
    assert stale == [], "run: python -m tests.docs.generate"


def test_every_command_says_its_exit_codes() -> None:
    """A command without an entry in EXITS has no exit codes on its page."""
    assert {command.name for command in commands()} <= EXITS.keys()
