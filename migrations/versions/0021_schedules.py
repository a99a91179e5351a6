"""Windows in which a source's bulk work runs; schedule in the action log."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, the present window of each source, and the action."""
    run_files(
        "versions/0021_schedules/schedules",
        "versions/0021_schedules/sources",
        "versions/0021_schedules/action_log",
    )
