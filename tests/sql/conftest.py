"""Fixtures of the SQL suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.database import Database
from tests.support.documents import ATTACH
from tests.support.quantised import make_docs


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


@pytest.fixture
def docs(database: Database) -> Database:
    """1,200 chunks with vectors, and without an index of them."""
    make_docs(database)
    return database
