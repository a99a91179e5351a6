"""What a server truncates, and which chunks were cut."""

from __future__ import annotations

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring it up."""


def downgrade() -> None:
    """Put back what was before."""
