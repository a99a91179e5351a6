"""How each source is searched: its text configuration, and the statements of its search."""

from __future__ import annotations

from wikiembed.db.step import run_after_current, run_files

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table, and write the statements of the sources that are there."""
    run_files("versions/0008_search/sources", "versions/0008_search/search_statements")
    run_after_current(
        "select wikiembed_private.write_search(s.name) from wikiembed.sources as s"
        " where not wikiembed_private.is_gone(s);"
    )
