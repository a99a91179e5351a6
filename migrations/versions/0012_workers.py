"""One row per worker process."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, run, run_files

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The view and the function act in the name of wikiembed's owner, whoever migrates.
OWNED = """
do $$
begin
  execute pg_catalog.format('alter table wikiembed.worker_processes owner to %I',
    (select pg_catalog.pg_get_userbyid(c.relowner) from pg_catalog.pg_class as c
      where c.oid = 'wikiembed.sources'::pg_catalog.regclass));
end;
$$;
"""
REGISTER = "wikiembed.register_worker(bigint, uuid, text, integer, text, text, timestamptz)"


def upgrade() -> None:
    """Processes register; the view has a row for each."""
    run_files(["tables/worker_processes_v01", "functions/register_worker_v01"])
    run(OWNED)
    run(f"revoke all on function {REGISTER} from public;")
    replace_files(["views/workers_v02", "functions/grant_worker_v06"])
    run_files(["functions/one_owner_v01"])
    run("select wikiembed_private.grant_again();")


def downgrade() -> None:
    """Put back what was before. The view loses columns, and keeps who may read it."""
    replace_files(["functions/grant_worker_v05"])
    run("drop view wikiembed.workers;")
    run_files(["views/workers_v01"])
    run(f"drop function {REGISTER};")
    run("drop table wikiembed.worker_processes;")
    run_files(["functions/one_owner_v01"])
    run("select wikiembed_private.grant_again();")
