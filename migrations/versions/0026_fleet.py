"""Which node and which actor of Ray a worker process is."""

from __future__ import annotations

from wikiembed.db.step import run_files

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; workers of an earlier version leave them null."""
    run_files("versions/0026_fleet/worker_processes")
