"""Schema wikiembed: tables, functions, triggers and views."""

from __future__ import annotations

from wikiembed.db.revision import run, run_files, vector_schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ["sources", "failures", "ledger", "action_log", "clock"]
# Functions of language sql are checked when they are created, so what they call comes first.
PRIVATE = [
    "actor", "require_read_committed", "lock_source", "get_source", "qualified", "pgvector_schema",
    "fill", "relations_of", "forget_failures", "requeue", "wake", "notify_seldom", "is_held",
    "hold_paused", "raise_generation", "count_failures", "queue_reconcile",
    "write_null_stale", "write_on_insert", "write_on_update", "write_on_delete",
    "write_on_truncate", "write_outcomes", "write_read", "write_write", "write_fail",
    "trigger_version", "names_of", "triggers_of", "tree_current", "triggers_current",
    "drop_strayed_triggers", "is_gone", "require_table", "find_column", "follow_renames",
    "write_statement_triggers", "close_to_public", "write_triggers", "log_action",
    "check_name", "check_relation", "check_rights", "base_type", "check_key", "check_text",
    "check_embedding", "missing_index", "create_missing_index", "correct_ledger",
    "runnable_queues", "keys_of", "split_job", "lose_job", "rescue_upkeep", "drop_strayed",
    "reconcile_source", "count_violations", "on_ddl",
]  # fmt: skip
PUBLIC = [
    "attach", "detach", "enqueue", "read_chunks", "write_embeddings", "record_failures",
    "retry_failures", "skip", "pause", "resume", "is_ready", "pin_model", "rescue_jobs",
    "jobs_of_worker", "release_jobs", "fold_ledger", "expire_pauses", "reconcile",
    "check_invariants", "search_chunks", "grant_writer", "grant_worker", "grant_reader",
]  # fmt: skip
TRIGGERS = ["sources_triggers", "failures_triggers", "queue_triggers", "event_trigger"]
VIEWS = ["coverage", "queue", "workers", "throughput"]


def upgrade() -> None:
    """Create everything; a new function is everybody's, so public loses them at the end."""
    schema = vector_schema()
    run_files(f"tables/{name}_v01" for name in TABLES)
    run_files((f"functions/{name}_v01" for name in PRIVATE + PUBLIC), vector_schema=schema)
    run_files(f"triggers/{name}_v01" for name in TRIGGERS)
    run_files(f"views/{name}_v01" for name in VIEWS)
    run(
        "revoke all on all functions in schema wikiembed, wikiembed_private,"
        " wikiembed_queue from public;"
    )


def downgrade() -> None:
    """Detach every source, then drop what upgrade made; the users' tables and vectors stay."""
    run("drop event trigger if exists wikiembed_on_ddl;")
    run("select wikiembed.detach(s.name) from wikiembed.sources as s;")
    run_files(["functions/drop_all_v01"])
