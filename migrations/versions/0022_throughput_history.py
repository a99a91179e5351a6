"""The history of throughput apart from the ledger, and what each worker has in flight."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the history; the next fold moves rows of past minutes and hours to it."""
    run_files(
        "versions/0022_throughput_history/throughput_history",
        "versions/0022_throughput_history/worker_processes",
    )
