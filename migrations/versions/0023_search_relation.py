"""The chunk table beside the statements that search it, of which row-level security is asked."""

from __future__ import annotations

from wikiembed.db.step import run_after_current, run_files

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and write the statements of the sources that are there."""
    run_files("versions/0023_search_relation/search_statements")
    run_after_current(
        "select wikiembed_private.write_search(s.name) from wikiembed.sources as s"
        " where not wikiembed_private.is_gone(s);"
    )
