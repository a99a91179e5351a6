"""Fixtures of the documentation's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database import Database
from tests.tools.docs.drill import Drill, drill_on


@pytest.fixture
def drill(database: Database, tmp_path: Path) -> Iterator[Drill]:
    """A wiki of six chunks that are queued, and its server."""
    with drill_on(database, tmp_path) as made:
        made.load()
        yield made
