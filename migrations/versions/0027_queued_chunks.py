"""Sums of the chunks in the queue's jobs, beside those of the jobs."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column with the present sums."""
    run_files("versions/0027_queued_chunks/queue_ledger")
