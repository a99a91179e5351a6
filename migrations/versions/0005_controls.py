"""Controls that hold nobody up: a skip that never waits with locks, a retry that says what it
passed by, an attach that only checks; and a prefix that a source fixed is told from a pinned one.
"""

from __future__ import annotations

from wikiembed.db.revision import run, run_files

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW = ["skip_at_once", "skip_within", "check_names", "check_source", "owner_warning"]
CHANGED = ["skip", "check_rights", "pin_model", "raise_generation"]
COLUMNS = "regclass, name, name, name, text, text, text, integer, text, text, integer, boolean"


def replace(file: str, old: str, new: str | None = None) -> None:
    """Let what `file` creates take the place of function `old`, with its owner and its grants."""
    name, mark, arguments = old.partition("(")
    run(f"alter function {old} rename to {name.partition('.')[2]}_before;")
    run_files([f"functions/{file}"])
    run(f"select wikiembed_private.take_place('{new or old}', '{name}_before{mark}{arguments}');")


def upgrade() -> None:
    """Write the new functions; whoever may call those of before may call them."""
    run_files(f"functions/{name}_v01" for name in [*NEW, "take_place"])
    names = ", ".join(f"wikiembed_private.{name}" for name in NEW)
    run(f"revoke all on function {names} from public;")
    run_files(["tables/sources_prefix_pinned_v01"])
    run_files(f"functions/{name}_v02" for name in CHANGED)
    replace("retry_failures_v02", "wikiembed.retry_failures(text, text[], text)")
    replace("attach_v02", f"wikiembed.attach({COLUMNS})", f"wikiembed.attach({COLUMNS}, boolean)")
    run("drop function wikiembed_private.take_place;")
    run_files(["functions/one_owner_v01"])


def downgrade() -> None:
    """Put back those of before."""
    run_files(["functions/take_place_v01"])
    replace("skip_v01", "wikiembed.skip(text, text[], text)")
    replace("check_rights_v01", "wikiembed_private.check_rights(regclass)")
    replace("pin_model_v01", "wikiembed.pin_model(text, text, text, integer, text)")
    run("drop trigger raise_generation on wikiembed.sources;")
    replace("raise_generation_v01", "wikiembed_private.raise_generation()")
    run_files(["triggers/sources_triggers_v01"])
    replace("retry_failures_v01", "wikiembed.retry_failures(text, text[], text)")
    replace("attach_v01", f"wikiembed.attach({COLUMNS}, boolean)", f"wikiembed.attach({COLUMNS})")
    run("drop function wikiembed_private.take_place;")
    names = ", ".join(f"wikiembed_private.{name}" for name in NEW)
    run(f"drop function {names};")
    run("alter table wikiembed.sources drop column prefix_pinned;")
