"""The same, lighter: the ledger's newest rows stand apart, and a job's row is checked less."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, rewrite_triggers, run, run_files

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEW = ["create_deltas", "drop_deltas", "sum_deltas", "count_jobs"]
# What takes the place of its own version before, by the version that is there now.
CHANGED = {
    "functions/trigger_version": 4,
    "functions/write_triggers": 3,
    "functions/write_on_insert": 3,
    "functions/write_on_update": 3,
    "functions/write_on_delete": 2,
    "functions/attach": 3,
    "functions/detach": 2,
    "functions/drop_strayed": 2,
    "functions/enqueue": 3,
    "functions/reconcile_source": 2,
    "functions/grant_worker": 5,
    "functions/grant_reader": 3,
    "views/coverage": 3,
    "views/throughput": 2,
    "views/queue": 3,
}
SIGNATURES = ", ".join(f"wikiembed_private.{name}(text)" for name in NEW)


def upgrade() -> None:
    """New functions first: what is replaced calls them."""
    run_files(["queue/lighter_v01", "tables/sources_held_back_v01"])
    run_files(f"functions/{name}_v01" for name in NEW)
    run(f"revoke all on function {SIGNATURES} from public;")
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())
    run_files(["functions/one_owner_v01", "functions/see_views_v01"])
    run("select wikiembed_private.grant_again();")
    rewrite_triggers()


def downgrade() -> None:
    """Put back what was before; no writer is left when the deltas go, since triggers are locked."""
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
    rewrite_triggers()
    run_files(["tables/deltas_undone_v01"])
    run(f"drop function {SIGNATURES};")
    run_files(["queue/lighter_undone_v01"])
    run("alter table wikiembed.sources drop column held_back_at;")
