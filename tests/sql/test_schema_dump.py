"""The checked-in schema equals what the migrations create."""

from __future__ import annotations

import difflib

import pytest

from tests.support.database import Database
from tests.tools.schema_dump import FILE, VERSION, dump


def test_schema_dump_is_current(database: Database) -> None:
    """`python -m tests.tools.schema_dump` regenerates it after a change of migrations."""
    server = database.one("select current_setting('server_version_num')::int / 10000")
    if server != VERSION:
        pytest.skip(f"the dump is that of Postgres {VERSION}")
    difference = difflib.unified_diff(
        FILE.read_text().splitlines(), dump(database.url).splitlines(), "checked in", "fresh", n=1
    )
    assert list(difference) == []
