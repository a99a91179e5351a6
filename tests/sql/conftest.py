"""Fixtures of the SQL suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.database import Database
from tests.support.documents import ATTACH


@pytest.fixture
def articles(database: Database) -> Iterator[Database]:
    """Table articles with a key of two columns, attached as documents."""
    database.execute(
        "create table public.articles (tenant int, id text, title text, body text, other int,"
        " primary key (tenant, id))"
    )
    database.execute(ATTACH)
    yield database
    database.check_invariants()
