"""Results of checks whether the model of a source still makes the vectors that it stores."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    run_files("versions/0015_verify/model_checks")
