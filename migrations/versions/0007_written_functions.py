"""Which functions `migrate` wrote: those alone are dropped when no file defines them any more."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and record the functions of earlier versions."""
    run_files("versions/0007_written_functions/written_functions")
