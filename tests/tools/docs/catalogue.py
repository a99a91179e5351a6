"""docs/reference/sql.md, from the catalogue of a migrated database."""

from __future__ import annotations

import re

from tests.support.database import Database, Row
from tests.tools.docs.markdown import code, table

INTRODUCTION = """\
# SQL interface

Schema `wikiembed` is public and stable: everything on this page keeps its name and its meaning
within a major version. Schemas `wikiembed_private` and `wikiembed_queue` are not: they hold the
written triggers and procrastinate's tables.

Every command of the CLI calls these functions or reads these views, so an operator with
`psql` can do the same. Arguments may be given by name: `select wikiembed.pause(p_why => 'costs')`.
A null source means all sources where the default is null. The SQLSTATEs are explained in
[sqlstates.md](sqlstates.md).

Only the owner may call or read anything until `grant_reader`, `grant_worker` or
`grant_writer` is called; the column *granted to* shows what each one grants: see
[managed Postgres](../how-to/managed-postgres.md).
"""
ROLES = ("reader", "worker", "writer")
RELATIONS = """
select n.nspname || '.' || c.relname, c.relkind::text, obj_description(c.oid, 'pg_class'), c.oid
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
 where (n.nspname = 'wikiembed' and c.relname <> 'alembic_version'
        or n.nspname = 'public' and c.relname in ('wiki_pages', 'wiki_chunks'))
   and c.relkind in ('r', 'v')
 order by n.nspname desc, c.relkind desc, c.relname
"""
COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       col_description(a.attrelid, a.attnum)
  from pg_attribute as a
 where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
CHECKS = """
select c.conname, pg_get_constraintdef(c.oid)
  from pg_constraint as c where c.conrelid = %s and c.contype = 'c' order by c.conname
"""
FUNCTIONS = """
select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
       obj_description(p.oid, 'pg_proc'), p.oid
  from pg_proc as p where p.pronamespace = 'wikiembed'::regnamespace
 order by p.proname, pg_get_function_identity_arguments(p.oid)
"""


def sql_page(database: Database) -> str:
    """The page; makes three roles in `database`, dropped when it is closed."""
    roles = {kind: database.create_role(kind, grant=kind) for kind in ROLES}
    relations = database.rows(RELATIONS)
    functions = database.rows(FUNCTIONS)
    lines = [INTRODUCTION, "## Overview", ""]
    lines += table(
        ["object", "kind", "granted to", "what"],
        [
            *(
                [
                    f"[{code(name)}](#{_anchor(name)})",
                    {"r": "table", "v": "view"}[kind],
                    _readers(database, roles, oid),
                    comment,
                ]
                for name, kind, comment, oid in relations
            ),
            *(
                [
                    f"[{code(f'wikiembed.{name}')}](#{_anchor('wikiembed.' + name)})",
                    "function",
                    _callers(database, roles, oid),
                    comment,
                ]
                for name, _, _, comment, oid in functions
            ),
        ],
    )
    lines += ["# Tables and views", ""]
    for name, _, comment, oid in relations:
        lines += [f"## {name}", "", comment, ""]
        lines += table(["column", "type", "meaning"], map(_column, database.rows(COLUMNS, [oid])))
        checks = database.rows(CHECKS, [oid])
        if checks:
            lines += ["Constraints:", ""]
            lines += [f"- `{constraint}`: `{definition}`" for constraint, definition in checks]
            lines += [""]
    lines += ["# Functions", ""]
    for name, arguments, result, comment, oid in functions:
        lines += [f"## wikiembed.{name}", "", comment, "", "```text"]
        lines += [_signature(name, arguments, result), "```", ""]
        callers = _callers(database, roles, oid)
        lines += [f"Granted to: {callers}." if callers else "Granted to: the owner only.", ""]
    return "\n".join(lines)


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _column(row: Row) -> list[str]:
    name, kind, not_null, comment = row
    kind = re.sub(r"^vector\(\d+\)$", "vector(WIKIEMBED_DIMENSIONS)", kind)
    return [code(name), code(kind) + (", not null" if not_null else ""), comment]


def _signature(name: str, arguments: str, result: str) -> str:
    parts = [part.strip() for part in arguments.split(", ")] if arguments else []
    inner = "".join(f"\n  {part}," for part in parts).rstrip(",")
    return f"wikiembed.{name}({inner}{chr(10) if parts else ''}) returns {result}"


def _callers(database: Database, roles: dict[str, str], oid: int) -> str:
    return ", ".join(
        kind
        for kind, role in roles.items()
        if database.one("select has_function_privilege(%s::name, %s::oid, 'execute')", [role, oid])
    )


def _readers(database: Database, roles: dict[str, str], oid: int) -> str:
    return ", ".join(
        kind + (" (and writes)" if writes else "")
        for kind, role in roles.items()
        for reads, writes in database.rows(
            "select has_table_privilege(%(r)s::name, %(t)s::oid, 'select'),"
            " has_table_privilege(%(r)s::name, %(t)s::oid, 'insert')",
            {"r": role, "t": oid},
        )
        if reads
    )
