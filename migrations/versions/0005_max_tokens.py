"""A bound on the tokens of a chunk, and resplit in the action log."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, drop the function whose result has it too, and allow the action."""
    run_files(
        "versions/0005_max_tokens/document_sources",
        "versions/0005_max_tokens/action_log",
    )
