"""One row per worker process."""

from __future__ import annotations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring it up."""


def downgrade() -> None:
    """Put back what was before."""
