"""The same, faster: fetching several jobs at once, and a lighter queue."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, run, run_files

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FETCH = ["waiting_queues", "fetch_jobs", "finish_jobs"]
BEFORE = [
    "functions/hold_paused_v01", "functions/rescue_jobs_v01", "functions/grant_worker_v02",
    "views/queue_v01",
]  # fmt: skip


def upgrade() -> None:
    """Change the queue, then the functions; workers of before may call the new ones."""
    run_files(["queue/columns_v01", "queue/indexes_v01", "queue/events_off_v01"])
    run_files(f"functions/{name}_v01" for name in FETCH)
    run_files(f"functions/{name}_v02" for name in ("hold_paused", "rescue_jobs"))
    run_files(["views/queue_v02", "functions/grant_worker_v03"])
    names = ", ".join(f"wikiembed_private.{name}" for name in FETCH)
    run(f"revoke all on function {names} from public;")
    run("select wikiembed_private.grant_again();")
    run_files(["functions/one_owner_v01"])


def downgrade() -> None:
    """Put back what was before."""
    replace_files(BEFORE)
    names = ", ".join(f"wikiembed_private.{name}" for name in FETCH)
    run(f"drop function {names};")
    run_files(["queue/events_on_v01", "queue/indexes_undone_v01", "queue/columns_undone_v01"])
