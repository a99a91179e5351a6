"""The quantised index of vectors with which a source is searched."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; without a quantised index a search stays as it was."""
    run_files("versions/0018_quantise/sources")
