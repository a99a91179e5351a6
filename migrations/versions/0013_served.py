"""Which model a server says that it serves."""

from __future__ import annotations

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring it up."""


def downgrade() -> None:
    """Put back what was before."""
