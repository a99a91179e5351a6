"""Keys of any collation; a history of failures; plans that depend on no statistics."""

from __future__ import annotations

from wikiembed.db.revision import replace_files

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What takes the place of its own version before, by the version that is there now.
CHANGED = {
    "functions/forget_failures": 2,
    "functions/retry_failures": 3,
    "functions/skip_at_once": 2,
    "functions/get_source": 2,
    "functions/triggers_of": 2,
    "functions/detach": 3,
}


def upgrade() -> None:
    """Compare keys and names by a collation that is stated."""
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())


def downgrade() -> None:
    """Put back what was before."""
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
