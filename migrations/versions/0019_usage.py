"""What batches cost and how long their chunks waited; prices; price in the action log."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and allow the action."""
    run_files(
        "versions/0019_usage/batch_ledger",
        "versions/0019_usage/usage_days",
        "versions/0019_usage/lag_hours",
        "versions/0019_usage/prices",
        "versions/0019_usage/action_log",
    )
