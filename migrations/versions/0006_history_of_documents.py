"""Failures of documents in the history of failures; reconcile counts documents."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Mark which failures were of documents, and drop functions that return more columns now."""
    run_files("versions/0006_history_of_documents/history")
