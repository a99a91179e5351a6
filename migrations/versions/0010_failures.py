"""Keys of any collation; a history of failures; plans that depend on no statistics."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, rewrite_triggers, run, run_files

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What takes the place of its own version before, by the version that is there now.
CHANGED = {
    "functions/retry_failures": 3,
    "functions/skip_at_once": 2,
    "functions/get_source": 2,
    "functions/triggers_of": 2,
    "functions/detach": 3,
    "functions/trigger_version": 6,
    "functions/write_on_update": 4,
    "functions/write_on_delete": 3,
    "functions/write_on_truncate": 2,
    "functions/write_read": 3,
    "functions/write_write": 2,
    "functions/write_outcomes": 2,
    "functions/write_fail": 2,
    "functions/reconcile_source": 3,
    "functions/drop_strayed": 3,
    "functions/fold_ledger": 2,
    "functions/grant_reader": 4,
}
# Before Postgres 18 a plan that has to use what is turned off counts as so expensive that it is
# compiled, at 50 to 100 ms a call.
NOT_COMPILED = (
    "wikiembed.check_invariants(text)",
    "wikiembed.is_ready(text)",
    "wikiembed_private.count_violations(wikiembed.sources)",
    "wikiembed_private.count_jobs(text)",
    "wikiembed_private.finish_jobs(bigint[])",
)
NEW = (
    "wikiembed_private.end_failures(tid[], text, text[]), wikiembed_private.prune_failure_history()"
)
FORGET = "wikiembed_private.forget_failures(text, text[], text, text[])"
FORGET_BEFORE = "wikiembed_private.forget_failures(text, text[])"


def upgrade() -> None:
    """What is called comes before what calls it."""
    run_files(["tables/ended_failures_v01", "views/failure_history_v01"])
    run("drop index wikiembed.failures_by_class;")
    run(f"drop function {FORGET_BEFORE};")
    run_files(
        [
            "functions/end_failures_v01",
            "functions/forget_failures_v02",
            "functions/prune_failure_history_v01",
        ]
    )
    run(f"revoke all on function {NEW}, {FORGET} from public;")
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())
    run_files(["functions/one_owner_v02"])
    for function in NOT_COMPILED:
        run(f"alter function {function} set jit = off;")
    rewrite_triggers()
    run("select wikiembed_private.grant_again();")


def downgrade() -> None:
    """Put back what was before; the history goes."""
    for function in NOT_COMPILED:
        run(f"alter function {function} reset jit;")
    run(f"drop function {FORGET};")
    run_files(["functions/forget_failures_v01"])
    run(f"revoke all on function {FORGET_BEFORE} from public;")
    run_files(["functions/one_owner_v01"])
    run("create index failures_by_class on wikiembed.failures (source, error_class);")
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
    run(f"drop function {NEW};")
    run("drop view wikiembed.failure_history;")
    run("drop table wikiembed_private.ended_failures;")
    rewrite_triggers()
