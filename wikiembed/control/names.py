"""Resolve names of tables and columns as typed to the names in the database."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed.errors import SourceRefused

Connection = psycopg.Connection[Any]

_FIND = "select c.oid::bigint, c.relname from pg_class as c where c.oid = to_regclass(%s)"
# In another case or another schema: Postgres folds an unquoted public.Document to document.
_LIKE = """
select format('%%I.%%I', n.nspname, c.relname), c.oid::bigint
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$|wikiembed)'
   and lower(c.relname) = any (%(tables)s) and (%(schema)s = '' or lower(n.nspname) = %(schema)s)
 order by 1
"""
_COLUMNS = """
select a.attname from pg_catalog.pg_attribute as a
 where a.attrelid = %s::oid and a.attnum > 0 and not a.attisdropped order by a.attnum
"""


def find_table(
    connection: Connection, relation: str, columns: Mapping[str, str], others: Mapping[str, str]
) -> tuple[int, str]:
    """The table's oid and its bare name.

    `columns` and `others` are the options of the command, from which a corrected one is made.
    Raises: SourceRefused, with the corrected command if a name differs in case or quotes only.
    """
    try:
        found = connection.execute(_FIND, (relation,)).fetchone()
    except (pg.InvalidName, pg.SyntaxError, pg.FeatureNotSupported):
        found = None
    if found is None:
        advice = _advice(connection, relation, columns, others)
        raise SourceRefused(f"Table {relation!r} does not exist: {advice}.")
    oid, table = int(found[0]), str(found[1])
    written = _written(connection, oid, columns)
    if written != dict(columns):
        wrong = [
            f"{columns[name]!r} is {written[name]!r}"
            for name in columns
            if written[name] != columns[name]
        ]
        raise SourceRefused(
            f"Column names are case-sensitive, {', '.join(wrong)}: run"
            f" `{attach_command(relation, written | dict(others))}`."
        )
    return oid, table


def attach_command(relation: str, options: Mapping[str, str]) -> str:
    """The command as a shell takes it; an option without a value is a flag."""
    words = ["wikiembed", "attach", relation]
    for name, value in options.items():
        words += [f"--{name}", value] if value else [f"--{name}"]
    return shlex.join(words)


def _advice(
    connection: Connection, relation: str, columns: Mapping[str, str], others: Mapping[str, str]
) -> str:
    schema, _, table = relation.replace('"', "").lower().rpartition(".")
    candidates = {"tables": [table, relation.replace('"', "").lower()], "schema": schema}
    found = connection.execute(_LIKE, candidates).fetchall()
    if not found and schema:
        found = connection.execute(_LIKE, candidates | {"schema": ""}).fetchall()
    if not found:
        return (
            "give its name with the schema, as in public.docs, and put names that are not lower"
            " case in double quotes"
        )
    commands = [
        f"`{attach_command(name, _written(connection, oid, columns) | dict(others))}`"
        for name, oid in found
    ]
    return f"run {' or '.join(commands)}"


def _written(connection: Connection, oid: int, columns: Mapping[str, str]) -> dict[str, str]:
    """`columns` as the table names them, if they differ in case or quotes only."""
    there = [row[0] for row in connection.execute(_COLUMNS, (oid,))]
    alike: dict[str, list[str]] = {}
    for name in there:
        alike.setdefault(name.lower(), []).append(name)
    written = {}
    for option, name in columns.items():
        same = [] if name in there else alike.get(name.strip('"').lower(), [])
        written[option] = same[0] if len(same) == 1 else name
    return written
