"""Sums of the queue's jobs, and one index less on it."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of sums with the present ones, and drop the index of all queues."""
    run_files(
        "versions/0024_queue_ledger/priority_index",
        "versions/0024_queue_ledger/queue_ledger",
    )
