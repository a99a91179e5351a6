"""The hnsw.ef_search of each source, and the recall that was measured."""

from __future__ import annotations

from wikiembed.db.step import run_after_current, run_files

revision = "0014"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table, and write the statements of the sources that are there."""
    run_files("versions/0014_recall/sources", "versions/0014_recall/recall_checks")
    run_after_current(
        "select wikiembed_private.write_search(s.name) from wikiembed.sources as s"
        " where not wikiembed_private.is_gone(s);"
    )
