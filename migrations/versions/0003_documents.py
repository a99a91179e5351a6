"""Documents: texts that wikiembed splits into chunks."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of document sources, and of documents that cannot be split."""
    run_files(
        "versions/0003_documents/document_sources", "versions/0003_documents/document_failures"
    )
