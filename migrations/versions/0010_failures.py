"""Keys of any collation; a history of failures; plans that depend on no statistics."""

from __future__ import annotations

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring it up."""


def downgrade() -> None:
    """Put back what was before."""
