"""The version of the splitter by which a source's documents are split."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    run_files("versions/0017_splitter_version/document_sources")
