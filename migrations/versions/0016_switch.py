"""Names that searches use, and switch in the action log."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and allow the action."""
    run_files("versions/0016_switch/search_names", "versions/0016_switch/action_log")
