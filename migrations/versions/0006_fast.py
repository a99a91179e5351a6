"""Fetch and finish several jobs at once, from an index in which no queue is in another's way."""

from __future__ import annotations

from wikiembed.db.revision import run, run_files

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FETCH = ["waiting_queues", "may_lock", "peek_jobs", "fetch_jobs", "finish_jobs"]


def upgrade() -> None:
    """Change the queue's columns and indexes; workers of before may call the new functions."""
    run_files(["queue/columns_v01", "queue/indexes_v01"])
    run_files(f"functions/{name}_v01" for name in FETCH)
    run_files(["functions/grant_worker_v03"])
    names = ", ".join(f"wikiembed_private.{name}" for name in FETCH)
    run(f"revoke all on function {names} from public;")
    run("select wikiembed_private.grant_again();")
    run_files(["functions/one_owner_v01"])


def downgrade() -> None:
    """Put back what was before."""
    run_files(["functions/grant_worker_v02"])
    names = ", ".join(f"wikiembed_private.{name}" for name in FETCH)
    run(f"drop function {names};")
    run_files(["queue/indexes_undone_v01", "queue/columns_undone_v01"])
