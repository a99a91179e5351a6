"""Rows that wait for an order, empty sources, and tables that were replaced."""

from __future__ import annotations

from wikiembed.db.revision import replace_files, run, run_files

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What takes the place of its own version before, by the version that is there now.
CHANGED = {
    "functions/check_relation": 2,
    "functions/check_rights": 3,
    "functions/check_key": 2,
    "functions/check_text": 2,
    "functions/check_embedding": 2,
    "functions/check_source": 2,
    "functions/create_missing_index": 2,
    "functions/is_ready": 2,
    "functions/reconcile_source": 4,
    "functions/count_violations": 2,
    "functions/grant_reader": 5,
}
NEW = {
    "usable_keys": "regclass",
    "free_column": "regclass, text",
    "advised_vector": "integer",
    "dimensions_advice": "regclass, name, integer",
    "key_advice": "regclass, name",
    "text_advice": "regclass, name",
    "require_column": "regclass, name, text, integer",
    "check_unattached": "regclass, name, text, boolean",
    "settings_moved": "wikiembed.sources, wikiembed.sources",
    "failures_moved": "wikiembed.sources, wikiembed.sources",
    "copy_vectors": "wikiembed.sources, wikiembed.sources",
    "rename_missing_index": "wikiembed.sources",
}
SIGNATURES = ", ".join(f"wikiembed_private.{name}({of})" for name, of in NEW.items())
ATTACH = (
    "wikiembed.attach(regclass, name, name, name, text, text, text, integer, text, text, integer,"
    " boolean, boolean{})"
)
# Whoever could call the old function can call the new one.
_CALLERS = """
do $$
declare
  v_role text;
begin
  for v_role in
    select coalesce(pg_catalog.quote_ident(r.rolname), 'public')
      from pg_catalog.pg_proc as p, pg_catalog.aclexplode(p.proacl) as a
      left join pg_catalog.pg_roles as r on r.oid = a.grantee
     where p.oid = 'the_old'::regprocedure and a.grantee <> p.proowner
  loop
    execute pg_catalog.format('grant execute on function the_new to %s', v_role);
  end loop;
end;
$$;
drop function the_old;
"""
ALLOWING_EMPTY = "wikiembed.is_ready(text, boolean)"


def upgrade() -> None:
    """A function with one parameter more is another one, and takes the place of the first."""
    run_files(["tables/sources_waiting_v01", "tables/sources_attached_as_v01"])
    run_files(["views/replaced_tables_v01"])
    run_files(f"functions/{name}_v01" for name in NEW)
    run(f"revoke all on function {SIGNATURES} from public;")
    replace_files(["views/coverage_v04"])
    run_files(["functions/is_ready_allowing_empty_v01"])
    run(f"revoke all on function {ALLOWING_EMPTY} from public;")
    replace_files(f"{name}_v{now:02}" for name, now in CHANGED.items())
    _replace_attach(4, before="", after=", boolean, boolean")
    run_files(["functions/one_owner_v02"])
    run("select wikiembed_private.grant_again();")


def downgrade() -> None:
    """Put back what was before; a view loses columns only by being made anew."""
    _replace_attach(3, before=", boolean, boolean", after="")
    replace_files(f"{name}_v{now - 1:02}" for name, now in CHANGED.items())
    run(f"drop function {ALLOWING_EMPTY}, {SIGNATURES};")
    run("drop view wikiembed.replaced_tables;")
    run("alter table wikiembed.sources drop column attached_as;")
    run("drop view wikiembed.coverage;")
    run_files(["views/coverage_v01"])
    replace_files(["views/coverage_v03"])
    run_files(["functions/one_owner_v01", "tables/sources_waiting_undone_v01"])
    run("select wikiembed_private.grant_again();")


def _replace_attach(version: int, *, before: str, after: str) -> None:
    """Write `attach` with the parameters `after`; who could call it before can call it now."""
    run_files([f"functions/attach_v{version:02}"])
    old, new = ATTACH.format(before), ATTACH.format(after)
    run(f"revoke all on function {new} from public;")
    run(_CALLERS.replace("the_old", old).replace("the_new", new))
