"""Resolve names of tables and columns as typed to the names in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import errors as pg

from wikiembed.command_line import command_line
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
    connection: Connection,
    relation: str,
    columns: Mapping[str, list[str]],
    others: Mapping[str, str],
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
            f"{typed!r} is {right!r}"
            for name in columns
            for typed, right in zip(columns[name], written[name], strict=True)
            if typed != right
        ]
        raise SourceRefused(
            f"Column names are case-sensitive, {', '.join(wrong)}: run"
            f" `{attach_command(relation, written | _as_lists(others))}`."
        )
    return oid, table


def attach_command(relation: str, options: Mapping[str, list[str]]) -> str:
    """The command as a shell takes it; an option with an empty value is a flag."""
    words = ["attach", relation]
    for name, values in options.items():
        for value in values:
            words += [f"--{name}", value] if value else [f"--{name}"]
    return command_line(*words)


def _as_lists(options: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in options.items()}


def _advice(
    connection: Connection,
    relation: str,
    columns: Mapping[str, list[str]],
    others: Mapping[str, str],
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
        f"`{attach_command(name, _written(connection, oid, columns) | _as_lists(others))}`"
        for name, oid in found
    ]
    return f"run {' or '.join(commands)}"


def _written(
    connection: Connection, oid: int, columns: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """`columns` as the table names them, if they differ in case or quotes only."""
    there = [row[0] for row in connection.execute(_COLUMNS, (oid,))]
    alike: dict[str, list[str]] = {}
    for name in there:
        alike.setdefault(name.lower(), []).append(name)

    def right(name: str) -> str:
        same = [] if name in there else alike.get(name.strip('"').lower(), [])
        return same[0] if len(same) == 1 else name

    return {option: [right(name) for name in names] for option, names in columns.items()}
