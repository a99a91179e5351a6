"""Rows that wait for an order, empty sources, and tables that were replaced."""

from __future__ import annotations

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring it up."""


def downgrade() -> None:
    """Put back what was before."""
