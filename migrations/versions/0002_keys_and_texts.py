"""Keys of several columns, and texts of several columns."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Record the columns of a key and of a text as arrays; sources that exist have one of each."""
    run_files("versions/0002_keys_and_texts/sources")
