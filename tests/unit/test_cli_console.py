"""Numbers formatted for people; versions read without Alembic."""

from __future__ import annotations

from decimal import Decimal

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from wikiembed.cli.console import cell
from wikiembed.db.location import migrations_dir
from wikiembed.db.version import known


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, "–"), (True, "yes"), (False, "no"), (12345678, "12,345,678")),
        *((Decimal("812.0"), "812"), (1234.5, "1,234.5"), ("docs", "docs"), (0, "0")),
    ],
)
def test_console_cell_is_readable(value: object, shown: str) -> None:
    """Thousands are separated and trailing zeros omitted."""
    assert cell(value) == shown


def test_console_lists_the_same_versions_as_alembic() -> None:
    """The quick reader of revisions and Alembic agree, in order."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    walked = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    assert known() == walked[::-1]
