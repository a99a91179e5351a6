"""Inserts read their rows once, a bulk enqueue holds little memory, the queue is vacuumed."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, rewrite_triggers, run, run_files

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What takes the place of its own version before, by the version that is there now.
CHANGED = {
    "functions/trigger_version": 5,
    "functions/write_triggers": 4,
    "functions/write_on_insert": 4,
    "functions/notify_seldom": 3,
    "functions/enqueue": 4,
}
NEW = "wikiembed_private.require_quotable(wikiembed.sources), wikiembed_private.follow_batch_size()"


def upgrade() -> None:
    """What is called comes before what calls it."""
    run_files(["functions/require_quotable_v01"])
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())
    run_files(["functions/follow_batch_size_v01", "triggers/batch_size_trigger_v01"])
    run(f"revoke all on function {NEW} from public;")
    run_files(["functions/one_owner_v01", "queue/vacuum_often_v01"])
    rewrite_triggers()


def downgrade() -> None:
    """Put back what was before."""
    run_files(["queue/vacuum_often_undone_v01"])
    run("drop trigger wikiembed_follow_batch_size on wikiembed.sources;")
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
    run(f"drop function {NEW};")
    rewrite_triggers()
