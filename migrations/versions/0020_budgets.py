"""Budgets of sources, and what batches in flight have reserved of them."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and the column by which workers know that a source has a budget."""
    run_files("versions/0020_budgets/budgets", "versions/0020_budgets/sources")
