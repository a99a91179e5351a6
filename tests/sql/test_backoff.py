"""The SQL formula of a backoff."""

from __future__ import annotations

import re

from tests.support.database import Database
from wikiembed.backoff import Backoff
from wikiembed.db import migrations_dir

REQUEUE = Backoff(first_s=0.5, longest_s=300.0)


def test_backoff_of_sql_is_that_of_the_package(database: Database) -> None:
    """The same seconds for each attempt, and no overflow."""
    attempts = [-1, *range(16), 10_000]
    found = database.rows(
        "select extract(epoch from wikiembed_private.backoff(a))::double precision"
        " from unnest(%s::int[]) with ordinality as t (a, n) order by n",
        [attempts],
    )
    assert [row[0] for row in found] == [REQUEUE.wait_s(attempt) for attempt in attempts]


def test_one_file_of_sql_has_a_formula() -> None:
    """All others call wikiembed_private.backoff; that of lag.sql is of the limits of buckets."""
    formulas = [
        path.name
        for path in sorted((migrations_dir() / "current").rglob("*.sql"))
        if re.search(r"\b(power|exp)\s*\(", path.read_text())
    ]
    assert formulas == ["backoff.sql", "lag.sql"]
