"""Truncated chunks, and servers that cut texts silently."""

from __future__ import annotations

from wikiembed.db.revision import (
    replace_files,
    rewrite_triggers,
    run,
    run_files,
    vector_schema,
)

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What takes the place of its own version before, by the version that is there now.
CHANGED = {
    "functions/write_on_update": 5,
    "functions/write_on_delete": 4,
    "functions/write_on_truncate": 3,
    "functions/trigger_version": 7,
    "functions/reconcile_source": 5,
    "functions/count_violations": 3,
    "functions/check_invariants": 2,
    "functions/attach": 5,
    "functions/grant_reader": 6,
    "functions/grant_worker": 7,
}
NEW = {
    "wikiembed_private.forget_truncated": "text, text[]",
    "wikiembed_private.truncated_moved": "wikiembed.sources, wikiembed.sources",
    "wikiembed.find_truncation_check": "text, text, text",
    "wikiembed.record_truncation_check": "text, text, text, text, integer, integer",
    "wikiembed.write_truncated": (
        "text, text[], bigint[], {}.vector[], integer[], integer[], integer"
    ),
}


def upgrade() -> None:
    """What is called comes before what calls it."""
    schema = vector_schema()
    run_files(["tables/truncated_chunks_v01", "tables/truncation_checks_v01"])
    run_files(["views/truncation_v01"])
    run_files((f"functions/{_name(of)}_v01" for of in NEW), vector_schema=schema)
    run(f"revoke all on function {_signatures(schema)} from public;")
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())
    run_files(["functions/one_owner_v02"])
    rewrite_triggers()
    run("select wikiembed_private.grant_again();")


def downgrade() -> None:
    """Put back what was before; which chunks are truncated is forgotten."""
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
    run("alter function wikiembed.check_invariants(text) set jit = off;")
    rewrite_triggers()
    run("drop view wikiembed.truncation;")
    run(f"drop function {_signatures(vector_schema())};")
    run("drop table wikiembed.truncated_chunks, wikiembed.truncation_checks;")
    run("select wikiembed_private.grant_again();")


def _name(qualified: str) -> str:
    return qualified.split(".")[1]


def _signatures(schema: str) -> str:
    return ", ".join(f"{name}({of.format(schema)})" for name, of in NEW.items())
