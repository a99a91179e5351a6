"""Reads without row locks, and with the version of the source; a row trigger called less often."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, rewrite_triggers, run, run_files

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW = ["worker_roles", "open_to_workers"]
CHANGED = {
    "functions/trigger_version": 3,
    "functions/write_read": 2,
    "functions/write_triggers": 2,
    "functions/read_chunks": 2,
    "functions/grant_worker": 4,
    "functions/grant_again": 2,
}
# What workers may call; written again without their right, and in the shape of before.
DROP_OWN = """
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc as p join wikiembed.sources as s
           on p.proname in ('read_' || s.name, 'store_' || s.name)
     where p.pronamespace = 'wikiembed_private'::regnamespace
  loop
    execute format('drop function %s', v_function);
  end loop;
end;
$$;
"""


def upgrade() -> None:
    """Replace the functions; workers of before may call the new ones."""
    run_files(f"functions/{name}_v01" for name in NEW)
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())
    names = ", ".join(f"wikiembed_private.{name}" for name in NEW)
    run(f"revoke all on function {names} from public;")
    run_files(["functions/one_owner_v01"])
    run("select wikiembed_private.grant_again();")
    rewrite_triggers()


def downgrade() -> None:
    """Put back what was before."""
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
    names = ", ".join(f"wikiembed_private.{name}" for name in NEW)
    run(f"drop function {names};")
    run(DROP_OWN)
    rewrite_triggers()
