"""Numbers, spans and moments as people read and write them; versions without Alembic."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from wikiembed.cli.console import cell, duration
from wikiembed.cli.control import moment
from wikiembed.db.location import migrations_dir
from wikiembed.db.version import known
from wikiembed.errors import InvalidArgument


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, "–"), (True, "yes"), (False, "no"), (12345678, "12,345,678")),
        *((Decimal("812.0"), "812"), (1234.5, "1,234.5"), ("docs", "docs"), (0, "0")),
    ],
)
def test_console_cell_is_readable(value: object, shown: str) -> None:
    """Thousands are separated and idle zeros left out."""
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0, "0 s"), (59.6, "1 min"), (3700, "1 h 1 min"), (200_000, "2 d 7 h")],
)
def test_console_duration_has_two_units(seconds: float | None, shown: str) -> None:
    """The two largest units are enough."""
    assert duration(seconds) == shown


def test_console_moment_reads_spans_and_times() -> None:
    """A span counts from now; a time has a zone, the local one if it states none."""
    ahead = moment("90min") - dt.datetime.now(dt.UTC)
    assert abs(ahead.total_seconds() - 5400) < 5
    assert moment("2031-05-01T08:00+02:00") == dt.datetime(2031, 5, 1, 6, tzinfo=dt.UTC)
    assert moment("2031-05-01").tzinfo is not None
    with pytest.raises(InvalidArgument, match="is no time"):
        moment("soon")


def test_console_knows_the_versions_that_alembic_knows() -> None:
    """The quick reader of revisions and Alembic agree, in order."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    walked = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    assert known() == walked[::-1]
