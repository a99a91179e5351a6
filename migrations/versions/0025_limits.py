"""Limits of providers, requests and tokens per minute over all workers; limit in the action log."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the limits, the slots in which workers lease them, and the action."""
    run_files("versions/0025_limits/limits", "versions/0025_limits/action_log")
